import { encodeText } from './text.js';
import { highOf, lowOf, varintSize, writeVarint } from './varint.js';

/** Writes the fields of one protobuf frame. Defaults (0, empty, undefined) are left out, as proto3 has it. */
export class Writer {
  private out = new Uint8Array(128);
  private pos = 0;

  string(field: number, text: string | undefined): this {
    return text === undefined ? this : this.bytes(field, encodeText(text));
  }

  bytes(field: number, bytes: Uint8Array | undefined): this {
    if (bytes === undefined || bytes.length === 0) return this;
    this.reserve(15 + bytes.length);
    this.pos = writeVarint(this.out, this.pos, (field << 3) | 2, 0);
    this.pos = writeVarint(this.out, this.pos, bytes.length, 0);
    this.out.set(bytes, this.pos);
    this.pos += bytes.length;
    return this;
  }

  /** A negative value takes ten bytes: its 64 bit two's complement. */
  int32(field: number, value: number | undefined): this {
    const low = (value ?? 0) | 0;
    return this.varint(field, low, low < 0 ? -1 : 0);
  }

  uint32(field: number, value: number | undefined): this {
    return this.varint(field, (value ?? 0) | 0, 0);
  }

  bool(field: number, value: boolean | undefined): this {
    return this.varint(field, value === true ? 1 : 0, 0);
  }

  /** For `uint64` and `int64`: both are the two's complement. */
  int64(field: number, value: number | bigint | undefined): this {
    return value === undefined ? this : this.varint(field, lowOf(value), highOf(value));
  }

  /** What was written, in a buffer of its own. */
  finish(): Uint8Array {
    return this.out.slice(0, this.pos);
  }

  private varint(field: number, low: number, high: number): this {
    if (low === 0 && high === 0) return this;
    this.reserve(20);
    this.pos = writeVarint(this.out, this.pos, field << 3, 0);
    this.pos = writeVarint(this.out, this.pos, low, high);
    return this;
  }

  private reserve(size: number): void {
    if (this.pos + size <= this.out.length) return;
    const larger = new Uint8Array(Math.max(this.out.length * 2, this.pos + size));
    larger.set(this.out.subarray(0, this.pos));
    this.out = larger;
  }
}

/** The bytes of a length-delimited field: its tag, its length, its content. */
export function delimited(field: number, content: Uint8Array): Uint8Array {
  return new Writer().bytes(field, content).finish();
}

/** How many bytes a length-delimited field with a number under 16 takes; none when it is empty. */
export function delimitedSize(length: number): number {
  return length === 0 ? 0 : 1 + varintSize(length, 0) + length;
}
