import { expect } from 'chai';
import { lastValueFrom, map, toArray, type Observable } from 'rxjs';
import type { Delivery } from '../../lib/core/delivery.js';
import type { Load } from './load.js';
import { until } from './wait.js';
import type { Worker } from './worker.js';

/** A message as it lies in the log. */
export interface Stored {
  readonly offset: bigint;
  readonly value: string;
}

/** All that a source gives until it completes, in its order. */
export function storedIn(deliveries: Observable<Delivery<string> & { readonly offset: bigint }>): Promise<Stored[]> {
  return lastValueFrom(
    deliveries.pipe(
      map((delivery) => {
        delivery.ack();
        return { offset: delivery.offset, value: delivery.value };
      }),
      toArray(),
    ),
  );
}

/** The values alone. */
export const valuesOf = (stored: readonly Stored[]): string[] => stored.map(({ value }) => value);

/** How often each value is in the log. */
export function countEach(stored: readonly Stored[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { value } of stored) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
}

/** Waits until the consumer has what is stored: each offset once, in its order. What it acked did not come again. */
export async function expectUnbroken(worker: Worker, log: string, stored: readonly Stored[]): Promise<void> {
  await until(() => (worker.order.get(log)?.length ?? 0) >= stored.length, {
    message: () =>
      `${stored.length} messages; ${worker.order.get(log)?.length ?? 0} came (ended: ${String(worker.ended)})`,
  });
  expect(worker.ended, 'the source goes on').to.equal(undefined);
  expect(worker.ackedAndEmitted, 'nothing comes again that was acked').to.deep.equal([]);
  const offsets = worker.order.get(log) ?? [];
  const wrong = offsets.findIndex((offset, index) => offset !== stored[index]?.offset);
  expect(wrong < 0 ? [] : offsets.slice(wrong, wrong + 3), `offsets from the ${wrong}th on`).to.deep.equal([]);
}

/** Every message has its receipt, and what the receipts say is true. */
export function expectToldOfAll(load: Load, count: number, stored: ReadonlyMap<string, number>): void {
  expect(load.confirmed.size + load.failed.length).to.equal(count);
  const lost = [...load.confirmed].filter((value) => !stored.has(value));
  expect(lost, 'confirmed and not stored').to.deep.equal([]);
}
