import {
  asyncScheduler,
  Observable,
  Subscriber,
  type OperatorFunction,
  type SchedulerAction,
  type SchedulerLike,
} from 'rxjs';
import { checkValue, duration } from '../core/check.js';

/** The longest that a timer of the platform can wait, 24.8 days. */
const longest = 2 ** 31 - 1;

/**
 * Passes everything on, and emits `value` whenever nothing came for `ms` milliseconds, again after each further `ms`.
 *
 * The first silence begins with the subscription. Completes and errors with the source, which ends the timer, as
 * unsubscribing does. One timer serves all values: it is set again when it expires, not when a value comes.
 *
 * @param ms - how long a silence is, in milliseconds, from 1 to 2 147 483 647
 * @param value - what a silence emits; `null` by default
 * @param scheduler - whose time it is; `asyncScheduler` by default, which `TestScheduler.run` makes virtual
 * @throws InvalidOptionError if `ms` is out of range
 *
 * @example
 * ```ts
 * broker.messages('orders')
 *   .pipe(idle(5_000))
 *   .subscribe((order) => (order === null ? console.log('quiet') : order.ack()));
 * ```
 */
export function idle<T, V>(ms: number, value: V, scheduler?: SchedulerLike): OperatorFunction<T, T | V>;
/**
 * The same with `null`.
 * @param ms - how long a silence is, in milliseconds, from 1 to 2 147 483 647
 * @throws InvalidOptionError if `ms` is out of range
 */
export function idle<T>(ms: number): OperatorFunction<T, T | null>;
export function idle<T>(
  ms: number,
  value: unknown = null,
  scheduler: SchedulerLike = asyncScheduler,
): OperatorFunction<T, unknown> {
  checkValue('idle()', 'ms', ms, duration({ min: 1, max: longest }));
  return (source) =>
    new Observable((subscriber) => {
      const watch = new Watch<T>(subscriber, ms, value, scheduler);
      watch.begin();
      source.subscribe(watch);
    });
}

class Watch<T> extends Subscriber<T> {
  private last: number;

  constructor(
    private readonly subscriber: Subscriber<unknown>,
    private readonly ms: number,
    private readonly value: unknown,
    private readonly scheduler: SchedulerLike,
  ) {
    super(subscriber);
    this.last = scheduler.now();
  }

  begin(): void {
    this.add(this.scheduler.schedule(expired, this.ms, this as Watch<unknown>));
  }

  /** @returns in how many milliseconds to look again */
  look(): number {
    const rest = this.last + this.ms - this.scheduler.now();
    // a clock that was set back must not make a silence longer
    if (rest > 0) return Math.min(rest, this.ms);
    this.last = this.scheduler.now();
    this.subscriber.next(this.value);
    return this.ms;
  }

  protected override _next(value: T): void {
    this.last = this.scheduler.now();
    this.subscriber.next(value);
  }
}

function expired(this: SchedulerAction<Watch<unknown>>, watch?: Watch<unknown>): void {
  if (watch === undefined) return;
  const wait = watch.look();
  if (!watch.closed) this.schedule(watch, wait);
}
