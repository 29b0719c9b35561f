import type { Subscription } from 'rxjs';
import type { Receipt } from '../../lib/core/broker.js';
import { earliest } from '../../lib/core/starts.js';
import {
  rabbitmqStream,
  type CreateStreamOptions,
  type RabbitMqStreamBroker,
  type RabbitMqStreamOptions,
  type RabbitMqStreamSinkOptions,
  type RabbitMqStreamSourceOptions,
} from '../../lib/rabbitmq-stream/index.js';
import { ackMergeMap } from '../../lib/operators/ack-merge-map.js';
import { unique } from '../support/names.js';
import { until } from '../support/wait.js';

export { Told } from '../support/told.js';

/** Handles that close after the spec that opened them. */
export class Handles {
  private open: RabbitMqStreamBroker[] = [];

  /** @param server - its address is the handle's, unless the options name another */
  make(server: { readonly url: string }, options: RabbitMqStreamOptions = {}): RabbitMqStreamBroker {
    const where = options.host === undefined && options.url === undefined ? { url: server.url } : {};
    const broker = rabbitmqStream({
      connectionName: unique('handle'),
      closeTimeout: 2_000,
      reconnect: { initialDelay: 50, maxDelay: 500 },
      ...options,
      ...where,
    });
    this.open.push(broker);
    return broker;
  }

  async close(): Promise<void> {
    const brokers = this.open;
    this.open = [];
    await Promise.all(brokers.map((broker) => broker.close()));
  }
}

/** Makes a stream that nobody else has. */
export async function newStream(broker: RabbitMqStreamBroker, options: CreateStreamOptions = {}): Promise<string> {
  const stream = unique('stream');
  await broker.createStream(stream, options);
  return stream;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A consumer that acks by hand and keeps the books: what came, what was acked, and what came again though it was. */
export class Worker {
  readonly values = new Map<string, string>();
  readonly acked = new Set<string>();
  readonly ackedAndEmitted: string[] = [];
  /** Offsets in the order in which they came, by partition. */
  readonly order = new Map<string, bigint[]>();
  ended: unknown;
  private readonly subscription: Subscription;

  constructor(broker: RabbitMqStreamBroker, channel: string, options: RabbitMqStreamSourceOptions = {}) {
    const deliveries = broker.messages(channel, { start: earliest(), ...options });
    this.subscription = deliveries
      .pipe(
        ackMergeMap(
          async (delivery) => {
            const log = delivery.partition ?? delivery.channel;
            const key = `${log} ${delivery.offset}`;
            if (this.acked.has(key)) this.ackedAndEmitted.push(key);
            this.values.set(key, decoder.decode(delivery.value));
            const offsets = this.order.get(log);
            if (offsets === undefined) this.order.set(log, [delivery.offset]);
            else offsets.push(delivery.offset);
            await Promise.resolve();
            this.acked.add(key);
          },
          { concurrency: 16 },
        ),
      )
      .subscribe({
        error: (error: unknown) => {
          this.ended = error;
        },
        complete: () => {
          this.ended = 'completed';
        },
      });
  }

  /** Waits until every one of these values has come. */
  async hasAll(values: Iterable<string>, timeout = 40_000): Promise<void> {
    const wanted = [...values];
    const missing = (): string[] => {
      const got = new Set(this.values.values());
      return wanted.filter((value) => !got.has(value));
    };
    await until(() => this.values.size >= wanted.length && missing().length === 0, {
      timeout,
      every: 50,
      message: () => {
        const left = missing();
        return `${left.length} of ${wanted.length} values, ${left.slice(0, 5).join(', ')} … (ended: ${String(this.ended)})`;
      },
    });
  }

  stop(): void {
    this.subscription.unsubscribe();
  }
}

/** Publishes `count` numbered values with receipts, and says how far it is. */
export class Load {
  readonly confirmed = new Set<string>();
  readonly failed: Extract<Receipt<string>, { ok: false }>[] = [];
  readonly done: Promise<void>;

  constructor(
    broker: RabbitMqStreamBroker,
    channel: string,
    count: number,
    options: Omit<RabbitMqStreamSinkOptions, 'filterValue'> = {},
  ) {
    this.done = new Promise((resolve, reject) => {
      broker
        .publishFrom(channel, numbered(count), {
          maxInFlight: 256,
          ...options,
          message: (value: string) => ({ value: encoder.encode(value) }),
        })
        .subscribe({
          next: (receipt) => {
            if (receipt.ok) this.confirmed.add(receipt.value);
            else this.failed.push(receipt);
          },
          error: reject,
          complete: resolve,
        });
    });
  }
}

/** `value 0`, `value 1` … */
export function valuesUpTo(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `value ${i}`);
}

/** Gives way to the socket now and then, so that faults meet a publisher at work. */
async function* numbered(count: number): AsyncGenerator<string> {
  for (let i = 0; i < count; i++) {
    if (i % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
    yield `value ${i}`;
  }
}
