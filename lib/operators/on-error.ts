import type { ObservableInput } from 'rxjs';
import { count, either, func, object, oneOf, required, type Checker } from '../core/check.js';
import type { Delivery } from '../core/delivery.js';

/** Where a delivery goes whose work failed too often. */
export interface DeadLetter<D extends Delivery<unknown> = Delivery<unknown>> {
  /**
   * How many attempts there are: one that fails before the last is released, so that the broker sends the message
   * again. Attempts are counted by channel and offset (and by partition, where there are several) in each subscription,
   * for at most 65 536 messages; where the broker counts or tells redeliveries, these count too. A message without an offset,
   * as those of lonelyps, never comes again: its first attempt is the last.
   */
  readonly after: number;
  /**
   * Takes the message away when the last attempt failed. Its values are ignored; when it completes, the delivery is
   * acked. If it fails, its error goes downstream and the delivery is released.
   */
  readonly to: (delivery: D, error: unknown) => ObservableInput<unknown>;
}

/**
 * What happens to a delivery when the work on it fails, be it `project` itself or what it returned:
 *
 * - `'throw'`: the error goes downstream, everything queued or at work is released, nothing is acked;
 * - `'ack'`: the delivery is acked all the same, and the work goes on with the next one;
 * - `'release'`: the delivery is released, so that it may come again, and the work goes on;
 * - {@link DeadLetter}: released until it failed `after` times, then handed to `to` and acked.
 */
export type OnError<D extends Delivery<unknown> = Delivery<unknown>> = 'throw' | 'ack' | 'release' | DeadLetter<D>;

/** Checks an {@link OnError}. @internal */
export const onErrorChecker: Checker = either(
  oneOf('throw', 'ack', 'release'),
  object<DeadLetter>({ after: required(count()), to: required(func()) }),
);
