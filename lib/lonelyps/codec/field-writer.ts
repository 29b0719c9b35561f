import { FrameTooLargeError } from '../../core/errors.js';
import { encodeText } from '../../core/wire/text.js';

/** Writes fields one after the other, big-endian. @internal */
export class FieldWriter {
  private out: Uint8Array<ArrayBuffer>;
  private pos = 0;

  /** @param size - how many bytes it will be; where it becomes more, it grows */
  constructor(size = 256) {
    this.out = new Uint8Array(size);
  }

  u8(value: number): this {
    this.reserve(1);
    this.out[this.pos++] = value;
    return this;
  }

  u16(value: number): this {
    this.reserve(2);
    this.out[this.pos++] = value >>> 8;
    this.out[this.pos++] = value;
    return this;
  }

  u32(value: number): this {
    this.reserve(4);
    const { out } = this;
    out[this.pos++] = value >>> 24;
    out[this.pos++] = value >>> 16;
    out[this.pos++] = value >>> 8;
    out[this.pos++] = value;
    return this;
  }

  /** 64 bits; a number must be a safe integer. */
  u64(value: number | bigint): this {
    if (typeof value === 'bigint') return this.u32(Number(value >> 32n)).u32(Number(value & 0xffff_ffffn));
    return this.u32(Math.floor(value / 0x1_0000_0000)).u32(value % 0x1_0000_0000);
  }

  /** Bytes as they are. */
  raw(bytes: Uint8Array): this {
    this.reserve(bytes.length);
    this.out.set(bytes, this.pos);
    this.pos += bytes.length;
    return this;
  }

  /** Bytes after their length in one byte. */
  lp8(bytes: Uint8Array): this {
    if (bytes.length > 0xff) throw tooLong(bytes.length, 0xff);
    return this.u8(bytes.length).raw(bytes);
  }

  /** Bytes, or text as UTF-8, after their length in two bytes. Undefined is written as nothing. */
  lp16(value: Uint8Array | string | undefined): this {
    if (value === undefined || value.length === 0) return this.u16(0);
    const bytes = typeof value === 'string' ? encodeText(value) : value;
    if (bytes.length > 0xffff) throw tooLong(bytes.length, 0xffff);
    return this.u16(bytes.length).raw(bytes);
  }

  /** What was written. Nothing may be written after it: these are no copies. */
  finish(): Uint8Array<ArrayBuffer> {
    return this.out.subarray(0, this.pos);
  }

  private reserve(size: number): void {
    if (this.pos + size <= this.out.length) return;
    const larger = new Uint8Array(Math.max(this.out.length * 2, this.pos + size));
    larger.set(this.out.subarray(0, this.pos));
    this.out = larger;
  }
}

function tooLong(length: number, limit: number): FrameTooLargeError {
  return new FrameTooLargeError(
    `a field of a lonelyps message has ${String(length)} bytes, and it can have ${String(limit)} at most. ` +
      'Use a shorter topic, glob, URL or secret',
    { broker: 'lonelyps', detail: { length, limit } },
  );
}
