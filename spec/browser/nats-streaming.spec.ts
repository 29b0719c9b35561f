import { expect } from 'chai';
import type { Browser } from 'playwright-core';
import { startNatsStreaming, type NatsStreamingServer } from '../support/brokers/index.js';
import { clientName, unique } from '../support/names.js';
import { storedIn } from '../nats-streaming/acceptance-kit.js';
import { startChromium } from './chromium.js';
import type { PageResult, PageTask } from './nats-streaming-page.js';
import { openSite, type Site } from './site.js';

describe('NATS Streaming in Chromium', () => {
  let server: NatsStreamingServer;
  let browser: Browser;
  let site: Site;

  before(async () => {
    [server, browser] = await Promise.all([startNatsStreaming({ websocket: true }), startChromium()]);
    // the server answers a close with a status that a browser finds odd
    const expected = (complaint: string): boolean => complaint.includes('broken close frame');
    site = await openSite(browser, { script: 'nats-streaming-page.ts', expected });
  });

  after(async () => {
    await site?.stop();
    await browser?.close();
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
    const result = await site.page.evaluate<PageResult>(`run(${JSON.stringify(task)})`);
    const numbers = Array.from({ length: count }, (_, index) => String(index + 1));
    expect(result.confirmed).to.equal(count);
    expect(result.values).to.deep.equal(numbers.map((number) => `from a page: ${number} ✓`));
    expect(result.offsets).to.deep.equal(numbers);
    expect(result.states).to.deep.equal(['idle', 'connecting', 'connected', 'closed']);
    expect(await storedIn(server, task.channel)).to.equal(count);
    expect(site.complaints).to.deep.equal([]);
  });
});
