import type { Cancel, Clock } from '../../core/clock.js';

/** Looks an interval: often enough that a silence is found soon after it has lasted too long, seldom enough to cost nothing. */
const looks = 4;

/** @internal */
export interface HeartbeatEvents {
  /** Nothing was written for (nearly) an interval. */
  beat(): void;
  /** Nothing was read for two intervals. */
  dead(): void;
}

/**
 * Keeps both sides of a connection sure of each other. It counts looks rather than comparing times: a process that was
 * busy or asleep for minutes has taken one look, and finds what came meanwhile before it judges.
 * @internal
 */
export class Heartbeats {
  readonly #clock: Clock;
  readonly #every: number;
  readonly #events: HeartbeatEvents;
  #cancel: Cancel | undefined;
  #looksWithoutRead = 0;
  #looksWithoutWrite = 0;
  #stopped = false;

  /** @param interval - milliseconds; 0: there are no heartbeats */
  constructor(clock: Clock, interval: number, events: HeartbeatEvents) {
    this.#clock = clock;
    this.#every = interval / looks;
    this.#events = events;
    if (interval > 0) this.#next();
  }

  read(): void {
    this.#looksWithoutRead = 0;
  }

  wrote(): void {
    this.#looksWithoutWrite = 0;
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
  }

  #next(): void {
    this.#cancel = this.#clock.after(this.#every, () => this.#look());
  }

  #look(): void {
    // one look short of the interval, so that a beat is never late
    if (++this.#looksWithoutWrite >= looks - 1) this.#events.beat();
    if (++this.#looksWithoutRead > 2 * looks) this.#suspect();
    else if (!this.#stopped) this.#next();
  }

  /** What has come while the process was busy is read between timers and immediates. */
  #suspect(): void {
    setImmediate(() => {
      if (this.#stopped) return;
      if (this.#looksWithoutRead > 0) this.#events.dead();
      else this.#next();
    });
  }
}
