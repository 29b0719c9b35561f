import { lastValueFrom, tap, toArray } from 'rxjs';
import { autoAck, earliest, text, untilOffset } from '../../lib/index.js';
import { natsStreaming } from '../../lib/nats-streaming/browser.js';

/** What the page is told, and what it tells of its work. */
export interface PageTask {
  readonly servers: string;
  readonly clusterId: string;
  readonly clientId: string;
  readonly channel: string;
  readonly count: number;
}

/** @see PageTask */
export interface PageResult {
  readonly confirmed: number;
  readonly values: readonly string[];
  readonly offsets: readonly string[];
  readonly states: readonly string[];
}

/** Publishes numbered texts with receipts, replays them from the first, and closes. */
async function run({ servers, clusterId, clientId, channel, count }: PageTask): Promise<PageResult> {
  const broker = natsStreaming({ servers, clusterId, clientId });
  const states: string[] = [];
  broker.status.subscribe(({ state }) => states.push(state));
  const texts = Array.from({ length: count }, (_, index) => `from a page: ${index + 1} ✓`);
  const published = broker.publishFrom(channel, texts, { codec: text, onError: 'throw' });
  const receipts = await lastValueFrom(published.pipe(toArray()));
  const offsets: string[] = [];
  const replayed = broker.messages(channel, { start: earliest(), until: untilOffset(count), codec: text }).pipe(
    tap(({ offset }) => {
      offsets.push(String(offset));
    }),
    autoAck(),
    toArray(),
  );
  const values = await lastValueFrom(replayed);
  await broker.close();
  return { confirmed: receipts.filter(({ ok }) => ok).length, values, offsets, states };
}

Object.assign(globalThis, { run });
