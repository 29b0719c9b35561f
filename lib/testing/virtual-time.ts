import { Subscription, type SchedulerAction, type SchedulerLike } from 'rxjs';
import type { Cancel, Clock } from '../core/clock.js';
import { turn } from './real-timers.js';

interface Timer {
  readonly at: number;
  readonly call: () => void;
}

/**
 * Time that goes when it is told to. Unlike a `VirtualTimeScheduler`, what happens "at the end of this turn" happens by
 * itself, and promises have their turn between two moments: programs with `await` in them work as they do in real time.
 * @internal
 */
export class VirtualTime implements Clock {
  /** The same time for RxJS operators. */
  readonly scheduler: SchedulerLike;
  private readonly timers = new Set<Timer>();

  /** @param time - ms since the Unix epoch */
  constructor(private time: number) {
    this.scheduler = {
      now: () => this.time,
      schedule: <T>(work: (this: SchedulerAction<T>, state?: T) => void, delay = 0, state?: T) =>
        new TimedAction<T>(this, work).schedule(state, delay),
    };
  }

  now(): number {
    return this.time;
  }

  after(ms: number, call: () => void): Cancel {
    const timer = { at: this.time + Math.max(0, ms), call };
    // one that is never due would only be kept
    if (timer.at !== Infinity) this.timers.add(timer);
    return () => this.timers.delete(timer);
  }

  soon(call: () => void): void {
    queueMicrotask(call);
  }

  /**
   * Lets time pass, moment by moment, and what follows from each happen.
   * @param done - where given, time stands still when it says so
   */
  async advance(ms: number, done: () => boolean = () => false): Promise<void> {
    const end = this.time + ms;
    await turn();
    while (!done()) {
      const next = this.next();
      if (next === undefined || next.at > end) {
        this.time = Math.max(this.time, end);
        return;
      }
      this.timers.delete(next);
      this.time = Math.max(this.time, next.at);
      next.call();
      await turn();
    }
  }

  /** The first that is due; of two at one moment the one that was set before. */
  private next(): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.timers) {
      if (first === undefined || timer.at < first.at) first = timer;
    }
    return first;
  }
}

/** Work of an RxJS operator, which may schedule itself again. */
class TimedAction<T> extends Subscription implements SchedulerAction<T> {
  private cancel: Cancel | undefined;

  constructor(
    private readonly clock: Clock,
    private readonly work: (this: SchedulerAction<T>, state?: T) => void,
  ) {
    super(() => {
      this.cancel?.();
    });
  }

  schedule(state?: T, delay = 0): Subscription {
    if (this.closed) return this;
    this.cancel?.();
    this.cancel = this.clock.after(delay, () => {
      this.cancel = undefined;
      this.work.call(this, state);
    });
    return this;
  }
}
