import type { SchedulerLike } from 'rxjs';

/** Ends a timer; ending it twice is fine. @internal */
export type Cancel = () => void;

/** The only source of time and of "later": real, or an RxJS scheduler's, so that virtual time reaches everything. @internal */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Calls once after `ms`. */
  after(ms: number, call: () => void): Cancel;
  /** Calls at the end of this turn: a microtask in real time, the same frame in virtual time. */
  soon(call: () => void): void;
}

/** The system's time. Timers keep the process alive unless `unref` says otherwise. @internal */
export const systemClock: Clock = {
  now: () => Date.now(),
  after(ms, call) {
    // Node fires at once past 2^31 - 1 ms; nothing here needs to be exact beyond 24 days
    const timer = setTimeout(call, Math.min(ms, 2 ** 31 - 1));
    return () => {
      clearTimeout(timer);
    };
  },
  soon: (call) => {
    queueMicrotask(call);
  },
};

/** An RxJS scheduler's time. @internal */
export function schedulerClock(scheduler: SchedulerLike): Clock {
  return {
    now: () => scheduler.now(),
    after(ms, call) {
      const action = scheduler.schedule(call, ms);
      return () => {
        action.unsubscribe();
      };
    },
    soon: (call) => {
      scheduler.schedule(call, 0);
    },
  };
}
