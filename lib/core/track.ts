import { BaseDelivery } from './delivery.js';
import { offsetBefore, type OffsetKey } from './offset.js';
import type { Until } from './starts.js';

/** A delivery of a log whose position the client keeps. It is also the entry of its track's list, so that it costs no other object. @internal */
export abstract class LogDelivery<T> extends BaseDelivery<T> {
  /** The log within the source that it belongs to. */
  track: Track | undefined = undefined;
  older: LogDelivery<unknown> | undefined = undefined;
  newer: LogDelivery<unknown> | undefined = undefined;
  /** When it comes again if it is unsettled, in ms of the clock; 0 where that is never. */
  due = 0;

  redeliveries = 0;
  /** How often it was sent again by another object. */
  private copies = 0;

  get redelivered(): boolean {
    return this.redeliveries > 0;
  }

  /** Another delivery of the same message, which says that it comes again. */
  again(): LogDelivery<T> {
    const copy = this.repeat();
    copy.redeliveries = this.redeliveries + ++this.copies;
    return copy;
  }

  /** Another object over the same message. */
  protected abstract repeat(): LogDelivery<T>;
}

/** What one subscription of a durable knew, for the one after it in the same process. @internal */
export interface Progress {
  /** Up to here everything was emitted. */
  readonly last: OffsetKey;
  /** Except that these were not settled. */
  readonly unsettled: ReadonlySet<OffsetKey>;
  /** The position that the broker was known to have. */
  readonly stored?: OffsetKey | undefined;
  /** How often the handle had lost its link by then. */
  readonly outages?: number | undefined;
}

/**
 * One log (a stream, a partition) within a source, where the position is the client's to keep. What is emitted and
 * unsettled hangs in a list in the order of the log, so that the watermark is what lies before its first, and settling
 * costs constant time in any order.
 * @internal
 */
export class Track {
  /** The first and the last delivery that are unsettled. */
  oldest: LogDelivery<unknown> | undefined = undefined;
  private newest: LogDelivery<unknown> | undefined = undefined;
  /** The highest offset that was emitted or passed over. */
  last: OffsetKey | undefined = undefined;
  /** Where this log ends for the source. */
  until: Until | undefined = undefined;
  /** Whether the end was reached. */
  ended = false;
  /** Whether settling still moves the position: not after the partition, the role or the log itself was taken away. */
  alive = true;

  /** @param before - what was settled by an earlier subscription of the same durable */
  constructor(private before?: Progress) {}

  /** What is stored as processed: the offset before the first that is unsettled. Undefined before the begin, and at offset 0. */
  get position(): OffsetKey | undefined {
    return this.oldest === undefined ? this.last : offsetBefore(this.oldest.offsetKey);
  }

  /** What became of an offset with an earlier subscription of the same durable; undefined where it was not emitted by that. */
  earlier(key: OffsetKey): 'settled' | 'unsettled' | undefined {
    const { before } = this;
    if (before === undefined) return undefined;
    if (key <= before.last) return before.unsettled.has(key) ? 'unsettled' : 'settled';
    this.before = undefined;
    return undefined;
  }

  /** Takes a delivery as emitted. */
  add(delivery: LogDelivery<unknown>): void {
    delivery.track = this;
    this.last = delivery.offsetKey;
    const { newest } = this;
    delivery.older = newest;
    if (newest === undefined) this.oldest = delivery;
    else newest.newer = delivery;
    this.newest = delivery;
  }

  /** It is settled, or was given up for good. */
  remove(delivery: LogDelivery<unknown>): void {
    const { older, newer } = delivery;
    if (older === undefined) this.oldest = newer;
    else older.newer = newer;
    if (newer === undefined) this.newest = older;
    else newer.older = older;
    delivery.older = delivery.newer = undefined;
  }

  /** A released delivery comes again as another object, at the same place. */
  replace(delivery: LogDelivery<unknown>, copy: LogDelivery<unknown>): void {
    const { older, newer } = delivery;
    copy.track = this;
    copy.older = older;
    copy.newer = newer;
    if (older === undefined) this.oldest = copy;
    else older.newer = copy;
    if (newer === undefined) this.newest = copy;
    else newer.older = copy;
    delivery.older = delivery.newer = undefined;
  }

  /** Everything up to an offset is passed over: it is not there, not asked for, or settled. */
  skip(key: OffsetKey): void {
    if (this.last === undefined || key > this.last) this.last = key;
  }

  /** What the next subscription of the same durable should know. */
  progress(): Progress | undefined {
    const { before, last } = this;
    const reached = last !== undefined && (before === undefined || last >= before.last);
    if (last === undefined && before === undefined) return undefined;
    const unsettled = new Set<OffsetKey>();
    for (let each = this.oldest; each !== undefined; each = each.newer) unsettled.add(each.offsetKey);
    if (reached) return { last, unsettled };
    for (const key of before!.unsettled) if (last === undefined || key > last) unsettled.add(key);
    return { last: before!.last, unsettled };
  }
}
