import type { Cancel, Clock } from './clock.js';
import type { Logger } from './logger.js';
import type { OffsetKey } from './offset.js';
import type { Track } from './track.js';

/** @internal */
export interface KeeperOptions {
  readonly clock: Clock;
  readonly log: Logger;
  /** Whose position of what it is, for the log. */
  readonly what: string;
  /**
   * Stores what `due` gives when there is a connection, unless that is undefined, and resolves with it when the broker has it.
   */
  readonly store: (due: () => OffsetKey | undefined) => Promise<OffsetKey | undefined>;
  /** Settled messages after which the position is stored. */
  readonly messages: number;
  /** Milliseconds after which it is stored. */
  readonly ms: number;
  /** The position does not move, because this offset stays unsettled while later ones are settled. */
  readonly stalled: (offset: bigint) => void;
}

/**
 * Stores the watermark of one log as the position of a durable: every so many settled messages, every so many milliseconds,
 * and at the end. Never a lower one than before, and nothing while the position does not move.
 * @internal
 */
export class PositionKeeper {
  /** What the broker has, as far as it has said so. */
  private stored: OffsetKey | undefined;
  private since = 0;
  private cancelTimer: Cancel | undefined;
  private storing = false;
  /** What was to be stored while a store was on its way. */
  private next: Track | undefined;
  /** Whether anything was settled since the timer looked last. */
  private busy = false;
  /** What held the position up when the timer looked last. */
  private suspect: OffsetKey | undefined;
  private told: OffsetKey | undefined;

  constructor(private readonly options: KeeperOptions) {}

  /** What the broker has, as far as it has said so. */
  get last(): OffsetKey | undefined {
    return this.stored;
  }

  /** The broker was asked what it has. */
  begin(stored: OffsetKey | undefined): void {
    this.stop();
    this.stored = stored;
    this.since = 0;
    this.suspect = this.told = undefined;
  }

  /** A delivery of the track was settled. */
  settled(track: Track): void {
    // an ack that comes after the end must not set a timer that nobody ends
    if (!track.alive) return;
    this.busy = true;
    this.later(track);
    if (++this.since >= this.options.messages) this.store(track);
  }

  /** The track stands somewhere for the first time: that is stored at once, so that the next subscription knows it. */
  placed(track: Track): void {
    this.store(track);
  }

  /** Stores where the track stands, unless it is stored already. Resolves when the broker has it. */
  async flush(track: Track): Promise<void> {
    this.stop();
    if (this.due(track) !== undefined) await this.put(track);
  }

  /** Stores nothing more by itself. */
  stop(): void {
    this.cancelTimer?.();
    this.cancelTimer = undefined;
    this.next = undefined;
  }

  private due(track: Track): OffsetKey | undefined {
    const { position } = track;
    if (!track.alive || position === undefined) return undefined;
    return this.stored !== undefined && position <= this.stored ? undefined : position;
  }

  private later(track: Track): void {
    this.cancelTimer ??= this.options.clock.after(this.options.ms, () => {
      this.cancelTimer = undefined;
      this.store(track);
      this.watch(track);
    });
  }

  private store(track: Track): void {
    this.since = 0;
    if (this.due(track) === undefined) return;
    if (this.storing) {
      this.next = track;
      return;
    }
    this.storing = true;
    const { log, what } = this.options;
    this.put(track)
      .catch((error: unknown) => {
        log.warn(`the position of ${what} was not stored`, error);
        if (track.alive) this.later(track);
      })
      .finally(() => {
        this.storing = false;
        const { next } = this;
        this.next = undefined;
        if (next !== undefined) this.store(next);
      });
  }

  /** Stores where the track stands when there is a connection, which may have been away, and has the broker confirm it. */
  private async put(track: Track): Promise<void> {
    const position = await this.options.store(() => this.due(track));
    // the log can have become another one meanwhile
    if (position !== undefined && track.alive && (this.stored === undefined || position > this.stored)) {
      this.stored = position;
    }
  }

  /** Tells of an offset that holds the position up while others are settled; once for each. */
  private watch(track: Track): void {
    if (!this.busy) return;
    this.busy = false;
    const oldest = track.alive ? track.oldest?.offsetKey : undefined;
    if (oldest !== undefined && oldest === this.suspect && oldest !== this.told) {
      this.told = oldest;
      this.options.stalled(BigInt(oldest));
    }
    this.suspect = oldest;
  }
}
