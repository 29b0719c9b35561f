import { build } from 'esbuild';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';

/** A page with one script, served on loopback. */
export interface Site {
  /** What the page has complained about in its console, or thrown. */
  readonly complaints: string[];
  readonly page: Page;
  stop(): Promise<void>;
}

/** How a page is made. */
export interface SiteOptions {
  /** The script, beside this file. */
  readonly script: string;
  /** Files that the script asks for, by their paths. */
  readonly files?: Readonly<Record<string, Uint8Array>>;
  /** Whether a complaint is none. */
  readonly expected?: (complaint: string) => boolean;
}

/** Bundles the script, serves it, and opens it. Resolves when the page has its function `run`. */
export async function openSite(
  browser: Browser,
  { script, files = {}, expected = () => false }: SiteOptions,
): Promise<Site> {
  const bundled = await bundle(script);
  const site = createServer((request, response) => {
    const { url = '/' } = request;
    const isScript = url === '/page.js';
    const file = files[url];
    const type = isScript ? 'text/javascript' : url.endsWith('.wasm') ? 'application/wasm' : 'text/html';
    response.setHeader('content-type', type);
    if (url !== '/' && !isScript && file === undefined) response.statusCode = 404;
    response.end(isScript ? bundled : (file ?? html));
  });
  await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve));
  const page = await browser.newPage();
  const complaints: string[] = [];
  const complain = (complaint: string): void => {
    if (!expected(complaint)) complaints.push(complaint);
  };
  page.on('pageerror', (error) => complain(String(error)));
  page.on('console', (message) => complain(message.text()));
  await page.goto(`http://127.0.0.1:${(site.address() as AddressInfo).port}/`);
  // as text, because what this file is compiled with adds helpers to functions that a page does not have
  await page.waitForFunction('typeof run === "function"');
  return {
    complaints,
    page,
    async stop() {
      await page.close();
      site.closeAllConnections();
      await new Promise((resolve) => site.close(resolve));
    },
  };
}

const html = '<!doctype html><link rel="icon" href="data:,"><script type="module" src="/page.js"></script>';

async function bundle(script: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL(script, import.meta.url))],
    bundle: true,
    format: 'esm',
    platform: 'browser',
    write: false,
  });
  return outputFiles[0]?.text ?? '';
}
