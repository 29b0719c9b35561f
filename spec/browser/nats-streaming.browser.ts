import { expect } from 'chai';
import { build } from 'esbuild';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { startNatsStreaming, type NatsStreamingServer } from '../support/brokers/index.js';
import { clientName, unique } from '../support/names.js';
import { storedIn } from '../nats-streaming/acceptance-kit.js';
import { startChromium } from './chromium.js';
import type { PageResult, PageTask } from './page.js';

describe('NATS Streaming in Chromium', () => {
  let server: NatsStreamingServer;
  let browser: Browser;
  let site: Server;
  let page: Page;
  const complaints: string[] = [];

  before(async () => {
    const { outputFiles } = await build({
      entryPoints: [fileURLToPath(new URL('page.ts', import.meta.url))],
      bundle: true,
      format: 'esm',
      platform: 'browser',
      write: false,
    });
    const script = outputFiles[0]?.text ?? '';
    site = createServer((request, response) => {
      const isScript = request.url === '/page.js';
      response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html');
      response.end(
        isScript
          ? script
          : '<!doctype html><link rel="icon" href="data:,"><script type="module" src="/page.js"></script>',
      );
    });
    await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve));
    [server, browser] = await Promise.all([startNatsStreaming({ websocket: true }), startChromium()]);
    page = await browser.newPage();
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('console', (message) => {
      // the server answers a close with a status that a browser finds odd
      if (!message.text().includes('broken close frame')) complaints.push(message.text());
    });
    await page.goto(`http://127.0.0.1:${(site.address() as AddressInfo).port}/`);
    // as text, because what this file is compiled with adds helpers to functions that a page does not have
    await page.waitForFunction('typeof run === "function"');
  });

  after(async () => {
    await browser?.close();
    await new Promise((resolve) => site?.close(resolve));
    await server?.stop();
  });

  it('publishes with receipts over a websocket, and replays what it has published', async () => {
    const count = 100;
    const task: PageTask = {
      servers: server.wsUrl ?? '',
      clusterId: server.cluster,
      clientId: clientName(),
      channel: unique('page'),
      count,
    };
    const result = await page.evaluate<PageResult>(`run(${JSON.stringify(task)})`);
    const numbers = Array.from({ length: count }, (_, index) => String(index + 1));
    expect(result.confirmed).to.equal(count);
    expect(result.values).to.deep.equal(numbers.map((number) => `from a page: ${number} ✓`));
    expect(result.offsets).to.deep.equal(numbers);
    expect(result.states).to.deep.equal(['idle', 'connecting', 'connected', 'closed']);
    expect(await storedIn(server, task.channel)).to.equal(count);
    expect(complaints).to.deep.equal([]);
  });
});
