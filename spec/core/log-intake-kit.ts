import type { Cancel, Clock } from '../../lib/core/clock.js';
import type { Delivery } from '../../lib/core/delivery.js';
import type { Receiver } from '../../lib/core/emission.js';
import { LogIntake, type LogIntakeOptions, type LogProtocol } from '../../lib/core/log-intake.js';
import type { OffsetKey } from '../../lib/core/offset.js';
import { LogDelivery, Track } from '../../lib/core/track.js';

/** A delivery of a log that no broker keeps. */
export class Handed extends LogDelivery<unknown> {
  readonly channel = 'c';
  readonly timestamp: bigint;
  readonly payload: Uint8Array;

  /** @param text - its payload; default: its offset */
  constructor(
    readonly offsetKey: OffsetKey,
    private readonly text = String(offsetKey),
  ) {
    super();
    this.payload = new TextEncoder().encode(text);
    // a log that stores a message a millisecond
    this.timestamp = BigInt(offsetKey) * 1_000_000n;
  }

  protected repeat(): Handed {
    return new Handed(this.offsetKey, this.text);
  }
}

/** A clock that goes when it is told to. */
export class HandClock implements Clock {
  private time = 1_000;
  private readonly timers = new Set<{ readonly at: number; readonly call: () => void }>();

  get running(): number {
    return this.timers.size;
  }

  now(): number {
    return this.time;
  }

  after(ms: number, call: () => void): Cancel {
    const timer = { at: this.time + ms, call };
    this.timers.add(timer);
    return () => {
      this.timers.delete(timer);
    };
  }

  soon(call: () => void): void {
    this.after(0, call);
  }

  /** Lets so many milliseconds pass, timer by timer. */
  pass(ms: number): void {
    const end = this.time + ms;
    for (;;) {
      const [next] = [...this.timers].filter(({ at }) => at <= end).sort((one, other) => one.at - other.at);
      if (next === undefined) break;
      this.timers.delete(next);
      this.time = Math.max(this.time, next.at);
      next.call();
    }
    this.time = end;
  }
}

/** A log that waits to be read: what the source of a broker would have at hand. */
export interface Backlog {
  readonly track: Track;
  readonly waiting: Handed[];
}

/**
 * A log intake whose source and subscriber are written down in one list: `next 1` (`next 1r` where it says that it comes
 * again), `settled 1`, `reached`, `error`, `complete`, `idle`.
 */
export class LogBench implements Receiver, LogProtocol {
  log: string[] = [];
  readonly emitted: Handed[] = [];
  readonly clock = new HandClock();
  readonly intake: LogIntake;
  readonly backlogs: Backlog[] = [];
  failure: unknown;
  /** How many places were taken at most after an emission. */
  highest = 0;
  /** Called with each emission, after it was written down. */
  then: (delivery: Handed) => void = () => undefined;

  constructor(options: Partial<LogIntakeOptions> = {}, tracks: readonly Track[] = [new Track()]) {
    this.intake = new LogIntake({ maxInFlight: 3, ...options }, this, this, this.clock);
    for (const track of tracks) this.backlogs.push({ track, waiting: [] });
  }

  /** The first track. */
  get track(): Track {
    return this.backlogs[0]!.track;
  }

  /** What was written down since the last look. */
  take(): string {
    const seen = this.log.join(' ');
    this.log = [];
    return seen;
  }

  /** Messages of the first log arrive. */
  arrive(...offsets: OffsetKey[]): void {
    this.hand(...offsets.map((offset) => new Handed(offset)));
  }

  hand(...deliveries: Handed[]): void {
    this.backlogs[0]!.waiting.push(...deliveries);
    this.intake.advance();
  }

  /** What was emitted last under that offset. */
  last(offset: OffsetKey): Handed {
    return this.emitted.findLast(({ offsetKey }) => offsetKey === offset)!;
  }

  next(delivery: Delivery<unknown>): void {
    const handed = delivery as Handed;
    this.log.push(`next ${handed.offsetKey}${handed.redelivered ? 'r' : ''}`);
    this.emitted.push(handed);
    this.highest = Math.max(this.highest, this.intake.unsettled);
    this.then(handed);
  }

  error(error: unknown): void {
    this.log.push('error');
    this.failure = error;
    // as RxJS does: the teardown follows the error
    this.intake.stop();
  }

  complete(): void {
    this.log.push('complete');
    this.intake.stop();
  }

  settled(delivery: LogDelivery<unknown>): void {
    this.log.push(`settled ${delivery.offsetKey}`);
  }

  pull(): void {
    for (const { track, waiting } of this.backlogs) {
      while (this.intake.room && !track.ended) {
        const delivery = waiting.shift();
        if (delivery === undefined) break;
        this.intake.admit(track, delivery);
      }
    }
  }

  reached(): void {
    this.log.push('reached');
    if (this.backlogs.every(({ track }) => track.ended)) this.complete();
  }

  idle(): void {
    this.log.push('idle');
  }
}
