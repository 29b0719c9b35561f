import type { Delivery } from '../core/delivery.js';
import { originOf, Wrapper, wrapperClasses } from '../core/wrapper.js';
import { isDelivery, outcomeOf, type Outcome } from './outcome.js';

/** What was recorded: a delivery tells what became of it; anything else is as it came. */
export type Recorded<T> = T extends Delivery<unknown> ? T & { readonly outcome: Outcome } : T;

/** The value of a delivery; anything else itself. */
export type ValueOf<T> = T extends { readonly value: infer V; ack(): void; release(): void } ? V : T;

/** A delivery that tells what became of it, and says so when that happens through it. */
class WatchedDelivery extends Wrapper {
  /** A class of a user's own may not tell that it was released. */
  private gaveBack = false;

  constructor(
    delivery: Delivery<unknown>,
    private readonly told: () => void,
  ) {
    super(delivery);
  }

  get outcome(): Outcome {
    const outcome = outcomeOf(originOf(this));
    return outcome === 'open' && this.gaveBack ? 'release' : outcome;
  }

  override ack(): void {
    super.ack();
    this.told();
  }

  override release(): void {
    super.release();
    this.gaveBack = true;
    this.told();
  }
}

const classOf = wrapperClasses(WatchedDelivery, ['gaveBack', 'told']);

/**
 * A delivery as a recording keeps it and hands it on; anything else as it is.
 * @param told - called when it was acked or released through this handle
 * @internal
 */
export function watched<T>(item: T, told: () => void): Recorded<T> {
  return (isDelivery(item) ? new (classOf(item))(item, told) : item) as Recorded<T>;
}

/** @internal */
export function valueOf<T>(item: T): ValueOf<T> {
  return (isDelivery(item) ? item.value : item) as ValueOf<T>;
}
