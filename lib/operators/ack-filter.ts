import { Observable, Subscriber, type MonoTypeOperatorFunction, type OperatorFunction } from 'rxjs';
import { checkValue, func } from '../core/check.js';
import type { Delivery } from '../core/delivery.js';

/**
 * Passes on the deliveries that `predicate` accepts, and acks the others.
 *
 * Completes and errors with the source. If `predicate` throws, its error goes downstream and the delivery is released.
 * On unsubscribe nothing is settled: what was passed on belongs to who got it.
 *
 * @param predicate - gets the delivery and how many came before it; as a type guard it narrows the deliveries
 * @throws InvalidOptionError if `predicate` is not a function
 *
 * @example
 * ```ts
 * broker.messages('orders', { codec: json<Order>() })
 *   .pipe(ackFilter((order) => order.value.total > 0), ackConcatMap((order) => charge(order.value)))
 *   .subscribe();
 * ```
 */
export function ackFilter<D extends Delivery<unknown>, S extends D>(
  predicate: (delivery: D, index: number) => delivery is S,
): OperatorFunction<D, S>;
export function ackFilter<D extends Delivery<unknown>>(
  predicate: (delivery: D, index: number) => boolean,
): MonoTypeOperatorFunction<D>;
export function ackFilter<D extends Delivery<unknown>>(
  predicate: (delivery: D, index: number) => boolean,
): MonoTypeOperatorFunction<D> {
  checkValue('ackFilter()', 'predicate', predicate, func());
  return (source) => new Observable((subscriber) => source.subscribe(new Filter(subscriber, predicate)));
}

class Filter<D extends Delivery<unknown>> extends Subscriber<D> {
  private index = 0;

  constructor(
    private readonly subscriber: Subscriber<D>,
    private readonly predicate: (delivery: D, index: number) => boolean,
  ) {
    super(subscriber);
  }

  protected override _next(delivery: D): void {
    let accepted: boolean;
    try {
      accepted = this.predicate(delivery, this.index++);
    } catch (error) {
      try {
        this.subscriber.error(error);
      } finally {
        delivery.release();
      }
      return;
    }
    if (accepted) this.subscriber.next(delivery);
    else delivery.ack();
  }
}
