import type { ObservableInput, ObservedValueOf, OperatorFunction } from 'rxjs';
import { checkOptions, checkValue, count, func } from '../core/check.js';
import type { Delivery } from '../core/delivery.js';
import { ackWork } from './ack-work.js';
import { onErrorChecker, type OnError } from './on-error.js';

/** Options of {@link ackMergeMap}. */
export interface AckMergeMapOptions<D extends Delivery<unknown> = Delivery<unknown>> {
  /**
   * How many deliveries are worked on at a time, 1 or more. `Infinity` means all that the source emits, which its
   * `maxInFlight` bounds: a concurrency above that has no effect.
   * @defaultValue Infinity
   */
  readonly concurrency?: number | undefined;
  /**
   * What happens to a delivery when the work on it fails.
   * @defaultValue 'throw'
   */
  readonly onError?: OnError<D> | undefined;
}

/**
 * Works on several deliveries at a time, and acks each when the Observable, Promise or iterable that `project` returned
 * for it completes.
 *
 * Emits what `mergeMap` emits, when it emits it. What arrives while `concurrency` are at work waits in order; the queue
 * is bounded by the window of the source. A copy of a delivery that is queued or at work, or that was acked already, is
 * dropped: the one that is held settles it.
 *
 * Completes when the source has completed and all work is done. Errors when the source does, and when work fails with
 * `onError: 'throw'` or a dead letter cannot be delivered; `retry()` then goes on where a `durable` stood, while
 * without one the source starts anew, as its `start` says. On an error and on unsubscribe the source is unsubscribed
 * from first, then the work, and all that was queued or at work is released. An Observable that downstream cuts off
 * (`take`) before it completed counts as unfinished and is released; a Promise is done with its value, and is acked.
 *
 * @param project - the work: gets the delivery and how many came before it
 * @param options - how many at a time, and what to do when work fails
 * @throws InvalidOptionError if an option has another name or value than those accepted
 *
 * @example
 * ```ts
 * broker.messages('orders', { durable: 'billing', maxInFlight: 64 })
 *   .pipe(ackMergeMap((order) => charge(order.value), { concurrency: 8, onError: 'release' }))
 *   .subscribe((invoice) => console.log(invoice));
 * ```
 */
export function ackMergeMap<D extends Delivery<unknown>, O extends ObservableInput<unknown>>(
  project: (delivery: D, index: number) => O,
  options?: AckMergeMapOptions<D>,
): OperatorFunction<D, ObservedValueOf<O>> {
  checkValue('ackMergeMap()', 'project', project, func());
  checkOptions<AckMergeMapOptions<D>>('ackMergeMap()', options, {
    concurrency: count({ infinity: true }),
    onError: onErrorChecker,
  });
  const { concurrency = Infinity, onError = 'throw' } = options ?? {};
  const work = {
    project: project as (delivery: D, index: number) => ObservableInput<ObservedValueOf<O>>,
    concurrency,
    onError,
  };
  return (source) => ackWork(source, work);
}
