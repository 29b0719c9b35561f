import { FrameTooLargeError, OverflowError } from '../../core/errors.js';
import { grpcHead } from './grpc-frame.js';
import { malformed } from './malformed.js';

/**
 * Takes a message: the bytes from `start` to before `end`, which may be none. They stay as they are and can be kept.
 * `false` holds the reader, so that no message comes before `resume`; anything else lets it go on.
 */
export type OnMessage = (bytes: Uint8Array, start: number, end: number) => unknown;

/** What a {@link FrameReader} allows. */
export interface FrameReaderOptions {
  /** The most bytes that a message can have. */
  readonly maxMessage: number;
  /** The most bytes that are kept while the reader is held. Default: 32 MiB. */
  readonly maxHeld?: number | undefined;
}

const usualMaxHeld = 1 << 25;
/** So much is made room for because a head says so. A larger message gets more room as its bytes arrive. */
const trusted = 1 << 20;
const smallMessage = 1024;
const sharedBytes = 16_384;
/** Up to this length a loop is faster than the platform's copy. */
const shortCopy = 32;
const none = new Uint8Array(0);
const frame = 'gRPC message';

/**
 * Makes messages of the bytes of a gRPC stream. What lies whole in one chunk is handed on in place; what spans chunks is
 * collected once, in a buffer of its own.
 *
 * A slow taker stops the stream with `if (!reader.push(chunk)) stream.pause()`, and later lets it go on with
 * `if (reader.resume()) stream.resume()`.
 */
export class FrameReader {
  private readonly maxMessage: number;
  private readonly maxHeld: number;
  private held = false;
  private stopped = false;
  /** A chunk is being read, so that `onMessage` may be what calls. */
  private busy = false;
  /** Chunks that wait, from `first` on. */
  private waiting: Uint8Array[] = [];
  private first = 0;
  private waitingBytes = 0;
  /** How many bytes of a head that spans chunks are here, and what they say. */
  private headRead = 0;
  private flag = 0;
  private size = 0;
  /** The part of a message that is here, from `partStart` on. */
  private part: Uint8Array = none;
  private partStart = 0;
  private partLength = 0;
  /** Small messages that span chunks share one buffer, which is handed out once and never again. */
  private shared: Uint8Array = none;
  private sharedUsed = 0;

  constructor(
    options: FrameReaderOptions,
    private readonly onMessage: OnMessage,
  ) {
    this.maxMessage = options.maxMessage;
    this.maxHeld = options.maxHeld ?? usualMaxHeld;
  }

  /** Whether bytes are here that were not handed on. At the end of a stream whose reader is not held, it was cut off. */
  get inside(): boolean {
    return this.headRead > 0 || this.waitingBytes > 0;
  }

  /**
   * Takes the next chunk, which must not change any more. Gives false if the reader is held: what is left is kept, and no
   * more should come before `resume` has given true.
   *
   * Throws `ProtocolError` for a head that no message has here, `FrameTooLargeError` for a message over the limit,
   * `OverflowError` if too much came while it was held, and what `onMessage` throws. Nothing comes after any of them.
   */
  push(chunk: Uint8Array): boolean {
    if (this.stopped) return true;
    if (this.held || this.busy) {
      this.wait(chunk);
      return !this.held;
    }
    this.read(chunk);
    return this.waiting.length === 0 ? !this.held : this.drain();
  }

  /**
   * Goes on with what was kept. Gives true if all of it is handed on and the next chunk can come, false if the reader is
   * held again. Does nothing when `onMessage` calls it, whose result counts. Throws as `push` does.
   */
  resume(): boolean {
    if (this.busy) return false;
    this.held = false;
    return this.drain();
  }

  /** From here on nothing is handed on, also when called by `onMessage`. */
  stop(): void {
    this.stopped = true;
    this.clearWaiting();
    this.part = this.shared = none;
    this.headRead = 0;
  }

  private drain(): boolean {
    while (!this.held && this.first < this.waiting.length) {
      const chunk = this.waiting[this.first++]!;
      this.waitingBytes -= chunk.length;
      this.read(chunk);
    }
    if (this.first === this.waiting.length) this.clearWaiting();
    return !this.held;
  }

  private wait(chunk: Uint8Array): void {
    this.waitingBytes += chunk.length;
    this.waiting.push(chunk);
    if (this.waitingBytes <= this.maxHeld) return;
    const bytes = this.waitingBytes;
    this.stop();
    throw new OverflowError(
      `${String(bytes)} bytes of messages came from a Liftbridge server while none were taken, and at most ` +
        `${String(this.maxHeld)} are kept: take messages faster, or give the stream a smaller window`,
      { broker: 'liftbridge', detail: { bytes, maxHeld: this.maxHeld } },
    );
  }

  private clearWaiting(): void {
    this.waiting = [];
    this.first = this.waitingBytes = 0;
  }

  /** Hands on what the chunk has, until it is held; the rest of it waits then. */
  private read(chunk: Uint8Array): void {
    const end = chunk.length;
    let pos = 0;
    let failed = true;
    this.busy = true;
    try {
      // the rest of the message that the last chunk ended in
      if (this.headRead > 0) pos = this.collect(chunk, pos);
      while (end - pos >= grpcHead && !this.held && !this.stopped) {
        const size = (chunk[pos + 1]! << 24) | (chunk[pos + 2]! << 16) | (chunk[pos + 3]! << 8) | chunk[pos + 4]!;
        this.check(chunk[pos]!, size);
        if (size > end - pos - grpcHead) break;
        pos += grpcHead + size;
        if (this.onMessage(chunk, pos - size, pos) === false) this.held = true;
      }
      if (pos < end && !this.held) pos = this.collect(chunk, pos);
      failed = false;
    } finally {
      this.busy = false;
      if (failed) this.stop();
    }
    if (pos < end && !this.stopped) this.putBack(chunk.subarray(pos));
  }

  /** Before those that came meanwhile. */
  private putBack(rest: Uint8Array): void {
    this.waitingBytes += rest.length;
    if (this.first > 0) this.waiting[--this.first] = rest;
    else this.waiting.unshift(rest);
  }

  /** Collects what is there of one message, and hands it on if that is all. Gives where the next one begins. */
  private collect(chunk: Uint8Array, start: number): number {
    const end = chunk.length;
    let pos = start;
    if (this.stopped) return end;
    while (this.headRead < grpcHead) {
      if (pos === end) return pos;
      const byte = chunk[pos++]!;
      if (this.headRead++ === 0) this.flag = byte;
      else this.size = (this.size << 8) | byte;
      if (this.headRead === grpcHead) {
        this.check(this.flag, this.size);
        this.begin(this.size);
      }
    }
    const { size, partStart } = this;
    const taken = Math.min(size - this.partLength, end - pos);
    if (this.partLength + taken > this.part.length - partStart) this.grow(taken);
    const { part } = this;
    copy(chunk, pos, taken, part, partStart + this.partLength);
    this.partLength += taken;
    if (this.partLength === size) {
      this.part = none;
      this.partStart = this.partLength = this.headRead = this.size = 0;
      if (this.onMessage(part, partStart, partStart + size) === false) this.held = true;
    }
    return pos + taken;
  }

  private begin(size: number): void {
    if (size > smallMessage) {
      this.part = new Uint8Array(Math.min(size, trusted));
      return;
    }
    if (this.sharedUsed + size > this.shared.length) {
      this.shared = new Uint8Array(sharedBytes);
      this.sharedUsed = 0;
    }
    this.part = this.shared;
    this.partStart = this.sharedUsed;
    this.sharedUsed += size;
  }

  /** The last growth is to the message's very size, so that it has a buffer of no more than that. */
  private grow(more: number): void {
    const { part, partLength, size } = this;
    this.part = new Uint8Array(Math.min(size, Math.max(2 * partLength, partLength + more)));
    this.part.set(part.subarray(0, partLength));
  }

  /** @param size - as 32 bits, negative where it is 2 GiB and more */
  private check(flag: number, size: number): void {
    if (flag === 1) throw malformed(frame, 0, 'it is compressed, and no compression was agreed on');
    if (flag !== 0) throw malformed(frame, 0, `its first byte is ${String(flag)}, which has to be 0`);
    if (size < 0 || size > this.maxMessage) {
      throw new FrameTooLargeError(
        `a Liftbridge server sends a message of ${String(size >>> 0)} bytes, and at most ${String(this.maxMessage)} ` +
          'are taken: raise the limit for messages that are received',
        { broker: 'liftbridge', detail: { bytes: size >>> 0, maxMessage: this.maxMessage } },
      );
    }
  }
}

function copy(from: Uint8Array, start: number, length: number, to: Uint8Array, at: number): void {
  if (length > shortCopy) to.set(from.subarray(start, start + length), at);
  else for (let i = 0; i < length; i++) to[at + i] = from[start + i]!;
}
