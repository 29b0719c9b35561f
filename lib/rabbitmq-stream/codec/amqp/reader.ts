import { readU32 } from '../integers.js';
import { decodeText } from '../../../core/wire/text.js';
import { codes, maxDepth } from './codes.js';
import { malformed } from './malformed.js';
import { describedOf, hexOf, typedOf } from './typed.js';

/** The last millisecond, and the negative first one, that a Date can hold. */
export const lastDate = 8_640_000_000_000_000n;

/** An array of values that have no bytes can claim any number of them; so many are believed in one section. */
const maxEmptyItems = 1024;

/**
 * Reads values of AMQP 1.0 one behind the other, never beyond the end. What it gives is made anew, no view of the bytes.
 * All methods throw `ProtocolError` where the bytes are malformed.
 */
export class ValueReader {
  private end: number;
  private view: DataView | undefined;
  private emptyItems = 0;

  constructor(
    private readonly bytes: Uint8Array,
    private pos: number,
  ) {
    this.end = bytes.length;
  }

  /** The next value, whatever it is. */
  value(depth = 0): unknown {
    return this.valueOf(this.bytes[this.take(1)]!, depth);
  }

  /** The items of a list. */
  list(): unknown[] {
    const at = this.pos;
    const code = this.bytes[this.take(1)]!;
    if (code === codes.list0) return [];
    if (code === codes.list8) return this.items(1, 0);
    if (code === codes.list32) return this.items(4, 0);
    throw malformed(`there is a value of type ${hex(code)} where a list should be`, at);
  }

  /** A map whose keys are names. Keys that are neither strings nor symbols are given as strings. */
  fields(): Map<string, unknown> {
    const at = this.pos;
    const code = this.bytes[this.take(1)]!;
    if (code !== codes.map8 && code !== codes.map32) {
      throw malformed(`there is a value of type ${hex(code)} where a map should be`, at);
    }
    const fields = new Map<string, unknown>();
    const width = code === codes.map8 ? 1 : 4;
    const outer = this.open(width);
    for (let pairs = this.pairs(width); pairs > 0; pairs--) {
      const keyAt = this.pos;
      const key = this.value(1);
      if (typeof key === 'object' && key !== null) throw malformed('the key of a map is no name', keyAt);
      fields.set(String(key), this.value(1));
    }
    this.close(outer);
    return fields;
  }

  private valueOf(code: number, depth: number): unknown {
    const { bytes } = this;
    switch (code) {
      case codes.null:
        return null;
      case codes.true:
        return true;
      case codes.false:
        return false;
      case codes.boolean:
        return this.boolean();
      case codes.uint0:
        return 0;
      case codes.ubyte:
      case codes.smallUint:
        return bytes[this.take(1)]!;
      case codes.byte:
      case codes.smallInt:
        return (bytes[this.take(1)]! << 24) >> 24;
      case codes.ushort:
        return this.uint16();
      case codes.short:
        return (this.uint16() << 16) >> 16;
      case codes.uint:
        return this.uint32();
      case codes.int:
        return this.uint32() | 0;
      case codes.ulong0:
        return 0n;
      case codes.smallUlong:
        return BigInt(bytes[this.take(1)]!);
      case codes.smallLong:
        return BigInt((bytes[this.take(1)]! << 24) >> 24);
      case codes.ulong:
        return this.dataView().getBigUint64(this.take(8));
      case codes.long:
        return this.dataView().getBigInt64(this.take(8));
      case codes.float:
        return this.dataView().getFloat32(this.take(4));
      case codes.double:
        return this.dataView().getFloat64(this.take(8));
      case codes.char:
        return this.char();
      case codes.timestamp:
        return this.timestamp();
      case codes.uuid:
        return this.uuid();
      case codes.decimal32:
        return typedOf('decimal32', this.copy(4));
      case codes.decimal64:
        return typedOf('decimal64', this.copy(8));
      case codes.decimal128:
        return typedOf('decimal128', this.copy(16));
      case codes.binary8:
        return this.copy(bytes[this.take(1)]!);
      case codes.binary32:
        return this.copy(this.uint32());
      case codes.string8:
      case codes.symbol8:
        return this.text(bytes[this.take(1)]!);
      case codes.string32:
      case codes.symbol32:
        return this.text(this.uint32());
      default:
        return this.compound(code, depth);
    }
  }

  private compound(code: number, depth: number): unknown {
    if (depth >= maxDepth) throw malformed(`values lie in each other more than ${String(maxDepth)} deep`, this.pos);
    switch (code) {
      case codes.described: {
        const descriptor = this.value(depth + 1);
        return describedOf(descriptor, this.value(depth + 1));
      }
      case codes.list0:
        return [];
      case codes.list8:
        return this.items(1, depth);
      case codes.list32:
        return this.items(4, depth);
      case codes.map8:
        return this.map(1, depth);
      case codes.map32:
        return this.map(4, depth);
      case codes.array8:
        return this.array(1, depth);
      case codes.array32:
        return this.array(4, depth);
      default:
        throw malformed(`there is no type ${hex(code)}`, this.pos - 1);
    }
  }

  private items(width: number, depth: number): unknown[] {
    const outer = this.open(width);
    const items: unknown[] = [];
    for (let count = this.count(width); count > 0; count--) items.push(this.value(depth + 1));
    this.close(outer);
    return items;
  }

  private map(width: number, depth: number): Map<unknown, unknown> {
    const outer = this.open(width);
    const map = new Map<unknown, unknown>();
    for (let pairs = this.pairs(width); pairs > 0; pairs--) {
      const key = this.value(depth + 1);
      map.set(key, this.value(depth + 1));
    }
    this.close(outer);
    return map;
  }

  /** Values of one type, which is said once. */
  private array(width: number, depth: number): unknown[] {
    const outer = this.open(width);
    const count = this.uint(width);
    const descriptors: unknown[] = [];
    let code = this.bytes[this.take(1)]!;
    while (code === codes.described) {
      if (depth + descriptors.length >= maxDepth) throw malformed('an array has too many descriptors', this.pos);
      descriptors.unshift(this.value(depth + 1));
      code = this.bytes[this.take(1)]!;
    }
    const empty = code >>> 4 === codes.null >>> 4;
    if (empty) this.emptyItems += count;
    if (empty ? this.emptyItems > maxEmptyItems : count > this.end - this.pos) {
      throw malformed(`an array has no room for ${String(count)} items`, this.pos);
    }
    const items: unknown[] = [];
    for (let i = 0; i < count; i++) {
      let item = this.valueOf(code, depth + 1);
      for (const descriptor of descriptors) item = describedOf(descriptor, item);
      items.push(item);
    }
    this.close(outer);
    return items;
  }

  /** Enters a compound, whose end becomes the reader's; gives the end to go back to. */
  private open(width: number): number {
    const at = this.pos;
    const size = this.uint(width);
    const outer = this.end;
    if (size > outer - this.pos) throw malformed(`a value of ${String(size)} bytes ends behind what it is in`, at);
    this.end = this.pos + size;
    return outer;
  }

  private close(outer: number): void {
    if (this.pos !== this.end) throw malformed('a value is longer than what is in it', this.pos);
    this.end = outer;
  }

  /** How many values follow: each has at least one byte. */
  private count(width: number): number {
    const count = this.uint(width);
    if (count > this.end - this.pos) throw malformed(`there is no room for ${String(count)} values`, this.pos);
    return count;
  }

  private pairs(width: number): number {
    const count = this.count(width);
    if (count % 2 !== 0) throw malformed('a map has a key without a value', this.pos);
    return count / 2;
  }

  private boolean(): boolean {
    const at = this.take(1);
    const byte = this.bytes[at]!;
    if (byte > 1) throw malformed(`a boolean is ${hex(byte)}`, at);
    return byte === 1;
  }

  private char(): string {
    const at = this.take(4);
    const point = readU32(this.bytes, at);
    if (point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) throw malformed('a char is no character', at);
    return String.fromCodePoint(point);
  }

  private timestamp(): unknown {
    const ms = this.dataView().getBigInt64(this.take(8));
    return ms >= -lastDate && ms <= lastDate ? new Date(Number(ms)) : typedOf('timestamp', ms);
  }

  private uuid(): unknown {
    const at = this.take(16);
    const part = (from: number, to: number): string => hexOf(this.bytes, at + from, at + to);
    return typedOf('uuid', [part(0, 4), part(4, 6), part(6, 8), part(8, 10), part(10, 16)].join('-'));
  }

  private text(length: number): string {
    const at = this.take(length);
    return decodeText(this.bytes, at, at + length);
  }

  private copy(length: number): Uint8Array {
    const at = this.take(length);
    const copy = new Uint8Array(length);
    copy.set(this.bytes.subarray(at, at + length));
    return copy;
  }

  private uint(width: number): number {
    return width === 1 ? this.bytes[this.take(1)]! : this.uint32();
  }

  private uint16(): number {
    const at = this.take(2);
    return (this.bytes[at]! << 8) | this.bytes[at + 1]!;
  }

  private uint32(): number {
    return readU32(this.bytes, this.take(4));
  }

  private dataView(): DataView {
    const { buffer, byteOffset, byteLength } = this.bytes;
    return (this.view ??= new DataView(buffer, byteOffset, byteLength));
  }

  /** Goes past that many bytes and gives the position of the first. */
  private take(length: number): number {
    const at = this.pos;
    if (length > this.end - at) throw malformed('a value ends behind what it is in', at);
    this.pos = at + length;
    return at;
  }
}

function hex(code: number): string {
  return `0x${code.toString(16).padStart(2, '0')}`;
}
