import type { Cancel, Clock } from '../../core/clock.js';
import type { Logger } from '../../core/logger.js';
import type { OffsetKey } from '../../core/offset.js';
import type { Track } from '../../core/track.js';
import { encodeStoreOffset } from '../codec/requests.js';
import { storeOffset } from '../positions.js';
import type { Session } from '../session/session.js';

/** @internal */
export interface KeeperOptions {
  readonly session: Session;
  readonly clock: Clock;
  readonly log: Logger;
  readonly stream: string;
  readonly reference: string;
  /** Settled messages after which the position is stored. */
  readonly messages: number;
  /** Milliseconds after which it is stored. */
  readonly ms: number;
  /** The position does not move, because this offset stays unsettled while later ones are settled. */
  readonly stalled: (offset: bigint) => void;
}

/**
 * Stores the watermark of one log as the consumer's offset: every so many settled messages, every so many milliseconds,
 * and at the end. Never a lower one than before, and nothing while the position does not move.
 * @internal
 */
export class PositionKeeper {
  /** What the broker has, as far as is known here. */
  private stored: OffsetKey | undefined;
  private since = 0;
  private cancelTimer: Cancel | undefined;
  private storing = false;
  /** What held the position up when the timer looked last. */
  private suspect: OffsetKey | undefined;
  private told: OffsetKey | undefined;

  constructor(private readonly options: KeeperOptions) {}

  /** What the broker has, as far as is known here. */
  get last(): OffsetKey | undefined {
    return this.stored;
  }

  /** The broker was asked what it has. */
  begin(stored: OffsetKey | undefined): void {
    this.stored = stored;
    this.since = 0;
  }

  /** A delivery of the track was settled. */
  settled(track: Track): void {
    if (++this.since >= this.options.messages) this.store(track);
    else
      this.cancelTimer ??= this.options.clock.after(this.options.ms, () => {
        this.cancelTimer = undefined;
        this.store(track);
        this.watch(track);
      });
  }

  /** Stores where the track stands, unless it is stored already. Resolves when the broker has it. */
  async flush(track: Track): Promise<void> {
    this.stop();
    const position = this.due(track);
    if (position === undefined) return;
    const { session, reference, stream } = this.options;
    this.stored = position;
    await session.locator.call((connection) => storeOffset(connection, reference, stream, BigInt(position)));
  }

  /** Stores nothing more by itself. */
  stop(): void {
    this.cancelTimer?.();
    this.cancelTimer = undefined;
  }

  private due(track: Track): OffsetKey | undefined {
    const { position } = track;
    if (!track.alive || position === undefined) return undefined;
    return this.stored !== undefined && position <= this.stored ? undefined : position;
  }

  private store(track: Track): void {
    this.since = 0;
    const position = this.due(track);
    if (position === undefined || this.storing) return;
    const { session, reference, stream, log } = this.options;
    this.storing = true;
    session.locator
      .call((connection) => {
        // where it stands by then: the locator may have been away
        const now = this.due(track) ?? position;
        this.stored = now;
        connection.send(encodeStoreOffset({ reference, stream, offset: now }));
        return Promise.resolve();
      })
      .catch((error: unknown) => {
        log.warn(`the offset of '${reference}' on '${stream}' was not stored`, error);
      })
      .finally(() => {
        this.storing = false;
      });
  }

  /** Once for each offset that holds the position up. */
  private watch(track: Track): void {
    const oldest = track.alive ? track.oldest?.offsetKey : undefined;
    // others were settled since, or the timer would not run
    if (oldest !== undefined && oldest === this.suspect && oldest !== this.told) {
      this.told = oldest;
      this.options.stalled(BigInt(oldest));
    }
    this.suspect = oldest;
  }
}
