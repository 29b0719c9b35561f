import { codes, sections } from './codes.js';
import { isBytes, isDate } from './kinds.js';
import { malformed, unwritable } from './malformed.js';
import { lastDate, type ValueReader } from './reader.js';
import { isTyped, type AmqpUuid } from './typed.js';
import type { AmqpHeader, AmqpProperties } from './types.js';
import type { ValueWriter } from './writer.js';

/** What a field of the header or of the properties is. */
type Kind = 'boolean' | 'ubyte' | 'uint' | 'string' | 'symbol' | 'binary' | 'timestamp' | 'messageId';

/** A section that is a list of fields, each in its place. */
class Composite<T = object> {
  readonly names: ReadonlySet<string>;

  constructor(
    readonly name: string,
    readonly section: number,
    readonly fields: readonly (readonly [name: keyof T & string, kind: Kind])[],
  ) {
    this.names = new Set(fields.map(([field]) => field));
  }
}

export const headerSection = new Composite<AmqpHeader>('header', sections.header, [
  ['durable', 'boolean'],
  ['priority', 'ubyte'],
  ['ttl', 'uint'],
  ['firstAcquirer', 'boolean'],
  ['deliveryCount', 'uint'],
]);

export const propertiesSection = new Composite<AmqpProperties>('properties', sections.properties, [
  ['messageId', 'messageId'],
  ['userId', 'binary'],
  ['to', 'string'],
  ['subject', 'string'],
  ['replyTo', 'string'],
  ['correlationId', 'messageId'],
  ['contentType', 'symbol'],
  ['contentEncoding', 'symbol'],
  ['absoluteExpiryTime', 'timestamp'],
  ['creationTime', 'timestamp'],
  ['groupId', 'string'],
  ['groupSequence', 'uint'],
  ['replyToGroupId', 'string'],
]);

/** Fields by name; those that are absent or null are left out. Throws `ProtocolError`. */
export function readComposite<T>(reader: ValueReader, composite: Composite<T>, at: number): T {
  const made: Partial<Record<keyof T, unknown>> = {};
  const items = reader.list();
  const { fields } = composite;
  for (let i = 0; i < items.length && i < fields.length; i++) {
    const item = items[i];
    if (item === null) continue;
    const [name, kind] = fields[i]!;
    const value = readAs(kind, item);
    if (value === undefined) throw malformed(`${composite.name}.${name} is of another type than ${kind}`, at);
    made[name] = value;
  }
  return made as T;
}

/** Writes the section, or nothing where no field is defined. Throws `InvalidOptionError`. */
export function writeComposite<T extends object>(writer: ValueWriter, composite: Composite<T>, values: T): void {
  const { name, fields } = composite;
  if (typeof values !== 'object' || values === null) throw unwritable(name, 'an object', values);
  for (const key in values) {
    if (!composite.names.has(key))
      throw unwritable(`a field of ${name}`, `one of ${[...composite.names].join(', ')}`, key);
  }
  const before = writer.pos;
  writer.section(composite.section);
  const start = writer.open();
  let count = 0;
  for (let i = 0; i < fields.length; i++) {
    const [key, kind] = fields[i]!;
    const value = values[key];
    if (value === undefined) continue;
    for (; count < i; count++) writer.code(codes.null);
    writeAs(writer, kind, value, name, key);
    count++;
  }
  if (count === 0) writer.pos = before;
  else writer.close(start, codes.list8, count);
}

/** The value as the field has it; undefined if it is none. Peers differ in which of the like types they write. */
function readAs(kind: Kind, value: unknown): unknown {
  switch (kind) {
    case 'boolean':
      return typeof value === 'boolean' ? value : undefined;
    case 'ubyte':
    case 'uint':
      return (typeof value === 'number' || typeof value === 'bigint') && value >= 0 ? Number(value) : undefined;
    case 'string':
    case 'symbol':
      return typeof value === 'string' ? value : undefined;
    case 'binary':
      return value instanceof Uint8Array ? value : undefined;
    case 'timestamp':
      if (value instanceof Date) return value;
      if (typeof value !== 'object' || value === null || !isTyped(value) || value.type !== 'timestamp')
        return undefined;
      return new Date(Number((value.value as bigint) < 0n ? -lastDate : lastDate));
    case 'messageId':
      if (typeof value === 'string' || typeof value === 'bigint' || value instanceof Uint8Array) return value;
      if (Number.isInteger(value)) return BigInt(value as number);
      return isUuid(value) ? value : undefined;
  }
}

function writeAs(writer: ValueWriter, kind: Kind, value: unknown, parent: string, key: string): void {
  const refuse = (accepts: string): Error => unwritable(`${parent}.${key}`, accepts, value);
  switch (kind) {
    case 'boolean':
      if (typeof value !== 'boolean') throw refuse('a boolean');
      return writer.code(value ? codes.true : codes.false);
    case 'ubyte':
      if (!isUnsigned(value, 0xff)) throw refuse('an integer from 0 to 255');
      return writer.ubyte(value);
    case 'uint':
      if (!isUnsigned(value, 0xffffffff)) throw refuse('an integer from 0 to 4294967295');
      return writer.uint(value);
    case 'string':
      if (typeof value !== 'string') throw refuse('a string');
      return writer.string(value, parent, key);
    case 'symbol':
      if (typeof value !== 'string') throw refuse('a string of ASCII characters');
      return writer.symbol(value, parent, key);
    case 'binary':
      if (!isBytes(value)) throw refuse('a Uint8Array');
      return writer.binary(value);
    case 'timestamp':
      if (typeof value !== 'object' || value === null || !isDate(value) || Number.isNaN(value.getTime()))
        throw refuse('a valid Date');
      return writer.timestamp(BigInt(value.getTime()));
    case 'messageId':
      if (typeof value === 'string') return writer.string(value, parent, key);
      if (isBytes(value)) return writer.binary(value);
      if (typeof value === 'bigint' && value >= 0n && value < 1n << 64n) return writer.ulong(value);
      if (isUuid(value)) return writer.typed(value);
      throw refuse("a string, a Uint8Array, an unsigned bigint of 64 bits, or amqpType('uuid', …)");
  }
}

function isUnsigned(value: unknown, to: number): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= to;
}

function isUuid(value: unknown): value is AmqpUuid {
  return typeof value === 'object' && value !== null && isTyped(value) && value.type === 'uuid';
}
