const smallestSlab = 512;
const largestSlab = 16 * 1024;
const largestShared = 1024;

/**
 * Copies bytes. Small copies share a buffer, because a buffer of its own costs several times what a small message does.
 * A log removes in the order in which it stored, so a buffer is free soon after its first message is.
 * @internal
 */
export class Slab {
  private buffer: ArrayBuffer | undefined;
  private used = 0;
  private nextSize = smallestSlab;

  /** A copy that does not change with the original. */
  copy(bytes: Uint8Array): Uint8Array {
    const { length } = bytes;
    if (length > largestShared) return new Uint8Array(bytes);
    if (this.buffer === undefined || this.used + length > this.buffer.byteLength) this.renew(length);
    const copy = new Uint8Array(this.buffer!, this.used, length);
    copy.set(bytes);
    this.used += length;
    return copy;
  }

  /** Buffers grow with use, so that a thousand channels with a message each stay small. */
  private renew(atLeast: number): void {
    this.buffer = new ArrayBuffer(Math.max(this.nextSize, atLeast));
    this.used = 0;
    this.nextSize = Math.min(this.nextSize * 2, largestSlab);
  }
}
