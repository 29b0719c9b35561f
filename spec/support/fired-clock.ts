import { systemClock, type Cancel, type Clock } from '../../lib/core/clock.js';

/** A clock whose timers a spec fires. */
export class FiredClock implements Clock {
  readonly timers = new Set<{ readonly ms: number; readonly call: () => void }>();

  readonly now = systemClock.now;
  readonly soon = systemClock.soon;

  after(ms: number, call: () => void): Cancel {
    const timer = { ms, call };
    this.timers.add(timer);
    return () => void this.timers.delete(timer);
  }

  /** Fires the timers that wait for so many milliseconds; without a number, all. */
  fire(ms?: number): void {
    for (const timer of [...this.timers]) {
      if (ms === undefined || timer.ms === ms) {
        this.timers.delete(timer);
        timer.call();
      }
    }
  }
}
