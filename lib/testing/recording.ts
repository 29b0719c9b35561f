import type { Recorded, ValueOf } from './watched-delivery.js';
import type { WaitOptions } from './waiters.js';

/**
 * What came, in its order, and what became of it. A message that came several times at once (copies) has one outcome and
 * counts once in `acked`, `released` and `open`; one that was released and came again counts each time.
 *
 * All members that read throw an `OverflowError` once more came than the recording keeps.
 */
export interface Recording<T> {
  /** What came: deliveries with their `outcome`, which goes on changing; other emissions as they are. */
  readonly deliveries: readonly Recorded<T>[];
  /** The values of all deliveries; of another Observable, its emissions. */
  readonly values: readonly ValueOf<T>[];
  /** The values of what was acked. */
  readonly acked: readonly ValueOf<T>[];
  /** The values of what was released. */
  readonly released: readonly ValueOf<T>[];
  /** The values of what was neither acked nor released so far. */
  readonly open: readonly ValueOf<T>[];

  /**
   * The next one that `next` has not given yet, whether it came already or is still to come.
   * @throws AssertionError (rejects) if the time is over or the source ended before: it tells what came instead
   */
  next(options?: WaitOptions): Promise<Recorded<T>>;
  /** The next `count`, all together. */
  next(count: number, options?: WaitOptions): Promise<Recorded<T>[]>;
  /**
   * The first of all that came, or are still to come, for which `predicate` returns true. It is asked again when
   * something was acked or released: `until((delivery) => delivery.outcome === 'release')`.
   * @throws AssertionError (rejects) if the time is over or the source ended before
   */
  until(predicate: (item: Recorded<T>, index: number) => boolean, options?: WaitOptions): Promise<Recorded<T>>;
  /**
   * The values of what was acked, as soon as it is that many.
   * @throws AssertionError (rejects) if the time is over: it tells what is acked, released and open
   */
  settled(count: number, options?: WaitOptions): Promise<ValueOf<T>[]>;
}
