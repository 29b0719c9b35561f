import { codes, maxDepth } from './codes.js';
import { isBytes, isDate, isMap, isPlain } from './kinds.js';
import { unwritable } from './malformed.js';
import { nameOf, PrimitiveWriter } from './primitive-writer.js';
import { isAscii } from './text.js';
import { isDescribed, isTyped, type AmqpTyped } from './typed.js';
import type { AmqpFields } from './types.js';

const longFrom = -(1n << 63n);
const ulongFrom = 1n << 63n;
const ulongTo = 1n << 64n;

const accepted =
  'a string, number, bigint, boolean, Uint8Array, Date, null, array, Map, plain object, or what amqpType() gives';

/**
 * Writes values of AMQP 1.0 one behind the other, in the shortest form of their type. Where a value has no form it
 * throws `InvalidOptionError`, which names it: as `parent.key`.
 */
export class ValueWriter extends PrimitiveWriter {
  /** A map of names and values, without those that are undefined; gives how many there are. */
  fields(name: string, fields: AmqpFields, keys: 'symbols' | 'strings', depth = 0): number {
    const start = this.open();
    let count = 0;
    if (isPlain(fields)) {
      for (const key of Object.keys(fields)) {
        const value = fields[key];
        if (value === undefined) continue;
        this.field(name, key, value, keys, depth);
        count++;
      }
    } else {
      if (!isMap(fields)) throw unwritable(name, 'a Map or a plain object', fields);
      for (const [key, value] of fields) {
        if (value === undefined) continue;
        if (typeof key !== 'string') throw unwritable(`a key of ${name}`, 'a string', key);
        this.field(name, key, value, keys, depth);
        count++;
      }
    }
    this.close(start, codes.map8, count * 2);
    return count;
  }

  /** Any value. */
  value(value: unknown, parent: string, key: string | number, depth = 0): void {
    switch (typeof value) {
      case 'string':
        return this.string(value, parent, key);
      case 'number':
        return this.number(value);
      case 'boolean':
        return this.code(value ? codes.true : codes.false);
      case 'bigint':
        if (value < longFrom || value >= ulongTo) {
          throw unwritable(nameOf(parent, key), 'a bigint that fits into 64 bits', value);
        }
        return value < ulongFrom ? this.long(value) : this.ulong(value);
      case 'object':
        return value === null ? this.code(codes.null) : this.object(value, parent, key, depth);
      default:
        throw unwritable(nameOf(parent, key), accepted, value);
    }
  }

  /** The items of a list. */
  list(items: readonly unknown[], name: string, depth = 0): void {
    if (items.length === 0) return this.code(codes.list0);
    const start = this.open();
    for (let i = 0; i < items.length; i++) this.value(items[i], name, i, depth + 1);
    this.close(start, codes.list8, items.length);
  }

  typed(typed: AmqpTyped): void {
    const { type } = typed;
    // what amqpType has checked
    const value = typed.value as never;
    switch (type) {
      case 'ubyte':
        return this.ubyte(value);
      case 'byte':
        return this.fixed8(codes.byte, value);
      case 'ushort':
        return this.fixed16(codes.ushort, value);
      case 'short':
        return this.fixed16(codes.short, value);
      case 'uint':
        return this.uint(value);
      case 'int':
        return this.int(value);
      case 'ulong':
        return this.ulong(value);
      case 'long':
        return this.long(value);
      case 'float':
        return this.float(value);
      case 'double':
        return this.double(value);
      case 'char':
        return this.char((value as string).codePointAt(0)!);
      case 'timestamp':
        return this.timestamp(value);
      case 'uuid':
        return this.uuid(value);
      case 'symbol':
        return this.symbol(value, '', '');
      case 'decimal32':
        return this.raw(codes.decimal32, value);
      case 'decimal64':
        return this.raw(codes.decimal64, value);
      case 'decimal128':
        return this.raw(codes.decimal128, value);
    }
  }

  private field(name: string, key: string, value: unknown, keys: 'symbols' | 'strings', depth: number): void {
    if (keys === 'strings') this.string(key, name, key);
    else if (isAscii(key)) this.ascii(key);
    else throw unwritable(`a key of ${name}`, 'a string of ASCII characters', key);
    this.value(value, name, key, depth + 1);
  }

  private number(value: number): void {
    if ((value | 0) === value && !Object.is(value, -0)) return this.int(value);
    if (Number.isSafeInteger(value) && value !== 0) return this.long(BigInt(value));
    this.double(value);
  }

  private object(value: object, parent: string, key: string | number, depth: number): void {
    if (isBytes(value)) return this.binary(value);
    if (isTyped(value)) return this.typed(value);
    if (isDate(value)) {
      const ms = value.getTime();
      if (Number.isNaN(ms)) throw unwritable(nameOf(parent, key), 'a valid Date', value);
      return this.timestamp(BigInt(ms));
    }
    const name = nameOf(parent, key);
    if (depth >= maxDepth) throw unwritable(name, `at most ${String(maxDepth)} deep, and no circle`, value);
    if (Array.isArray(value)) return this.list(value, name, depth);
    if (isPlain(value)) return void this.fields(name, value, 'strings', depth);
    if (isMap(value)) return this.map(value, name, depth);
    if (isDescribed(value)) {
      this.code(codes.described);
      const { descriptor } = value;
      if (typeof descriptor === 'string') this.symbol(descriptor, name, 'descriptor');
      else if (typeof descriptor === 'bigint' && descriptor >= 0n && descriptor < ulongTo) this.ulong(descriptor);
      else this.value(descriptor, name, 'descriptor', depth + 1);
      return this.value(value.value, name, 'value', depth + 1);
    }
    throw unwritable(name, accepted, value);
  }

  /** A map whose keys can be of any type. */
  private map(map: ReadonlyMap<unknown, unknown>, name: string, depth: number): void {
    const start = this.open();
    let count = 0;
    for (const [key, value] of map) {
      if (value === undefined) continue;
      this.value(key, `a key of ${name}`, '', depth + 1);
      this.value(value, name, typeof key === 'string' ? key : String(count / 2), depth + 1);
      count += 2;
    }
    this.close(start, codes.map8, count);
  }
}
