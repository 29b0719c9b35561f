import type { Cancel, Clock } from '../core/clock.js';

/** ms without another word of a loss: the broadcaster says each up to twenty times. */
const rest = 1_500;
/** ms after the first word, at which it is enough at the latest. */
const patience = 10_000;

/** Waits until no more is said of a loss, and calls back once. @internal */
export class Quiet {
  private since: number | undefined;
  private cancel: Cancel | undefined;

  constructor(
    private readonly clock: Clock,
    private readonly done: () => void,
  ) {}

  /** Whether something was said, and not called back for. */
  get awaited(): boolean {
    return this.since !== undefined;
  }

  /** Something was said. */
  hear(): void {
    const now = this.clock.now();
    this.since ??= now;
    this.cancel?.();
    this.cancel = this.clock.after(Math.max(0, Math.min(rest, this.since + patience - now)), () => {
      this.forget();
      this.done();
    });
  }

  /** Calls back for nothing that was said so far. */
  forget(): void {
    this.cancel?.();
    this.cancel = undefined;
    this.since = undefined;
  }
}
