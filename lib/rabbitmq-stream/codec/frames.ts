import type { Allocate } from './allocate.js';
import { malformed } from './malformed.js';

/** What a {@link FrameSplitter} works by. */
export interface FrameSplitterOptions {
  /**
   * The most bytes that a frame can have, without its size. It protects from nonsense and is not what was agreed on in
   * Tune: that limits what a client sends, while a chunk comes whole, whatever its size.
   */
  readonly maxFrame: number;
  readonly allocate: Allocate;
}

/**
 * Takes a frame: the bytes from `start` (its key) to before `end`. They are good during the call only, unless `owned`
 * says that they are the taker's.
 */
export type OnFrame = (bytes: Uint8Array, start: number, end: number, owned: boolean) => void;

/** Key and version. */
const shortest = 4;
/** So much is made room for because a size says so. A larger frame gets more room as its bytes arrive. */
const trusted = 1 << 20;

/**
 * Makes frames of what a socket reads. What lies whole in one read is handed on in place; what spans reads is collected
 * once, in a buffer of its own.
 */
export class FrameSplitter {
  private stopped = false;
  /** How many bytes of a size that spans reads are here, and their value. */
  private sizeRead = 0;
  private size = 0;
  /** The part of a frame that is here. */
  private part: Uint8Array | undefined;
  private partLength = 0;

  constructor(
    private readonly options: FrameSplitterOptions,
    private readonly onFrame: OnFrame,
  ) {}

  /** Whether the reads so far end inside a frame. */
  get inside(): boolean {
    return this.sizeRead > 0;
  }

  /**
   * Takes the next bytes, which are not kept. Throws `ProtocolError` for a size that no frame has, and what `onFrame`
   * throws; nothing comes after either.
   */
  push(bytes: Uint8Array, start: number, end: number): void {
    let pos = start;
    let whole = false;
    try {
      // the rest of the frame that the last read ended in
      if (this.sizeRead > 0) pos = this.resume(bytes, pos, end);
      while (end - pos >= 4 && !this.stopped) {
        const size = ((bytes[pos]! << 24) | (bytes[pos + 1]! << 16) | (bytes[pos + 2]! << 8) | bytes[pos + 3]!) >>> 0;
        this.check(size);
        if (size > end - pos - 4) break;
        pos += 4 + size;
        this.onFrame(bytes, pos - size, pos, false);
      }
      if (pos < end && !this.stopped) this.resume(bytes, pos, end);
      whole = true;
    } finally {
      if (!whole) this.stop();
    }
  }

  /** From here on nothing is handed on, also when called by `onFrame`. */
  stop(): void {
    this.stopped = true;
    this.part = undefined;
    this.sizeRead = 0;
  }

  /** Collects what is there of one frame, and hands it on if that is all. Gives where the next one begins. */
  private resume(bytes: Uint8Array, start: number, end: number): number {
    let pos = start;
    while (this.sizeRead < 4) {
      if (pos === end) return pos;
      this.size = (this.size << 8) | bytes[pos++]!;
      if (++this.sizeRead === 4) {
        this.size >>>= 0;
        this.check(this.size);
      }
    }
    const { size } = this;
    const taken = Math.min(size - this.partLength, end - pos);
    if (taken > 0) {
      const part = this.roomFor(taken);
      copy(bytes, pos, pos + taken, part, this.partLength);
      this.partLength += taken;
      pos += taken;
      if (this.partLength === size) {
        this.part = undefined;
        this.partLength = this.sizeRead = this.size = 0;
        this.onFrame(part, 0, size, true);
      }
    }
    return pos;
  }

  /** The last growth is to the frame's very size, so that a collected frame has a buffer of no more than that. */
  private roomFor(more: number): Uint8Array {
    const { part, partLength, size } = this;
    if (part !== undefined && partLength + more <= part.length) return part;
    const room = Math.min(size, Math.max(trusted, 2 * partLength, partLength + more));
    const larger = this.options.allocate(room);
    if (part !== undefined) copy(part, 0, partLength, larger, 0);
    this.part = larger;
    return larger;
  }

  private check(size: number): void {
    if (size < shortest) throw malformed('frame', 'the size has no room for a key and a version', 0, size);
    if (size > this.options.maxFrame) {
      throw malformed('frame', `the most that is taken is ${String(this.options.maxFrame)} bytes`, 0, size);
    }
  }
}

function copy(from: Uint8Array, start: number, end: number, to: Uint8Array, at: number): void {
  to.set(start === 0 && end === from.length ? from : from.subarray(start, end), at);
}
