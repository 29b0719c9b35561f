import type { Allocate } from './allocate.js';

const smallest = 4096;
const usual = 1 << 18;
const none = new Uint8Array(0);

/**
 * Memory for frames that are made one after the other. Many share one allocation, which is handed out from its start to
 * its end and never again. How much is allocated follows the size of the frames: a quiet publisher holds a few kB only.
 */
export class Slab {
  /** Write from `pos` on, after `reserve`. */
  bytes: Uint8Array = none;
  pos: number;
  /** Where the frame in the making begins. */
  private start = 0;
  private last = 0;

  /**
   * @param head - how many bytes each frame leaves free at its start
   * @param most - no frame becomes larger than this; 0: not known
   */
  constructor(
    private readonly allocate: Allocate,
    private readonly head: number,
    private readonly most = 0,
  ) {
    this.pos = head;
  }

  /** How many bytes the frame in the making has, its head included. */
  get size(): number {
    return this.pos - this.start;
  }

  /** Makes `bytes` have room for so many more. */
  reserve(more: number): void {
    if (this.pos + more > this.bytes.length) this.grow(more);
  }

  /** The frame, whose head is still to be written by the caller; the next begins. */
  take(): Uint8Array {
    if (this.bytes.length < this.pos) this.grow(0);
    const { bytes, start, pos } = this;
    const frame = bytes.subarray(start, pos);
    this.last = pos - start;
    if (bytes.length - pos >= this.last) {
      this.start = pos;
    } else {
      // another of this size would have to be moved when it is half written
      this.bytes = none;
      this.start = 0;
    }
    this.pos = this.start + this.head;
    return frame;
  }

  private grow(more: number): void {
    const { bytes, start, pos, head } = this;
    const size = pos - start;
    const needed = size + more;
    // What grows for its first record may be one large record; what grows again will go on to.
    let room = size === head ? needed : 2 * needed;
    if (this.most > 0) room = Math.min(room, this.most);
    room = Math.max(room, needed, smallest, Math.min(4 * this.last, usual));
    const larger = this.allocate(room);
    if (size > head) larger.set(bytes.subarray(start, pos));
    this.bytes = larger;
    this.start = 0;
    this.pos = size;
  }
}
