import { once } from 'node:events';
import type { Sink } from '../../../lib/core/broker.js';
import { Gauge, type Growth } from './gauge.js';

/** What is published to a broker that stands still. */
export interface FloodPlan {
  readonly count: number;
  /** Bytes of one message. */
  readonly size: number;
}

/** What came of it. */
export interface FloodReport extends Growth {
  readonly confirmed: number;
  readonly overflown: number;
  readonly others: number;
  readonly mostPending: number;
}

/**
 * Publishes to a broker that has stopped to confirm, and watches how much memory that takes. In a process whose parent
 * stops the broker when it is told 'pause', and wakes it when it is told 'resume'.
 */
export async function flood(sink: Sink<Uint8Array>, { count, size }: FloodPlan): Promise<FloodReport> {
  const outcome = { confirmed: 0, overflown: 0, others: 0, mostPending: 0 };
  sink.receipts.subscribe((receipt) => {
    if (receipt.ok) outcome.confirmed++;
    else if (receipt.error.code === 'OVERFLOW') outcome.overflown++;
    else outcome.others++;
  });
  sink.pending.subscribe((pending) => {
    outcome.mostPending = Math.max(outcome.mostPending, pending);
  });
  const send = async (messages: number): Promise<void> => {
    for (let i = 0; i < messages; i++) {
      sink.next(new Uint8Array(size));
      if (i % 64 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
  };

  await send(Math.ceil(count / 20));
  await sink.flush();
  await askParent('pause');
  const gauge = new Gauge();
  await send(count);
  gauge.lookAtRss();
  gauge.lookAtManaged();
  await askParent('resume');
  sink.complete();
  await sink.flush();
  return { ...outcome, ...gauge.growth };
}

async function askParent(what: string): Promise<void> {
  const done = once(process, 'message');
  process.send?.(what);
  await done;
}
