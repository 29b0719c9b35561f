import type { Delivery } from '../core/delivery.js';

/** How many messages are remembered as failed; the one that failed longest ago is forgotten first. */
const limit = 65_536;

/** Counts the failed attempts at each message, across its redeliveries. */
export class Attempts {
  private readonly failures = new Map<unknown, number>();

  /** @returns which attempt this was, from 1; Infinity where there can be no other */
  failed(delivery: Delivery<unknown>): number {
    // what has no place in a log is not kept by anybody, and never comes again
    if (delivery.offset === undefined) return Infinity;
    const key = keyOf(delivery);
    const told = (delivery.redeliveries ?? (delivery.redelivered ? 1 : 0)) + 1;
    const attempt = Math.max((this.failures.get(key) ?? 0) + 1, told);
    // taken out and put back, so that the order of the map is the order of the latest failures
    this.failures.delete(key);
    this.failures.set(key, attempt);
    if (this.failures.size > limit) this.failures.delete(this.failures.keys().next().value);
    return attempt;
  }

  forget(delivery: Delivery<unknown>): void {
    // most streams have no failures, and then no key is made
    if (this.failures.size > 0) this.failures.delete(keyOf(delivery));
  }
}

/** A redelivery is another object, so the offset is what both have in common. */
function keyOf(delivery: Delivery<unknown>): unknown {
  const { offset, channel } = delivery;
  const { partition } = delivery as { readonly partition?: unknown };
  return `${String(partition)} ${String(offset)} ${channel}`;
}
