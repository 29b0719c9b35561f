import { expect } from 'chai';
import { lastValueFrom, map, toArray } from 'rxjs';
import { text } from '../../lib/codec/text.js';
import { systemClock } from '../../lib/core/clock.js';
import type { WeirError } from '../../lib/core/errors.js';
import { guarded } from '../../lib/core/logger.js';
import { earliest, untilNow } from '../../lib/core/starts.js';
import { openConnection } from '../../lib/rabbitmq-stream/connection/connection.js';
import type { RabbitMqStreamBroker } from '../../lib/rabbitmq-stream/index.js';
import type { RabbitMqCluster } from '../support/brokers/index.js';
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

/** A message as it lies in the stream. */
export interface Stored {
  readonly offset: bigint;
  readonly value: string;
}

/**
 * Waits until every node of a cluster tells stream clients of all members of a stream, which takes longer than until these
 * are online. A consumer that comes before may be led to the leader.
 */
export async function untilPlaced(cluster: RabbitMqCluster, stream: string): Promise<void> {
  const { nodes } = cluster;
  const none = (): void => undefined;
  await cluster.untilOnline(stream);
  for (const { host, port, username, password, vhost } of nodes) {
    const connection = await openConnection(
      {
        ...{ host, port, sasl: 'plain', username, password, vhost, properties: {}, frameMax: 0, heartbeat: 0 },
        ...{ connectTimeout: 10_000, requestTimeout: 10_000, maxFrame: 2 ** 20 },
        ...{ clock: systemClock, log: guarded(undefined) },
      },
      {
        ...{ confirm: none, publishError: none, deliver: none, creditError: none, metadataUpdate: none },
        ...{ consumerUpdate: none, flushed: none, drained: none, closed: none },
      },
    );
    try {
      await until(async () => {
        const [found] = await connection.metadata([stream]);
        return found?.leader !== undefined && found.replicas.length === nodes.length - 1;
      });
    } finally {
      await connection.close();
    }
  }
}

/** All that a stream has, in its order. */
export function readBack(broker: RabbitMqStreamBroker, stream: string): Promise<Stored[]> {
  return lastValueFrom(
    broker.messages(stream, { start: earliest(), until: untilNow(), codec: text, maxInFlight: 4096 }).pipe(
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

/** How often each value is in the stream. */
export function countEach(stored: readonly Stored[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { value } of stored) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
}

/** Waits until the consumer has what is stored: each offset once, in its order. What it acked did not come again. */
export async function expectUnbroken(worker: Worker, stream: string, stored: readonly Stored[]): Promise<void> {
  await until(() => (worker.order.get(stream)?.length ?? 0) >= stored.length);
  expect(worker.ended, 'the source goes on').to.equal(undefined);
  expect(worker.ackedAndEmitted, 'nothing comes again that was acked').to.deep.equal([]);
  const offsets = worker.order.get(stream) ?? [];
  const wrong = offsets.findIndex((offset, index) => offset !== stored[index]?.offset);
  expect(wrong < 0 ? [] : offsets.slice(wrong, wrong + 3), `offsets from the ${wrong}th on`).to.deep.equal([]);
}

/**
 * Offsets without a message: a stored position that finds no message to travel with becomes an entry of its own. There is
 * no other reason, so that there are no more of them than positions that were stored.
 */
export function holesIn(stored: readonly Stored[]): bigint[] {
  const holes: bigint[] = [];
  let next = 0n;
  for (const { offset } of stored) {
    for (; next < offset; next++) holes.push(next);
    next = offset + 1n;
  }
  return holes;
}

/** Every message has its receipt, and what the receipts say is true. */
export function expectToldOfAll(load: Load, count: number, stored: ReadonlyMap<string, number>): void {
  expect(load.confirmed.size + load.failed.length).to.equal(count);
  const lost = [...load.confirmed].filter((value) => !stored.has(value));
  expect(lost, 'confirmed and not stored').to.deep.equal([]);
}

/** Publishes numbered values, as fast as their receipts come, until it is told to stop. */
export class Flow {
  offered = 0;
  readonly confirmed = new Set<string>();
  readonly failed: WeirError[] = [];
  private readonly done: Promise<void>;
  private stopping = false;

  constructor(broker: RabbitMqStreamBroker, stream: string, options: { readonly producer?: string } = {}) {
    this.done = new Promise((resolve, reject) => {
      broker.publishFrom(stream, this.values(), { maxInFlight: 100, codec: text, ...options }).subscribe({
        next: (receipt) => {
          if (receipt.ok) this.confirmed.add(receipt.value);
          else this.failed.push(receipt.error);
        },
        error: reject,
        complete: resolve,
      });
    });
  }

  /** Resolves when all that was offered has its receipt. */
  stop(): Promise<void> {
    this.stopping = true;
    return this.done;
  }

  private async *values(): AsyncGenerator<string> {
    while (!this.stopping) {
      if (this.offered % 10 === 0) await new Promise((resolve) => setImmediate(resolve));
      yield `value ${this.offered++}`;
    }
  }
}
