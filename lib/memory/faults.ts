import { checkOptions, checkValue, count, duration, instance, text } from '../core/check.js';
import { PublishError, WeirError } from '../core/errors.js';

/** Faults on demand, of one handle: for specs of what a program does when things go wrong. */
export interface MemoryFaults {
  /**
   * Drops the connection. It is made again as `reconnect` says, but not before `for` ms have passed (default 0). What is
   * published and not confirmed at that moment is uncertain; acks made meanwhile are sent after it.
   */
  drop(options?: { readonly for?: number | undefined }): void;
  /** Delays each delivery from here on by `ms`; 0 ends it. */
  delay(ms: number): void;
  /** Delivers the next `times` messages twice, the second time as redelivered. Default: all; 0 ends it. */
  duplicate(times?: number): void;
  /** Refuses the next `times` publishes with a `PublishError`, or with an error of your own. Default: all; 0 ends it. */
  refuse(times?: number, error?: WeirError): void;
  /**
   * Loses everything, of one channel or of all, as a broker without a disk does when it restarts: offsets begin at 1
   * again, and every handle on this store tells a `reset` event for what it reads.
   */
  wipe(channel?: string): void;
  /** Ends all of it. */
  restore(): void;
}

/** What the faults act upon. @internal */
export interface FaultTarget {
  drop(ms: number): void;
  restore(): void;
  wipe(channel: string | undefined): void;
}

/** The faults that are in force. @internal */
export class Faults implements MemoryFaults {
  /** ms that a delivery waits. */
  delayed = 0;
  private duplicates = 0;
  private refusals = 0;
  private refusal: WeirError | undefined;

  constructor(private readonly target: FaultTarget) {}

  drop(options: { readonly for?: number | undefined } = {}): void {
    checkOptions('faults.drop()', options, { for: duration({ infinity: true }) });
    this.target.drop(options.for ?? 0);
  }

  delay(ms: number): void {
    checkValue('faults.delay()', 'ms', ms, duration());
    this.delayed = ms;
  }

  duplicate(times = Infinity): void {
    checkValue('faults.duplicate()', 'times', times, count({ min: 0, infinity: true }));
    this.duplicates = times;
  }

  refuse(times = Infinity, error?: WeirError): void {
    checkValue('faults.refuse()', 'times', times, count({ min: 0, infinity: true }));
    if (error !== undefined) {
      checkValue(
        'faults.refuse()',
        'error',
        error,
        instance((value) => value instanceof WeirError, 'a WeirError'),
      );
    }
    this.refusals = times;
    this.refusal = error;
  }

  wipe(channel?: string): void {
    if (channel !== undefined) checkValue('faults.wipe()', 'channel', channel, text());
    this.target.wipe(channel);
  }

  restore(): void {
    this.delayed = 0;
    this.duplicates = 0;
    this.refusals = 0;
    this.target.restore();
  }

  /** Whether this delivery is to be duplicated. @internal */
  takeDuplicate(): boolean {
    if (this.duplicates === 0) return false;
    this.duplicates--;
    return true;
  }

  /** The error that this publish is to be refused with. @internal */
  takeRefusal(channel: string): WeirError | undefined {
    if (this.refusals === 0) return undefined;
    this.refusals--;
    return (
      this.refusal ??
      new PublishError(`publish('${channel}'): refused, because faults.refuse() was called`, { broker: 'memory' })
    );
  }
}
