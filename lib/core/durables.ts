import { InUseError, type BrokerName } from './errors.js';
import { Lane } from './lane.js';
import { Watermark } from './watermark.js';

/** A subscription that holds a durable, as others who want it see it. @internal */
export interface DurableHolder {
  /** Whether it was unsubscribed and only waits for what it emitted to be settled. */
  readonly stopped: boolean;
  /** Ends it at the broker; `release` follows when that is done. */
  finish(): void;
}

/** Positions of durables that this handle used lately and remembers the acks of. */
const maxLanes = 1024;

/**
 * Which subscription of this handle holds which durable. A subscription that wants one which another still lingers on
 * ends that one first and waits for its end, so that the broker never sees two.
 * @internal
 */
export class Durables {
  private readonly holders = new Map<string, DurableHolder>();
  private readonly waiting = new Map<string, { holder: DurableHolder; begin: () => void }>();
  private readonly lanes = new Map<string, Lane>();

  constructor(private readonly broker: BrokerName) {}

  /**
   * Calls `begin` when the durable is free.
   * @throws InUseError if a live subscription of this handle holds it
   */
  claim(channel: string, durable: string, holder: DurableHolder, begin: () => void): void {
    const key = keyOf(channel, durable);
    const current = this.holders.get(key);
    if (current === undefined) {
      this.holders.set(key, holder);
      begin();
      return;
    }
    if (!current.stopped || this.waiting.has(key)) {
      throw new InUseError(
        `durable '${durable}' of '${channel}' has a subscription in this handle already; unsubscribe that one first, or take another name`,
        { broker: this.broker },
      );
    }
    this.waiting.set(key, { holder, begin });
    current.finish();
  }

  /** The holder has ended at the broker, or one that waited has been unsubscribed. */
  release(channel: string, durable: string, holder: DurableHolder): void {
    const key = keyOf(channel, durable);
    const next = this.waiting.get(key);
    if (next?.holder === holder) {
      this.waiting.delete(key);
      return;
    }
    if (this.holders.get(key) !== holder) return;
    this.holders.delete(key);
    if (next === undefined) return;
    this.waiting.delete(key);
    this.holders.set(key, next.holder);
    next.begin();
  }

  /** What this process has settled of a durable: its next subscription begins with that knowledge. */
  lane(channel: string, durable: string, window: number): Lane {
    const key = keyOf(channel, durable);
    let lane = this.lanes.get(key);
    if (lane === undefined) lane = new Lane(new Watermark(), window);
    else lane.renew(window);
    this.lanes.delete(key);
    this.lanes.set(key, lane);
    if (this.lanes.size > maxLanes)
      for (const oldest of this.lanes.keys()) {
        this.lanes.delete(oldest);
        break;
      }
    return lane;
  }

  /** The channel, or every channel, lost its messages and positions: the same offsets mean other messages from here on. */
  reset(channel: string | undefined): void {
    for (const [key, lane] of this.lanes) {
      if (channel !== undefined && !key.startsWith(`${channel}\n`)) continue;
      lane.reset();
      lane.places.clear();
    }
  }

  /** The stored position is gone, so what was settled under it means nothing any more. */
  forget(channel: string, durable: string): void {
    this.lanes.delete(keyOf(channel, durable));
  }
}

/** Channel names have no line breaks on any broker, so that two pairs never make the same key. */
function keyOf(channel: string, durable: string): string {
  return `${channel}\n${durable}`;
}
