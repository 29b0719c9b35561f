import type { Cancel, Clock } from '../../core/clock.js';
import type { Entry } from '../../core/publisher.js';

/** How long the brokers may take to hear of a stream, in milliseconds: whoever creates one publishes to it in the next line. */
const patience = 1_000;
/** The first wait, in milliseconds; each is twice the one before. */
const firstWait = 25;

/**
 * Keeps the messages of one port that were refused because the broker does not know their stream, and sends them again, for
 * a second. After that such refusals are believed, until a message was stored or nothing waits.
 * @internal
 */
export class SecondChance {
  /** When the stream was first not known; undefined while nothing is wrong. */
  private since: number | undefined = undefined;
  private wait = firstWait;
  private held: Entry[] = [];
  private cancel: Cancel | undefined;

  /** @param again - takes what was kept, to be sent again */
  constructor(
    private readonly clock: Clock,
    private readonly again: (entries: readonly Entry[]) => void,
  ) {}

  /** Whether the stream was not known, the last time that something was heard. */
  get doubting(): boolean {
    return this.since !== undefined;
  }

  /** Whether something waits here: what comes later must not overtake it. */
  get holding(): boolean {
    return this.held.length > 0;
  }

  /** Takes a message that was refused. Returns false where it has had its chance. */
  take(entry: Entry): boolean {
    const now = this.clock.now();
    this.since ??= now;
    const left = this.since + patience - now;
    if (left <= 0) return false;
    this.held.push(entry);
    // the last attempt is made when the time is over, not before
    this.cancel ??= this.clock.after(Math.min(this.wait, left), () => {
      this.wait *= 2;
      this.again(this.release());
    });
    return true;
  }

  /** A message was stored, or nothing waits any more. */
  forget(): void {
    this.since = undefined;
    this.wait = firstWait;
  }

  /** Gives away what it keeps, and sends none of it. */
  release(): readonly Entry[] {
    this.cancel?.();
    this.cancel = undefined;
    const { held } = this;
    this.held = [];
    return held;
  }
}
