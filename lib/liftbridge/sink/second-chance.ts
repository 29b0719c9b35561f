import type { Cancel, Clock } from '../../core/clock.js';
import type { Entry } from '../../core/publisher.js';

/** How long the brokers may take to hear of a stream, in milliseconds: whoever creates one publishes to it in the next line. */
const patience = 1_000;
/** How long a broker that was restarted may take to know its streams again, in milliseconds. */
const restartPatience = 10_000;
/** The first wait, in milliseconds; each is twice the one before, up to the longest. */
const firstWait = 25;
const longestWait = 500;

/**
 * Keeps the messages of one port that were refused because the broker does not know their stream, and sends them again, for
 * a second, or for ten after a connection was made again. After that such refusals are believed, until a message was stored or
 * nothing waits.
 * @internal
 */
export class SecondChance {
  /** When the stream was first not known; undefined while nothing is wrong. */
  private since: number | undefined = undefined;
  private wait = firstWait;
  private held: Entry[] = [];
  /** Sent again, the last time that something was. */
  private retried: readonly Entry[] = [];
  private cancel: Cancel | undefined;
  /** When there is no chance any more. */
  private end = 0;

  /**
   * @param again - takes what was kept, to be sent again
   * @param awaited - whether there are others whose answers are on their way
   */
  constructor(
    private readonly clock: Clock,
    private readonly again: (entries: readonly Entry[]) => void,
    private readonly awaited: () => boolean,
  ) {}

  /** A message is written. @param alone - whether nothing else waits, so that what was heard of others is history */
  written(entry: Entry, alone: boolean): void {
    if (alone && this.since !== undefined && !this.retried.includes(entry)) this.forget();
  }

  /** Whether something waits here: what comes later must not overtake it. */
  get holding(): boolean {
    return this.held.length > 0;
  }

  /**
   * Takes a message that was refused. Returns false where it has had its chance.
   * @param reconnectedAt - when the connection was made again, in ms; -Infinity: it is the first
   */
  take(entry: Entry, reconnectedAt: number): boolean {
    const now = this.clock.now();
    this.since ??= now;
    this.end = Math.max(this.since + patience, reconnectedAt + restartPatience);
    if (this.end <= now) return false;
    this.held.push(entry);
    if (this.cancel === undefined) this.arm(this.wait);
    return true;
  }

  private arm(wait: number): void {
    // the last attempt is made when the time is over, not before
    const left = this.end - this.clock.now();
    this.cancel = this.clock.after(Math.min(wait, left), () => {
      // one that is refused as these were belongs behind them, and before what comes later
      if (wait < left && this.awaited()) {
        this.arm(firstWait);
        return;
      }
      this.wait = Math.min(this.wait * 2, longestWait);
      this.retried = this.release();
      this.again(this.retried);
    });
  }

  /** A message was stored: the stream is known. */
  forget(): void {
    this.since = undefined;
    this.retried = [];
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
