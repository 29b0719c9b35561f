import { expect } from 'chai';
import { lastValueFrom, map, toArray } from 'rxjs';
import { text } from '../../lib/codec/text.js';
import { earliest, untilNow } from '../../lib/core/starts.js';
import type { RabbitMqStreamBroker } from '../../lib/rabbitmq-stream/index.js';
import { until } from '../support/wait.js';
import type { Load, Told, Worker } from './support.js';

/** What a handle tells of itself in one outage that it gets over. */
export const oneOutage = ['idle', 'connecting', 'connected', 'reconnecting', 'connected'];

/** Waits until the handle has lost something. */
export async function untilInterrupted(told: Told, timeout = 20_000): Promise<void> {
  await until(() => told.states.at(-1) === 'reconnecting', { timeout, every: 1, message: 'the handle to notice' });
}

/** Waits until the handle says that all is well again. */
export async function untilRecovered(told: Told, times = 1, timeout = 20_000): Promise<void> {
  await until(() => told.of('reconnected').length >= times && told.states.at(-1) === 'connected', {
    timeout,
    message: () => `the handle to be connected again; it told ${told.states.join(', ')}`,
  });
}

/** All values that a stream has, in its order. */
export function readBack(broker: RabbitMqStreamBroker, stream: string): Promise<string[]> {
  return lastValueFrom(
    broker.messages(stream, { start: earliest(), until: untilNow(), codec: text, maxInFlight: 4096 }).pipe(
      map((delivery) => {
        delivery.ack();
        return delivery.value;
      }),
      toArray(),
    ),
  );
}

/** How often each value is in the stream. */
export function countEach(values: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
}

/** The consumer got the stream from its first record on, each offset once and none after another that is higher. */
export function expectUnbroken(worker: Worker, stream: string): void {
  expect(worker.ended, 'the source goes on').to.equal(undefined);
  expect(worker.ackedAndEmitted, 'nothing comes again that was acked').to.deep.equal([]);
  const offsets = worker.order.get(stream) ?? [];
  const w0 = offsets.findIndex((offset, index) => offset !== BigInt(index));
  if (w0 >= 0) console.log('DBG at', offsets.flatMap((o, i) => (o === BigInt(w0) ? [i] : [])), 'len', offsets.length, 'others', offsets.flatMap((o, i) => (i > 0 && o !== offsets[i - 1]! + 1n ? [`${i}:${offsets[i-1]}->${o}`] : [])).slice(0, 10));
  const wrong = offsets.findIndex((offset, index) => offset !== BigInt(index));
  expect(offsets.slice(Math.max(wrong - 2, 0), wrong + 3), `offsets around ${wrong} of ${offsets.length}`).to.deep.equal(
    wrong < 0 ? offsets.slice(0, 2) : [],
  );
}

/** Every message has its receipt, and what the receipts say is true. */
export function expectToldOfAll(load: Load, count: number, stored: ReadonlyMap<string, number>): void {
  expect(load.confirmed.size + load.failed.length).to.equal(count);
  const lost = [...load.confirmed].filter((value) => !stored.has(value));
  expect(lost, 'confirmed and not stored').to.deep.equal([]);
}
