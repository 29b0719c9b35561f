import type { BaseDelivery } from './delivery.js';
import { offsetAfter, offsetBefore, type OffsetKey } from './offset.js';
import type { Watermark } from './watermark.js';

/** The most settled offsets of the last window that are kept to be acked again after a link's return. */
const maxRecent = 65_536;

/**
 * One ordered log of offsets within a subscription: a STAN channel, a stream, a partition. Knows what of it is unsettled,
 * what was settled, and whether its offsets began anew.
 * @internal
 */
export class Lane {
  /** The first delivery of each unsettled offset. */
  readonly places = new Map<OffsetKey, BaseDelivery<unknown>>();
  /** What waits for a place in the window. */
  readonly held = new Map<OffsetKey, BaseDelivery<unknown>>();
  /** The highest offset that arrived. */
  last: OffsetKey | undefined;
  /** The stamp of that message; a later stamp on a lower offset means that the log was reset. */
  lastStamp = 0;
  /** Whether messages may have been lost on the wire since the last arrival: then a jump is no proof of a gap. */
  suspect = false;
  /** Whether messages may be lost on the wire at any time, unseen: then no jump proves a gap. */
  lossy = false;
  private readonly recent: OffsetKey[] = [];
  private cursor = 0;

  /**
   * @param settledOffsets - what was settled, also by an earlier subscription of the same durable; undefined where
   * the broker may rightly give a settled message to this process again (queue groups)
   * @param window - how many recent acks are kept
   */
  constructor(
    readonly settledOffsets: Watermark | undefined,
    private window: number,
  ) {}

  /** Whether a message with this offset and stamp can only belong to a log whose offsets began anew. */
  contradicts(key: OffsetKey, stamp: number): boolean {
    return this.last !== undefined && key <= this.last && stamp > this.lastStamp;
  }

  /** What is emitted or held of an offset that arrived before. */
  find(key: OffsetKey): BaseDelivery<unknown> | undefined {
    return this.places.get(key) ?? this.held.get(key);
  }

  /** Notes an arrival, which does not contradict what is known. */
  arrived(key: OffsetKey, stamp: number): void {
    const last = this.last;
    if (last !== undefined && key <= last) return;
    const settled = this.settledOffsets;
    if (settled !== undefined) {
      if (last === undefined) {
        if (settled.lowestUnsettled === undefined) settled.begin(key);
      } else if (!this.suspect && !this.lossy) {
        const next = offsetAfter(last);
        if (key > next) settled.skip(next, offsetBefore(key)!);
      }
    }
    this.suspect = false;
    this.last = key;
    this.lastStamp = stamp;
  }

  /** A new subscription goes on with it: what the one before had emitted and not settled comes again. */
  renew(window: number): void {
    this.window = window;
    this.places.clear();
    this.held.clear();
    this.recent.length = 0;
    this.cursor = 0;
    this.suspect = true;
  }

  /** Forgets what was settled: the same offsets mean other messages from here on. */
  reset(): void {
    this.settledOffsets?.clear();
    this.held.clear();
    this.recent.length = 0;
    this.cursor = 0;
    this.last = undefined;
    this.lastStamp = 0;
    this.suspect = false;
  }

  settle(key: OffsetKey): void {
    this.settledOffsets?.settle(key);
    const recent = this.recent;
    if (recent.length < this.window && recent.length < maxRecent) recent.push(key);
    else {
      recent[this.cursor] = key;
      this.cursor = (this.cursor + 1) % recent.length;
    }
  }

  /** The offsets settled last, at most one window of them: acks that a dropped link may have swallowed. */
  recentlySettled(): readonly OffsetKey[] {
    return this.recent;
  }

  /** The lowest offset that is not known to be settled, or undefined when nothing arrived yet. */
  get resumeAt(): OffsetKey | undefined {
    if (this.last === undefined) return undefined;
    let lowest = this.settledOffsets?.lowestUnsettled ?? offsetAfter(this.last);
    for (const key of this.places.keys()) if (key < lowest) lowest = key;
    return lowest;
  }
}
