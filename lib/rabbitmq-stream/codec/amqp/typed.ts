import { InvalidOptionError } from '../../../core/errors.js';
import { isBytes, isDate } from './kinds.js';
import { unwritable } from './malformed.js';

/** The types of AMQP 1.0 that JavaScript has no value for, and what their values are here. */
export interface AmqpTypes {
  ubyte: number;
  ushort: number;
  uint: number;
  ulong: bigint;
  byte: number;
  short: number;
  int: number;
  long: bigint;
  float: number;
  double: number;
  /** One Unicode character. */
  char: string;
  /** Milliseconds since the Unix epoch, signed 64 bit: more than a Date can hold. */
  timestamp: bigint;
  /** As in `0f0e0d0c-0b0a-0908-0706-050403020100`. */
  uuid: string;
  /** ASCII. */
  symbol: string;
  /** IEEE 754-2008, 4 bytes. */
  decimal32: Uint8Array;
  /** IEEE 754-2008, 8 bytes. */
  decimal64: Uint8Array;
  /** IEEE 754-2008, 16 bytes. */
  decimal128: Uint8Array;
}

export type AmqpTypeName = keyof AmqpTypes;

/** What `amqpType` takes where that is more than it gives. */
export interface AmqpTypeInputs extends Omit<AmqpTypes, 'ulong' | 'long' | 'timestamp'> {
  ulong: number | bigint;
  long: number | bigint;
  timestamp: Date | number | bigint;
}

/** A value of which is said how it is written. Made by `amqpType`. */
export interface AmqpTyped<T extends AmqpTypeName = AmqpTypeName> {
  readonly type: T;
  readonly value: AmqpTypes[T];
  /** The value as text; the bytes of a decimal in hex. */
  toString(): string;
  toJSON(): string | number;
}

/** A uuid, as distinct from a string or from 16 bytes. */
export type AmqpUuid = AmqpTyped<'uuid'>;

/** A value of a type that its descriptor names. */
export interface AmqpDescribed {
  /** A bigint, or a string where the descriptor is a symbol. */
  readonly descriptor: unknown;
  readonly value: unknown;
}

const typedBrand = Symbol.for('rx-weir.amqp.typed');
const describedBrand = Symbol.for('rx-weir.amqp.described');

class TypedValue<T extends AmqpTypeName> implements AmqpTyped<T> {
  constructor(
    readonly type: T,
    readonly value: AmqpTypes[T],
  ) {}

  get [typedBrand](): true {
    return true;
  }

  toString(): string {
    const value: string | number | bigint | Uint8Array = this.value;
    return value instanceof Uint8Array ? hexOf(value, 0, value.length) : String(value);
  }

  toJSON(): string | number {
    return typeof this.value === 'number' ? this.value : this.toString();
  }
}

class DescribedValue implements AmqpDescribed {
  constructor(
    readonly descriptor: unknown,
    readonly value: unknown,
  ) {}

  get [describedBrand](): true {
    return true;
  }
}

/**
 * Says as which type of AMQP 1.0 a value is written, where that is to be another than the value itself says.
 *
 * @example
 * ```ts
 * const message = {
 *   body,
 *   properties: { messageId: amqpType('uuid', '0f0e0d0c-0b0a-0908-0706-050403020100') },
 *   applicationProperties: { retries: amqpType('ubyte', 3) },
 * };
 * ```
 * @throws InvalidOptionError if there is no such type, or the value is none of it
 */
export function amqpType<T extends AmqpTypeName>(type: T, value: AmqpTypeInputs[T]): AmqpTyped<T> {
  const rule = Object.hasOwn(rules, type) ? rules[type] : undefined;
  if (rule === undefined) {
    throw new InvalidOptionError(
      `there is no AMQP type '${type}' for amqpType; it takes ${Object.keys(rules).join(', ')}. ` +
        'Strings, booleans, binary, lists and maps are given as they are',
      { broker: 'rabbitmq-stream' },
    );
  }
  const made = rule.of(value);
  if (made === undefined) throw unwritable(`the value for amqpType('${type}')`, rule.accepts, value);
  return new TypedValue(type, made as AmqpTypes[T]);
}

/**
 * A value of a type of your own, or of another specification, that its descriptor names.
 * @param descriptor - an unsigned bigint of 64 bits (written as ulong), or an ASCII string (written as symbol)
 * @throws InvalidOptionError if the descriptor is neither
 */
export function amqpDescribed(descriptor: bigint | string, value: unknown): AmqpDescribed {
  const rule = typeof descriptor === 'bigint' ? rules.ulong : rules.symbol;
  if (rule.of(descriptor) !== undefined) return new DescribedValue(descriptor, value);
  throw unwritable('the descriptor for amqpDescribed', 'an unsigned bigint of 64 bits, or an ASCII string', descriptor);
}

/** A typed value without a check, for what was read. @internal */
export function typedOf<T extends AmqpTypeName>(type: T, value: AmqpTypes[T]): AmqpTyped<T> {
  return new TypedValue(type, value);
}

/** A described value that was read. @internal */
export function describedOf(descriptor: unknown, value: unknown): AmqpDescribed {
  return new DescribedValue(descriptor, value);
}

/** Whether `amqpType` made it, also that of another copy of this package. @internal */
export function isTyped(value: object): value is AmqpTyped {
  return typedBrand in value;
}

/** Whether `amqpDescribed` made it, also that of another copy of this package. @internal */
export function isDescribed(value: object): value is AmqpDescribed {
  return describedBrand in value;
}

/** @internal */
export function hexOf(bytes: Uint8Array, start: number, end: number): string {
  let text = '';
  for (let pos = start; pos < end; pos++) text += bytes[pos]!.toString(16).padStart(2, '0');
  return text;
}

interface Rule {
  readonly accepts: string;
  /** The value as it is kept; undefined if it is none of the type. */
  readonly of: (value: unknown) => unknown;
}

const rules: Readonly<Record<AmqpTypeName, Rule>> = {
  ubyte: integer(0, 0xff),
  ushort: integer(0, 0xffff),
  uint: integer(0, 0xffffffff),
  ulong: bigInteger(0n, (1n << 64n) - 1n),
  byte: integer(-0x80, 0x7f),
  short: integer(-0x8000, 0x7fff),
  int: integer(-0x80000000, 0x7fffffff),
  long: bigInteger(-(1n << 63n), (1n << 63n) - 1n),
  float: { accepts: 'a number', of: (value) => (typeof value === 'number' ? value : undefined) },
  double: { accepts: 'a number', of: (value) => (typeof value === 'number' ? value : undefined) },
  char: {
    accepts: 'a string of one character',
    of: (value) => (typeof value === 'string' && /^\P{Surrogate}$/su.test(value) ? value : undefined),
  },
  timestamp: {
    accepts: 'a Date, or whole milliseconds since the Unix epoch that fit into 64 bits',
    of: (value) => toBigInt(msOf(value), -(1n << 63n), (1n << 63n) - 1n),
  },
  uuid: {
    accepts: 'a string of 32 hex digits in groups of 8-4-4-4-12',
    of: (value) => {
      const form = /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/i;
      return typeof value === 'string' && form.test(value) ? value.toLowerCase() : undefined;
    },
  },
  symbol: {
    accepts: 'a string of ASCII characters',
    of: (value) => (typeof value === 'string' && !/[\u0080-\uffff]/.test(value) ? value : undefined),
  },
  decimal32: bytesOf(4),
  decimal64: bytesOf(8),
  decimal128: bytesOf(16),
};

function integer(from: number, to: number): Rule {
  return {
    accepts: `an integer from ${String(from)} to ${String(to)}`,
    of: (value) => (Number.isInteger(value) && Number(value) >= from && Number(value) <= to ? value : undefined),
  };
}

function bigInteger(from: bigint, to: bigint): Rule {
  return {
    accepts: `a bigint or a safe integer from ${String(from)} to ${String(to)}`,
    of: (value) => toBigInt(value, from, to),
  };
}

function toBigInt(value: unknown, from: bigint, to: bigint): bigint | undefined {
  if (typeof value !== 'bigint' && !Number.isSafeInteger(value)) return undefined;
  const made = BigInt(value as number | bigint);
  return made >= from && made <= to ? made : undefined;
}

function msOf(value: unknown): unknown {
  return typeof value === 'object' && value !== null && isDate(value) ? value.getTime() : value;
}

function bytesOf(length: number): Rule {
  return {
    accepts: `a Uint8Array of ${String(length)} bytes`,
    of: (value) => (isBytes(value) && value.length === length ? Uint8Array.from(value) : undefined),
  };
}
