import { StoredMessage, type StoredFields } from './message.js';
import { Slab } from './slab.js';

/** How much a log keeps. @internal */
export interface LogBounds {
  readonly maxBytes?: number | undefined;
  readonly maxMessages?: number | undefined;
  /** Milliseconds. */
  readonly maxAge?: number | undefined;
}

type Chunk = (StoredMessage | undefined)[];

const chunkSize = 1024;

/**
 * The messages of a channel, by offset: numbered from 1 without gaps, the oldest removed first. They lie in chunks, so
 * that appending, reading anywhere and removing are constant time, and what is removed is freed. No timer: age is
 * looked at when somebody looks at the log.
 * @internal
 */
export class MessageLog {
  /** The oldest offset that is there; equal to `next` while the log is empty. */
  first = 1;
  /** The offset that the next message gets. */
  next = 1;
  /** Bytes of data and keys. */
  bytes = 0;

  private readonly chunks = new Map<number, Chunk>();
  private tail: Chunk = [];
  private lastTime = 0;
  private readonly maxBytes: number;
  private readonly maxMessages: number;
  private readonly maxAge: number;
  private readonly slab = new Slab();

  constructor(bounds: LogBounds = {}) {
    this.maxBytes = bounds.maxBytes ?? Infinity;
    this.maxMessages = bounds.maxMessages ?? Infinity;
    this.maxAge = bounds.maxAge ?? Infinity;
  }

  get length(): number {
    return this.next - this.first;
  }

  /** Stores copies of the data, the key and the map of headers. Removes nothing: that is for {@link trim}. */
  append(data: Uint8Array, fields: StoredFields | undefined, now: number): StoredMessage {
    // a clock that is set back must not break the order that the search by time relies on
    const time = now > this.lastTime ? now : this.lastTime;
    this.lastTime = time;
    const offset = this.next++;
    const { slab } = this;
    const message =
      fields === undefined
        ? new StoredMessage(offset, time, slab.copy(data), undefined, undefined, undefined)
        : new StoredMessage(
            offset,
            time,
            slab.copy(data),
            fields.key === undefined ? undefined : slab.copy(fields.key),
            fields.headers === undefined || fields.headers.size === 0 ? undefined : new Map(fields.headers),
            fields.id,
          );
    const at = offset % chunkSize;
    if (at === 0 || this.chunks.size === 0) {
      this.tail = [];
      this.chunks.set((offset - at) / chunkSize, this.tail);
    }
    this.tail[at] = message;
    this.bytes += message.size;
    return message;
  }

  /** The message at that offset; undefined if it is removed or yet to come. */
  get(offset: number): StoredMessage | undefined {
    if (offset < this.first || offset >= this.next) return undefined;
    const at = offset % chunkSize;
    return this.chunks.get((offset - at) / chunkSize)![at];
  }

  /**
   * Removes the oldest messages while the log is over its bounds in number or size.
   * @param keep - so many of the newest stay in any case; the very newest always does
   */
  trim(keep = 1): void {
    while ((this.length > this.maxMessages || this.bytes > this.maxBytes) && this.length > keep) this.removeFirst();
  }

  /** Removes what is over its age. */
  expire(now: number): void {
    if (this.maxAge === Infinity) return;
    for (let oldest = this.get(this.first); oldest !== undefined && now - oldest.time >= this.maxAge;) {
      this.removeFirst();
      oldest = this.get(this.first);
    }
  }

  /** The first offset whose message was stored at that time or later; `next` if there is none. */
  search(time: number): number {
    let low = this.first;
    let high = this.next;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (this.get(middle)!.time < time) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private removeFirst(): void {
    const offset = this.first++;
    const at = offset % chunkSize;
    const number = (offset - at) / chunkSize;
    const chunk = this.chunks.get(number)!;
    this.bytes -= chunk[at]!.size;
    chunk[at] = undefined;
    if (at === chunkSize - 1 || this.first === this.next) this.chunks.delete(number);
  }
}
