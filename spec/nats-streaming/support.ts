import { type Subscription } from 'rxjs';
import type { Receipt } from '../../lib/core/broker.js';
import { earliest } from '../../lib/core/starts.js';
import { natsStreaming } from '../../lib/nats-streaming/index.js';
import type { NatsStreamingBroker, NatsStreamingOptions } from '../../lib/nats-streaming/index.js';
import { ackMergeMap } from '../../lib/operators/ack-merge-map.js';
import { until } from '../support/wait.js';
import { unique } from '../support/names.js';

export { Told } from '../support/told.js';

/** Handles that close after the spec that opened them. */
export class Handles {
  private open: NatsStreamingBroker[] = [];

  make(
    server: { readonly url: string; readonly cluster: string },
    options: Partial<NatsStreamingOptions> = {},
  ): NatsStreamingBroker {
    const where = options.nats === undefined ? { servers: options.servers ?? server.url } : {};
    const broker = natsStreaming({
      clusterId: server.cluster,
      clientId: unique('client'),
      closeTimeout: 2_000,
      reconnect: { initialDelay: 50, maxDelay: 250 },
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

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A consumer that acks by hand and keeps the books: what came, what was acked, and what came again though it was. */
export class Worker {
  readonly values = new Map<bigint, string>();
  readonly acked = new Set<bigint>();
  readonly ackedAndEmitted: bigint[] = [];
  ended: unknown;
  private readonly subscription: Subscription;

  constructor(
    broker: NatsStreamingBroker,
    channel: string,
    options: { durable?: string; maxInFlight?: number; ackWait?: number } = {},
  ) {
    const deliveries = broker.messages(channel, { start: earliest(), ...options });
    this.subscription = deliveries
      .pipe(
        ackMergeMap(
          async (delivery) => {
            if (this.acked.has(delivery.offset)) this.ackedAndEmitted.push(delivery.offset);
            this.values.set(delivery.offset, decoder.decode(delivery.value));
            await Promise.resolve();
            this.acked.add(delivery.offset);
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
    await until(
      () => {
        const got = new Set(this.values.values());
        return wanted.every((value) => got.has(value));
      },
      {
        timeout,
        every: 50,
        message: () => {
          const got = new Set(this.values.values());
          const missing = wanted.filter((value) => !got.has(value));
          return `${missing.length} of ${wanted.length} values, ${missing.slice(0, 5).join(', ')} …`;
        },
      },
    );
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
    broker: NatsStreamingBroker,
    channel: string,
    count: number,
    options: { resend?: boolean; maxInFlight?: number } = {},
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

/** Gives way to the socket now and then, so that faults meet a publisher at work. */
async function* numbered(count: number): AsyncGenerator<string> {
  for (let i = 0; i < count; i++) {
    if (i % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
    yield `value ${i}`;
  }
}
