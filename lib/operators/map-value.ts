import { Observable, Subscriber, type OperatorFunction } from 'rxjs';
import { checkValue, func } from '../core/check.js';
import type { Delivery } from '../core/delivery.js';
import { withValue, type Mapped } from './mapped-delivery.js';

export type { Mapped } from './mapped-delivery.js';

/**
 * Changes the value of each delivery and keeps the handle: the mapped delivery settles the original, tells whether
 * that is settled, and has all its members.
 *
 * Completes and errors with the source. If `fn` throws, its error goes downstream and the delivery is released. On
 * unsubscribe nothing is settled: what was passed on belongs to who got it.
 *
 * @param fn - gets the value and the delivery, and returns what the value is from here on
 * @throws InvalidOptionError if `fn` is not a function
 *
 * @example
 * ```ts
 * broker.messages('orders', { codec: json<Order>() })
 *   .pipe(mapValue((order) => order.total), ackConcatMap((total) => book(total.value, total.offset)))
 *   .subscribe();
 * ```
 */
export function mapValue<D extends Delivery<unknown>, R>(
  fn: (value: D['value'], delivery: D) => R,
): OperatorFunction<D, Mapped<D, R>> {
  checkValue('mapValue()', 'fn', fn, func());
  return (source) => new Observable((subscriber) => source.subscribe(new MapValue(subscriber, fn)));
}

class MapValue<D extends Delivery<unknown>, R> extends Subscriber<D> {
  constructor(
    private readonly subscriber: Subscriber<Mapped<D, R>>,
    private readonly fn: (value: D['value'], delivery: D) => R,
  ) {
    super(subscriber);
  }

  protected override _next(delivery: D): void {
    let mapped: Mapped<D, R>;
    try {
      mapped = withValue(delivery, this.fn(delivery.value, delivery));
    } catch (error) {
      try {
        this.subscriber.error(error);
      } finally {
        delivery.release();
      }
      return;
    }
    this.subscriber.next(mapped);
  }
}
