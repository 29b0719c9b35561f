import type { Cancel, Clock } from '../../lib/core/clock.js';

/** Lets everything happen that waits for nothing but promises. */
export async function settled(): Promise<void> {
  for (let turns = 0; turns < 5; turns++) await new Promise((resolve) => setImmediate(resolve));
}

/** A clock that goes when it is told to. */
export class ManualClock implements Clock {
  private time = 1_000_000;
  private readonly timers = new Set<{ readonly at: number; readonly call: () => void }>();

  /** How many timers are set. */
  get size(): number {
    return this.timers.size;
  }

  now(): number {
    return this.time;
  }

  after(ms: number, call: () => void): Cancel {
    const timer = { at: this.time + ms, call };
    this.timers.add(timer);
    return () => this.timers.delete(timer);
  }

  soon(call: () => void): void {
    queueMicrotask(call);
  }

  /** Lets time pass, timer by timer, and what follows from each happen. */
  async pass(ms: number): Promise<void> {
    const end = this.time + ms;
    await settled();
    for (;;) {
      const [next] = [...this.timers].filter(({ at }) => at <= end).sort((one, other) => one.at - other.at);
      if (!next) break;
      this.timers.delete(next);
      this.time = Math.max(this.time, next.at);
      next.call();
      await settled();
    }
    this.time = end;
  }
}
