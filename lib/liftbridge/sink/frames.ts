/** Large enough that what a write costs is shared by hundreds of small messages. */
const slabBytes = 65_536;

/**
 * Messages in gRPC frames that will be written together, one behind the other in a few large buffers. A buffer is given away
 * with what is in it and never written again.
 * @internal
 */
export class Frames {
  /** Where the place that `reserve` gave lies. */
  bytes: Uint8Array = Buffer.allocUnsafeSlow(slabBytes);
  /** From here to `end` the frames have not been taken. */
  private start = 0;
  private end = 0;
  /** Whole buffers before that. */
  private full: Uint8Array[] = [];
  private fullBytes = 0;

  /** How many bytes wait. */
  get size(): number {
    return this.fullBytes + this.end - this.start;
  }

  /** A place of that many bytes in `bytes`, behind all that was reserved. */
  reserve(size: number): number {
    if (size > this.bytes.length - this.end) this.renew(size);
    const at = this.end;
    this.end = at + size;
    return at;
  }

  /** All that waits, in its order. */
  take(): readonly Uint8Array[] {
    this.seal();
    const taken = this.full;
    this.full = [];
    this.fullBytes = 0;
    return taken;
  }

  private seal(): void {
    if (this.end === this.start) return;
    this.full.push(this.bytes.subarray(this.start, this.end));
    this.fullBytes += this.end - this.start;
    this.start = this.end;
  }

  private renew(size: number): void {
    this.seal();
    this.bytes = Buffer.allocUnsafeSlow(Math.max(size, slabBytes));
    this.start = this.end = 0;
  }
}
