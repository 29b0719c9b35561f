import { Subscription } from 'rxjs';
import type { Broker, Delivery, Receipt, SinkOptions } from 'rx-weir';
import type { Job } from '../contender.js';

/** What a handle of any broker can do, as far as it is measured. */
export type MeasuredBroker = Pick<Broker, 'messages' | 'publishFrom' | 'sink'>;

/** Publishes through `publishFrom` and observes each receipt. */
export function publishFrom<O extends SinkOptions>(
  broker: { publishFrom(channel: string, values: Iterable<Uint8Array>, options: O | SinkOptions): Observable<Receipt<unknown>> },
  job: Job,
  channel: string,
  messages: number,
  options?: O,
): Promise<void> {
  const confirmed = countReceipts(messages);
  const values = repeat(new Uint8Array(job.size).fill(97), messages);
  broker.publishFrom(channel, values, { ...options, maxInFlight: job.window }).subscribe({
    next: confirmed.take,
    error: confirmed.fail,
  });
  return confirmed.all;
}

/** Publishes through a `sink`, waits for `ready` whenever the window is full, and observes each receipt. */
export async function publishToSink(
  broker: MeasuredBroker,
  job: Job,
  channel: string,
  messages: number,
): Promise<void> {
  const data = new Uint8Array(job.size).fill(97);
  const sink = broker.sink(channel, { maxInFlight: job.window });
  const confirmed = countReceipts(messages);
  sink.receipts.subscribe({ next: confirmed.take, error: confirmed.fail });
  for (let sent = 0; sent < messages;) {
    await sink.ready();
    const chunk = Math.min(messages, sent + sinkChunk);
    while (sent < chunk) {
      sink.next(data);
      sent++;
    }
  }
  sink.complete();
  await confirmed.all;
}

/** How many values are given to a sink that has said that it is ready: what is more than the window waits in its buffer. */
const sinkChunk = 256;

/** Reads a channel from its first message, looks at each value and acks it. */
export function replay(broker: MeasuredBroker, job: Job, channel: string, messages: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let seen = 0;
    let bytes = 0;
    const subscription = new Subscription();
    const options = { start: earliest(), maxInFlight: job.window, ackWait: 60_000 };
    subscription.add(
      broker.messages(channel, options).subscribe({
        next: (delivery: Delivery) => {
          bytes += delivery.value.length;
          delivery.ack();
          if (++seen < messages) return;
          subscription.unsubscribe();
          if (bytes === messages * job.size) resolve();
          else reject(new Error(`${bytes} bytes came in ${messages} messages of ${job.size}`));
        },
        error: reject,
        complete: () => {
          if (seen < messages) reject(new Error(`the channel ended after ${seen} of ${messages} messages`));
        },
      }),
    );
  });
}

function* repeat<T>(value: T, times: number): Generator<T> {
  for (let i = 0; i < times; i++) yield value;
}

function countReceipts(messages: number): {
  readonly all: Promise<void>;
  readonly take: (receipt: Receipt<unknown>) => void;
  readonly fail: (error: unknown) => void;
} {
  let resolve!: () => void;
  let fail!: (error: unknown) => void;
  const all = new Promise<void>((resolved, rejected) => {
    resolve = resolved;
    fail = rejected;
  });
  let left = messages;
  const take = (receipt: Receipt<unknown>): void => {
    if (!receipt.ok) fail(receipt.error);
    else if (--left === 0) resolve();
  };
  return { all, take, fail };
}
