import { expect } from 'chai';
import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { json } from '../../lib/index.js';
import { lonelyps, type LonelypsBroker } from '../../lib/lonelyps/index.js';
import { natsStreaming, type NatsStreamingBroker } from '../../lib/nats-streaming/index.js';
import { openExample, type ExampleSite } from '../angular/example-site.js';
import {
  startLonelypss,
  startNatsStreaming,
  type LonelypssServer,
  type NatsStreamingServer,
} from '../support/brokers/index.js';
import { clientName } from '../support/names.js';
import { until } from '../support/wait.js';
import { startChromium } from './chromium.js';

const codec = json<{ room: string; celsius: number }>();
/** What a page says of its own accord when a broker is away, or a server ends a websocket in a way of its own. */
const expected = /ERR_CONNECTION_REFUSED|broken close frame|WebSocket connection to/;

describe('the Angular example in Chromium', function () {
  this.timeout(60_000);
  let servers: [LonelypssServer, NatsStreamingServer];
  let browser: Browser;
  let site: ExampleSite;
  let live: LonelypsBroker;
  let history: NatsStreamingBroker;

  before(async function () {
    // it builds the package and the example
    this.timeout(180_000);
    const starting = [
      startLonelypss({ needs: 'control' }),
      startNatsStreaming({ needs: 'control', websocket: true, store: 'file' }),
    ] as const;
    [servers, browser] = [await Promise.all(starting), await startChromium()];
    site = await openExample(browser);
    live = lonelyps({ broadcasters: servers[0].url });
    history = natsStreaming({ servers: servers[1].url, clusterId: servers[1].cluster, clientId: clientName() });
  });

  after(async () => {
    await Promise.all([live?.close(), history?.close()]);
    await site?.stop();
    await browser?.close();
    await Promise.all(servers?.map((server) => server.stop()) ?? []);
  });

  /** How many subscribers it was told to. */
  const send = async (room: string, celsius: number): Promise<number | undefined> =>
    (await live.publish(`rooms/${room}`, { room, celsius }, { codec })).notified;

  const store = (room: string, celsius: number): Promise<unknown> =>
    history.publish('rooms', { room, celsius }, { codec });

  /** The clients whose subscriptions the server knows. A page that was closed says no goodbye, so it may be among them. */
  const subscribers = async (): Promise<string[]> => {
    const path = '/streaming/channelsz?channel=rooms&subs=1';
    const told = await servers[1].monitor<{ subscriptions?: { client_id: string }[] }>(path);
    return (told.subscriptions ?? []).map((each) => each.client_id);
  };

  for (const zone of [false, true]) {
    describe(zone ? 'with zone.js' : 'zoneless', () => {
      let page: Page;
      let gone: readonly string[];

      before(async () => {
        gone = zone ? await subscribers() : [];
        const [{ socketUrl }, { wsUrl = '', cluster }] = servers;
        page = await site.open({ zone, query: { live: socketUrl, history: wsUrl, cluster } });
      });

      after(async () => {
        await page?.close();
        expect(site.complaints.filter((complaint) => !expected.test(complaint))).to.deep.equal([]);
      });

      const badge = (card: string, state: string): Promise<void> =>
        page.locator(`#${card} .badge`, { hasText: new RegExp(`^${state}$`) }).waitFor();
      const row = (card: string, celsius: number): Promise<void> => rowOf(page, card, celsius);
      /** One after the other: there is one mouse. */
      const toggle = async (): Promise<void> => {
        for (const card of ['live', 'history']) await page.locator(`#${card} .toggle`).click();
      };
      /** Resolves when as many are told of what is sent to a room. */
      const heard = (room: string, count: number): Promise<unknown> =>
        until(async () => (await send(room, 0)) === count, { timeout: 20_000, every: 50 });

      it('shows what is sent and what was stored', async () => {
        await Promise.all(['live', 'history'].map((card) => badge(card, 'connected')));
        await heard('kitchen', 1);
        await Promise.all([send('kitchen', 21.5), store('cellar', 8.5)]);
        await Promise.all([row('live', 21.5), row('history', 8.5)]);
        if (!zone) await screenshot(page);
      });

      it('sends what is typed in', async () => {
        await page.locator('#live input').fill('23.5');
        await page.locator('#live button.main').click();
        await page.locator('#live .outcome', { hasText: 'Sent; 1 heard it.' }).waitFor();
        await row('live', 23.5);
      });

      it('changes its subscription over', async () => {
        await page.locator('#live select').selectOption('rooms/kitchen');
        await heard('hall', 0);
        expect(await send('kitchen', 19)).to.equal(1);
        await row('live', 19);
        await page.locator('#live select').selectOption('rooms/*');
        await heard('hall', 1);
      });

      it('unsubscribes at the broker when a component is destroyed, and comes back', async () => {
        const subscriptions = async (): Promise<number> =>
          (await subscribers()).filter((client) => !gone.includes(client)).length;
        expect(await subscriptions()).to.equal(1);
        await toggle();
        await Promise.all([heard('kitchen', 0), until(async () => (await subscriptions()) === 0)]);
        await store('cellar', 9);
        await toggle();
        await heard('kitchen', 1);
        await Promise.all([row('history', 8.5), row('history', 9)]);
      });

      it('goes on when its brokers were restarted', async () => {
        await Promise.all(servers.map((server) => server.kill()));
        await Promise.all(['live', 'history'].map((card) => badge(card, 'reconnecting')));
        await Promise.all(servers.map((server) => server.restart()));
        await Promise.all(['live', 'history'].map((card) => badge(card, 'connected')));
        await heard('kitchen', 1);
        await Promise.all([send('kitchen', 24.5), store('cellar', 10.5)]);
        await Promise.all([row('live', 24.5), row('history', 10.5)]);
      });
    });
  }

  /** For the documentation, with more to be seen. RX_WEIR_SCREENSHOTS=1 writes it. */
  async function screenshot(page: Page): Promise<void> {
    if (!process.env['RX_WEIR_SCREENSHOTS']) return;
    const rooms = { kitchen: 21.5, bath: 24, hall: 17.5, study: 20.5, attic: 28.5, cellar: 9 };
    for (const [room, celsius] of Object.entries(rooms)) {
      await send(room, celsius);
      await store(room, celsius - 2);
    }
    await Promise.all([rowOf(page, 'live', 9), rowOf(page, 'history', 7)]);
    const folder = fileURLToPath(new URL('../../docs/images/', import.meta.url));
    await mkdir(folder, { recursive: true });
    await page.screenshot({ path: `${folder}angular.png` });
  }
});

function rowOf(page: Page, card: string, celsius: number): Promise<void> {
  return page
    .locator(`#${card} tr`, { hasText: `${celsius.toFixed(1)} °C` })
    .first()
    .waitFor();
}
