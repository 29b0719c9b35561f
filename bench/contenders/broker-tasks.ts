import { Subscription, type Observable } from 'rxjs';
import { earliest, type Broker, type Delivery, type Receipt } from 'rx-weir';
import type { Job } from '../contender.js';

/** What a handle of any broker can do, as far as it is measured. */
export type MeasuredBroker = Pick<Broker, 'messages' | 'publishFrom' | 'sink'>;

/** Publishes through `publishFrom` and observes each receipt. */
export function publishFrom(broker: MeasuredBroker, job: Job, channel: string, messages: number): Promise<void> {
  return observeReceipts(broker.publishFrom(channel, values(job, messages), { maxInFlight: job.window }), messages);
}

/** As many values as are published. */
export function* values(job: Job, messages: number): Generator<Uint8Array> {
  const value = new Uint8Array(job.size).fill(97);
  for (let i = 0; i < messages; i++) yield value;
}

/** Resolves when all receipts have come, and rejects with the first that is none of a success. */
export function observeReceipts(receipts: Observable<Receipt<unknown>>, messages: number): Promise<void> {
  const confirmed = countReceipts(messages);
  receipts.subscribe({ next: confirmed.take, error: confirmed.fail });
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
  const options = { start: earliest(), maxInFlight: job.window, ackWait: 60_000 };
  return takeEach(broker.messages(channel, options), job, messages);
}

/** Looks at the value of each message and acks it, and unsubscribes after the last. */
export function takeEach(deliveries: Observable<Delivery>, job: Job, messages: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let seen = 0;
    let bytes = 0;
    const subscription = new Subscription();
    subscription.add(
      deliveries.subscribe({
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
