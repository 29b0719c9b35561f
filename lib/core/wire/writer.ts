import { encodeText } from './text.js';
import { highOf, lowOf, varintSize, writeVarint } from './varint.js';

/** Writes the fields of one protobuf message. Defaults (0, empty, undefined) are left out, as proto3 has it. */
export class Writer {
  private out = new Uint8Array(128);
  private pos = 0;

  /** How many bytes were written. */
  get length(): number {
    return this.pos;
  }

  string(field: number, text: string | undefined): this {
    return text ? this.message(field, encodeText(text)) : this;
  }

  bytes(field: number, bytes: Uint8Array | undefined): this {
    return bytes === undefined || bytes.length === 0 ? this : this.message(field, bytes);
  }

  /** A negative value takes ten bytes: its 64 bit two's complement. For enums too. */
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

  /** For `uint64` and `int64`: both are the two's complement. A number must be a safe integer. */
  int64(field: number, value: number | bigint | undefined): this {
    return value === undefined ? this : this.varint(field, lowOf(value), highOf(value));
  }

  strings(field: number, texts: Iterable<string> | undefined): this {
    for (const text of texts ?? []) this.message(field, encodeText(text));
    return this;
  }

  /** Packed. */
  int32s(field: number, values: readonly number[] | undefined): this {
    if (values === undefined || values.length === 0) return this;
    const packed = new Uint8Array(values.length * 10);
    let end = 0;
    for (const value of values) end = writeVarint(packed, end, value | 0, value < 0 ? -1 : 0);
    return this.message(field, packed.subarray(0, end));
  }

  /** A message with nothing but the number: a zero is written as a message of no bytes, undefined is not written. */
  nullableInt(field: number, value: number | bigint | undefined): this {
    return value === undefined ? this : this.message(field, new Writer().int64(1, value).view());
  }

  /** A message with nothing but the boolean: false is written as a message of no bytes, undefined is not written. */
  nullableBool(field: number, value: boolean | undefined): this {
    return value === undefined ? this : this.message(field, new Writer().bool(1, value).view());
  }

  /** A message in this one, or anything with a length; also where it has no bytes. */
  message(field: number, content: Uint8Array): this {
    this.reserve(10 + content.length);
    this.pos = writeVarint(this.out, this.pos, (field << 3) | 2, 0);
    this.pos = writeVarint(this.out, this.pos, content.length, 0);
    this.out.set(content, this.pos);
    this.pos += content.length;
    return this;
  }

  /** Fields that are written already. */
  fields(written: Uint8Array): this {
    this.reserve(written.length);
    this.out.set(written, this.pos);
    this.pos += written.length;
    return this;
  }

  /** What was written, in a buffer of its own. */
  finish(): Uint8Array {
    return this.out.slice(0, this.pos);
  }

  /** What was written, to be copied at once. */
  view(): Uint8Array {
    return this.out.subarray(0, this.pos);
  }

  private varint(field: number, low: number, high: number): this {
    if (low === 0 && high === 0) return this;
    this.reserve(15);
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

/** How many bytes a length-delimited field with a number under 16 takes; none when it is empty. */
export function delimitedSize(length: number): number {
  return length === 0 ? 0 : 1 + varintSize(length, 0) + length;
}
