import type { Cancel, Clock } from '../../core/clock.js';
import { pause, unlessAborted } from '../../core/pause.js';

/** How long at least between two signs of life, one of which was asked for, in milliseconds. */
const leastGap = 50;

/** What a member does between two signs of life, which can be cut short. @internal */
export class Rest {
  private begun = -Infinity;
  private isCut = false;
  private wake: (() => void) | undefined;

  constructor(private readonly clock: Clock) {}

  /** A sign of life is given: what was wanted until now is done. */
  begin(): void {
    this.begun = this.clock.now();
    this.isCut = false;
  }

  /** The next one is wanted at once; or as soon as may be, where one was given just now. */
  cut(): void {
    this.isCut = true;
    this.wake?.();
  }

  /** Rests for `ms`, or until it is cut. @throws the signal's reason */
  async take(ms: number, signal: AbortSignal): Promise<void> {
    if (!this.isCut) await this.sleep(ms, signal);
    const gap = this.begun + leastGap - this.clock.now();
    if (gap > 0) await pause(gap, this.clock, signal);
  }

  private async sleep(ms: number, signal: AbortSignal): Promise<void> {
    let cancel: Cancel | undefined;
    const slept = new Promise<void>((resolve) => {
      this.wake = resolve;
      cancel = this.clock.after(ms, resolve);
    });
    try {
      await unlessAborted(slept, signal);
    } finally {
      cancel?.();
      this.wake = undefined;
    }
  }
}
