import type { Cancel, Clock } from '../../core/clock.js';

/** One timer for all that waits for an ack: it fires when the first of them has had its time. @internal */
export class AckTimer {
  private cancel: Cancel | undefined;
  /** When it fires. */
  private dueAt = Infinity;

  /** @param check - deals with all whose time is over, and says when the next one's is; Infinity: nothing waits */
  constructor(
    private readonly clock: Clock,
    private readonly check: (now: number) => number,
  ) {}

  /** The time of something is over then. */
  expect(at: number): void {
    if (at >= this.dueAt) return;
    this.cancel?.();
    this.arm(at);
  }

  stop(): void {
    this.cancel?.();
    this.cancel = undefined;
    this.dueAt = Infinity;
  }

  private arm(at: number): void {
    this.dueAt = at;
    this.cancel = this.clock.after(at - this.clock.now(), () => {
      this.stop();
      const next = this.check(this.clock.now());
      if (next < Infinity) this.expect(next);
    });
  }
}
