import { codes } from './codes.js';
import { unwritable } from './malformed.js';
import { isAscii, isWellFormed, writeText } from './text.js';

const firstBytes = 1024;
/** The head of a short compound: its type, size and count, a byte each; a long one has 4 bytes for the last two. */
const shortHead = 3;
const longHead = 9;

/** Writes the primitive values of AMQP 1.0, each in its shortest form, and the heads and ends of compound ones. */
export class PrimitiveWriter {
  bytes = new Uint8Array(firstBytes);
  pos = 0;
  private view = new DataView(this.bytes.buffer);

  /** The descriptor that a section begins with. */
  section(section: number): void {
    this.ensure(3);
    this.bytes[this.pos++] = codes.described;
    this.bytes[this.pos++] = codes.smallUlong;
    this.bytes[this.pos++] = section;
  }

  /** Begins a compound whose size is not known yet. To be closed with what this gives. */
  open(): number {
    this.ensure(shortHead);
    this.pos += shortHead;
    return this.pos;
  }

  /**
   * Ends a compound.
   * @param code - of its short form; that of the long one is 0x10 more
   */
  close(start: number, code: number, count: number): void {
    const { pos } = this;
    const length = pos - start;
    if (length < 0xff && count <= 0xff) {
      this.bytes[start - 3] = code;
      this.bytes[start - 2] = length + 1;
      this.bytes[start - 1] = count;
      return;
    }
    const more = longHead - shortHead;
    this.ensure(more);
    this.bytes.copyWithin(start + more, start, pos);
    this.bytes[start - shortHead] = code + 0x10;
    this.view.setUint32(start - 2, length + 4);
    this.view.setUint32(start + 2, count);
    this.pos = pos + more;
  }

  code(code: number): void {
    this.ensure(1);
    this.bytes[this.pos++] = code;
  }

  string(text: string, parent: string, key: string | number): void {
    const longest = text.length * 3;
    this.ensure(5 + longest);
    // the length comes first and is known last
    const start = this.pos + (longest > 0xff ? 5 : 2);
    let end = writeText(this.bytes, start, text);
    const length = end - start;
    if (length !== text.length && !isWellFormed(text)) {
      throw unwritable(nameOf(parent, key), 'a string that UTF-8 can hold, without half of a surrogate pair', text);
    }
    if (longest > 0xff && length <= 0xff) {
      this.bytes.copyWithin(this.pos + 2, start, end);
      end = this.pos + 2 + length;
    }
    this.head(codes.string8, length);
    this.pos = end;
  }

  symbol(text: string, parent: string, key: string | number): void {
    if (!isAscii(text)) throw unwritable(nameOf(parent, key), 'a string of ASCII characters', text);
    this.ascii(text);
  }

  binary(bytes: Uint8Array): void {
    this.ensure(5 + bytes.length);
    this.head(codes.binary8, bytes.length);
    this.bytes.set(bytes, this.pos);
    this.pos += bytes.length;
  }

  ubyte(value: number): void {
    this.fixed8(codes.ubyte, value);
  }

  /** Always with four bytes, as there are readers of group-sequence that expect no other form. */
  uint(value: number): void {
    this.ensure(5);
    this.bytes[this.pos] = codes.uint;
    this.view.setUint32(this.pos + 1, value);
    this.pos += 5;
  }

  /** The short form only up to 127: there are readers that take its byte as signed. */
  ulong(value: bigint): void {
    if (value === 0n) return this.code(codes.ulong0);
    if (value <= 0x7fn) return this.fixed8(codes.smallUlong, Number(value));
    this.ensure(9);
    this.bytes[this.pos] = codes.ulong;
    this.view.setBigUint64(this.pos + 1, value);
    this.pos += 9;
  }

  /** Milliseconds since the Unix epoch. */
  timestamp(ms: bigint): void {
    this.ensure(9);
    this.bytes[this.pos] = codes.timestamp;
    this.view.setBigInt64(this.pos + 1, ms);
    this.pos += 9;
  }

  uuid(uuid: string): void {
    this.ensure(17);
    this.bytes[this.pos++] = codes.uuid;
    const digits = uuid.replaceAll('-', '');
    for (let i = 0; i < digits.length; i += 2) this.bytes[this.pos++] = parseInt(digits.slice(i, i + 2), 16);
  }

  /** A string that is ASCII, as a symbol. */
  ascii(symbol: string): void {
    this.ensure(5 + symbol.length * 3);
    this.head(codes.symbol8, symbol.length);
    this.pos = writeText(this.bytes, this.pos, symbol);
  }

  int(value: number): void {
    if (value >= -0x80 && value <= 0x7f) return this.fixed8(codes.smallInt, value);
    this.ensure(5);
    this.bytes[this.pos] = codes.int;
    this.view.setInt32(this.pos + 1, value);
    this.pos += 5;
  }

  long(value: bigint): void {
    if (value >= -0x80n && value <= 0x7fn) return this.fixed8(codes.smallLong, Number(value));
    this.ensure(9);
    this.bytes[this.pos] = codes.long;
    this.view.setBigInt64(this.pos + 1, value);
    this.pos += 9;
  }

  double(value: number): void {
    this.ensure(9);
    this.bytes[this.pos] = codes.double;
    this.view.setFloat64(this.pos + 1, value);
    this.pos += 9;
  }

  float(value: number): void {
    this.ensure(5);
    this.bytes[this.pos] = codes.float;
    this.view.setFloat32(this.pos + 1, value);
    this.pos += 5;
  }

  char(point: number): void {
    this.uint(point);
    this.bytes[this.pos - 5] = codes.char;
  }

  fixed8(code: number, value: number): void {
    this.ensure(2);
    this.bytes[this.pos++] = code;
    this.bytes[this.pos++] = value;
  }

  fixed16(code: number, value: number): void {
    this.ensure(3);
    this.bytes[this.pos] = code;
    this.view.setInt16(this.pos + 1, value);
    this.pos += 3;
  }

  raw(code: number, value: Uint8Array): void {
    this.code(code);
    this.ensure(value.length);
    this.bytes.set(value, this.pos);
    this.pos += value.length;
  }

  /** A type of variable length, in its short or long form, and the length. There must be room. */
  private head(shortCode: number, length: number): void {
    if (length <= 0xff) {
      this.bytes[this.pos] = shortCode;
      this.bytes[this.pos + 1] = length;
      this.pos += 2;
    } else {
      this.bytes[this.pos] = shortCode + 0x10;
      this.view.setUint32(this.pos + 1, length);
      this.pos += 5;
    }
  }

  private ensure(length: number): void {
    const needed = this.pos + length;
    if (needed <= this.bytes.length) return;
    const larger = new Uint8Array(Math.max(needed, this.bytes.length * 2));
    larger.set(this.bytes.subarray(0, this.pos));
    this.bytes = larger;
    this.view = new DataView(larger.buffer);
  }
}

/** A value as errors name it. */
export function nameOf(parent: string, key: string | number): string {
  if (key === '') return parent;
  return typeof key === 'number' ? `${parent}[${String(key)}]` : `${parent}.${key}`;
}
