import { offsetAfter, offsetBefore, offsetKey, type OffsetKey } from './offset.js';

/**
 * Which offsets of one channel are settled, as intervals, and how far everything is. Offsets may be numbers or bigints in any
 * mixture; what it gives back is a number where that is exact.
 *
 * Offsets in order cost constant time and no object; out of order, a binary search among the intervals.
 * @internal
 */
export class Watermark {
  private readonly maxIntervals: number;
  /** Everything below it is settled, it is not. Undefined until the begin is known. */
  private lowest: OffsetKey | undefined = undefined;
  // the intervals above `lowest`, first and last offset of each, from `head` on: sorted, apart from each other and from `lowest`
  private starts: OffsetKey[] = [];
  private ends: OffsetKey[] = [];
  private head = 0;

  /**
   * @param options - `maxIntervals` (default 65 536) bounds the memory. Beyond it the lowest interval above the position is
   * forgotten: its offsets count as unsettled again, so that they may be delivered twice but never lost. No interval is
   * forgotten while fewer deliveries than that are unsettled and gaps are skipped.
   */
  constructor(options: { maxIntervals?: number } = {}) {
    this.maxIntervals = options.maxIntervals ?? 65_536;
  }

  /**
   * Everything below that offset counts as settled. Until it is called there is no position. Called again it can raise the
   * position, never lower it.
   */
  begin(offset: OffsetKey): void {
    const from = offsetKey(offset);
    if (this.lowest !== undefined && from <= this.lowest) return;
    this.lowest = from;
    this.absorb();
    this.bound();
  }

  /** Returns false if it was settled already. */
  settle(offset: OffsetKey): boolean {
    const at = offsetKey(offset);
    if (at === this.lowest) {
      this.lowest = offsetAfter(at);
      if (this.head < this.starts.length) this.absorb();
      return true;
    }
    if (this.lowest !== undefined && at < this.lowest) return false;
    return this.add(at, at);
  }

  /** Takes that range, both ends included, as settled: it holds nothing that could be (a gap, filtered or skipped records). */
  skip(from: OffsetKey, to: OffsetKey): void {
    const first = offsetKey(from);
    const last = offsetKey(to);
    if (first > last) return;
    if (this.lowest === undefined || first > this.lowest) {
      this.add(first, last);
    } else if (last >= this.lowest) {
      this.lowest = offsetAfter(last);
      this.absorb();
    }
  }

  /** Whether it is settled, or skipped, as far as is remembered. */
  has(offset: OffsetKey): boolean {
    const at = offsetKey(offset);
    if (this.lowest !== undefined && at < this.lowest) return true;
    const start = this.starts[this.find(at)];
    return start !== undefined && start <= at;
  }

  /** The last offset before the lowest unsettled one: what is stored as processed. Undefined before the begin, and at offset 0. */
  get position(): OffsetKey | undefined {
    return this.lowest === undefined ? undefined : offsetBefore(this.lowest);
  }

  /** The lowest offset that is not settled, or the next to come if all are. Undefined before the begin. */
  get lowestUnsettled(): OffsetKey | undefined {
    return this.lowest;
  }

  /** How many intervals are kept: the one that ends at the position, and those above it. */
  get intervals(): number {
    return this.starts.length - this.head + (this.position === undefined ? 0 : 1);
  }

  /** Forgets everything, the begin too. */
  clear(): void {
    this.lowest = undefined;
    this.starts = [];
    this.ends = [];
    this.head = 0;
  }

  /** Moves `lowest` over the intervals that it has reached. */
  private absorb(): void {
    let head = this.head;
    for (; head < this.starts.length; head++) {
      const lowest = this.lowest as OffsetKey;
      if ((this.starts[head] as OffsetKey) > lowest) break;
      const end = this.ends[head] as OffsetKey;
      if (end >= lowest) this.lowest = offsetAfter(end);
    }
    this.trim(head);
  }

  /** Drops what is before `head`, in steps large enough that each interval is moved about once. */
  private trim(head: number): void {
    if (head === this.starts.length) {
      this.starts.length = this.ends.length = this.head = 0;
    } else if (head > 64 && head * 2 > this.starts.length) {
      this.starts.splice(0, head);
      this.ends.splice(0, head);
      this.head = 0;
    } else {
      this.head = head;
    }
  }

  /** Adds an interval above `lowest`. Returns whether any of it was unsettled. */
  private add(from: OffsetKey, to: OffsetKey): boolean {
    const { starts, ends } = this;
    const last = starts.length - 1;
    if (last >= this.head && from === offsetAfter(ends[last] as OffsetKey)) {
      ends[last] = to;
      return true;
    }
    // the interval before a neighbour's offset is joined too, hence the offset before
    const first = this.find(offsetBefore(from) ?? from);
    const start = starts[first];
    if (start !== undefined && start <= from && (ends[first] as OffsetKey) >= to) return false;
    let next = first;
    let low = from;
    let high = to;
    const reach = offsetAfter(to);
    for (; next < starts.length && (starts[next] as OffsetKey) <= reach; next++) {
      const otherLow = starts[next] as OffsetKey;
      const otherHigh = ends[next] as OffsetKey;
      if (otherLow < low) low = otherLow;
      if (otherHigh > high) high = otherHigh;
    }
    if (next === first + 1) {
      starts[first] = low;
      ends[first] = high;
    } else {
      starts.splice(first, next - first, low);
      ends.splice(first, next - first, high);
    }
    this.bound();
    return true;
  }

  /** Forgets the lowest interval above the position where there is one too many. */
  private bound(): void {
    const kept = this.starts.length - this.head + (this.lowest === undefined ? 0 : 1);
    if (kept > this.maxIntervals && this.head < this.starts.length) this.trim(this.head + 1);
  }

  /** The index of the first interval that ends at `offset` or above it. */
  private find(offset: OffsetKey): number {
    let low = this.head;
    let high = this.ends.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.ends[middle] as OffsetKey) < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
