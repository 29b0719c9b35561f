import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser, Page } from 'playwright-core';
import { bundle } from '../../examples/angular/build.mjs';
import { built } from '../package/built.js';

const folder = new URL('../../examples/angular/', import.meta.url);

/** The example, served on loopback: under `/` without zone.js, under `/zone/` with it. */
export interface ExampleSite {
  /** Opens it. What it says in its console, or throws, goes into `complaints`. */
  open(options: { readonly zone: boolean; readonly query: Readonly<Record<string, string>> }): Promise<Page>;
  readonly complaints: string[];
  stop(): Promise<void>;
}

export async function openExample(browser: Browser): Promise<ExampleSite> {
  await built();
  const types = { html: 'text/html', css: 'text/css', js: 'text/javascript' } as const;
  const files = new Map<string, string | Buffer>([
    ['index.html', await readFile(new URL('index.html', folder))],
    ['styles.css', await readFile(new URL('styles.css', folder))],
    ['main.js', await bundle()],
    ['zone/main.js', await bundle({ zone: true })],
  ]);
  const site = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://localhost').pathname.slice(1);
    const name = path === '' || path === 'zone/' ? 'index.html' : path === 'zone/styles.css' ? 'styles.css' : path;
    const file = files.get(name);
    if (file === undefined) response.statusCode = 404;
    response.setHeader('content-type', types[name.split('.').at(-1) as 'html'] ?? 'text/plain');
    response.end(file);
  });
  await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve));
  const complaints: string[] = [];
  return {
    complaints,
    async open({ zone, query }) {
      const page = await browser.newPage({ viewport: { width: 1000, height: 560 }, deviceScaleFactor: 2 });
      page.on('pageerror', (error) => complaints.push(String(error)));
      page.on('console', (message) => complaints.push(message.text()));
      const { port } = site.address() as AddressInfo;
      await page.goto(`http://127.0.0.1:${port}/${zone ? 'zone/' : ''}?${new URLSearchParams(query).toString()}`);
      return page;
    },
    async stop() {
      site.closeAllConnections();
      await new Promise((resolve) => site.close(resolve));
    },
  };
}
