import type { Delivery } from '../core/delivery.js';

/** What became of a delivery: nothing yet, `ack()`, or `release()`. */
export type Outcome = 'open' | 'ack' | 'release';

/** What deliveries of this package say beside the public members. */
interface Telling {
  readonly outcome?: unknown;
  readonly open?: unknown;
}

/**
 * What became of a delivery. Copies of one message share what became of it.
 *
 * Deliveries of every broker tell it, also through `mapValue` and `hot`. One of a class of your own tells whether it is
 * `settled`; that it was released is known only if it has an `outcome` too.
 */
export function outcomeOf(delivery: Delivery<unknown>): Outcome {
  const { outcome, open } = delivery as Telling;
  if (outcome === 'open' || outcome === 'ack' || outcome === 'release') return outcome;
  if (delivery.settled) return 'ack';
  return open === false ? 'release' : 'open';
}

/** Whether a value looks like a delivery, of whichever broker. @internal */
export function isDelivery(value: unknown): value is Delivery<unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const { ack, release } = value as Partial<Delivery<unknown>>;
  return typeof ack === 'function' && typeof release === 'function' && 'settled' in value && 'value' in value;
}
