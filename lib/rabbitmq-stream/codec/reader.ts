import { readId, readU32 } from './integers.js';
import { malformed } from './malformed.js';
import { decodeText } from '../../core/wire/text.js';

/**
 * Reads the fields of one frame in their order, never beyond its end. All methods throw `ProtocolError` where the frame
 * is malformed. Bytes after the last field that is known are nobody's: a later broker may add fields.
 */
export class Reader {
  /** Where the next field begins, in `bytes`. */
  pos: number;

  /**
   * @param bytes - what the frame is a part of
   * @param start - its first byte
   * @param end - the byte behind its last
   * @param frame - what it is called in errors
   */
  constructor(
    readonly bytes: Uint8Array,
    readonly start: number,
    readonly end: number,
    readonly frame: string,
  ) {
    this.pos = start;
  }

  /** How many bytes were not read yet. */
  get remaining(): number {
    return this.end - this.pos;
  }

  u8(): number {
    return this.bytes[this.take(1)]!;
  }

  /** 0 or 1. */
  bool(): boolean {
    const value = this.u8();
    if (value > 1) throw this.error(`${String(value)} where 0 or 1 should be`, this.pos - 1);
    return value === 1;
  }

  u16(): number {
    const at = this.take(2);
    return (this.bytes[at]! << 8) | this.bytes[at + 1]!;
  }

  i16(): number {
    return (this.u16() << 16) >> 16;
  }

  u32(): number {
    return readU32(this.bytes, this.take(4));
  }

  /** 64 bits as a number where that is exact, else as a bigint. */
  id(): number | bigint {
    return readId(this.bytes, this.take(8));
  }

  u64(): bigint {
    return BigInt(this.id());
  }

  i64(): bigint {
    return BigInt.asIntN(64, this.u64());
  }

  string(): string {
    const at = this.pos;
    const text = this.nullableString();
    if (text === null) throw this.error('no string where there has to be one', at);
    return text;
  }

  nullableString(): string | null {
    const at = this.pos;
    const length = this.i16();
    if (length === -1) return null;
    if (length < 0 || length > this.remaining) throw this.tooLong('a string', length, at);
    const start = this.take(length);
    return decodeText(this.bytes, start, this.pos);
  }

  /** A view, no copy; null where the length is -1. */
  nullableBytes(): Uint8Array | null {
    const at = this.pos;
    const length = this.u32() | 0;
    if (length === -1) return null;
    if (length < 0 || length > this.remaining) throw this.tooLong('a byte array', length, at);
    const start = this.take(length);
    return this.bytes.subarray(start, this.pos);
  }

  /**
   * How many elements an array has. A count that the rest of the frame has no room for is refused here, before anybody
   * makes room for so many.
   * @param least - how many bytes an element has at least
   */
  count(least: number): number {
    const at = this.pos;
    const count = this.u32();
    if (count * least > this.remaining) {
      throw this.error(`an array of ${String(count)} in ${String(this.remaining)} bytes`, at);
    }
    return count;
  }

  /**
   * An array.
   * @param least - how many bytes an element has at least
   * @param read - reads one element
   */
  array<T>(least: number, read: (reader: Reader) => T): T[] {
    const items: T[] = [];
    for (let count = this.count(least); count > 0; count--) items.push(read(this));
    return items;
  }

  /** Names and values; the last of a name counts. */
  map(): Map<string, string> {
    const map = new Map<string, string>();
    for (let count = this.count(4); count > 0; count--) {
      const name = this.string();
      map.set(name, this.string());
    }
    return map;
  }

  /** The error of what was read at a position of `bytes`; default: of what comes next. */
  error(problem: string, at = this.pos): Error {
    return malformed(this.frame, problem, at - this.start, this.end - this.start);
  }

  private take(size: number): number {
    const at = this.pos;
    if (size > this.end - at) throw this.error('it ends inside a field');
    this.pos = at + size;
    return at;
  }

  private tooLong(what: string, length: number, at: number): Error {
    return this.error(`the length of ${what} is ${String(length)}, with ${String(this.remaining)} bytes left`, at);
  }
}
