import fc from 'fast-check';
import { decodeMessage } from '../../../../lib/rabbitmq-stream/codec/amqp/decode.js';
import { encodeMessage } from '../../../../lib/rabbitmq-stream/codec/amqp/encode.js';
import { amqpDescribed, amqpType } from '../../../../lib/rabbitmq-stream/codec/amqp/typed.js';
import type { AmqpMessage } from '../../../../lib/rabbitmq-stream/codec/amqp/types.js';
import { hexBytes as bytesOf, toHex, utf8 } from '../bytes.js';

export { toHex, utf8 };

/** The bytes that hex digits write, with spaces where they help to read. */
export function hexBytes(hex: string): Uint8Array {
  return bytesOf(hex.replaceAll(/\s/g, ''));
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

/** The same bytes at an odd place of a larger buffer, in which other messages stand around them. */
export function amidOthers(bytes: Uint8Array): { buffer: Uint8Array; start: number; end: number } {
  const other = hexBytes('005375a00568656c6c6f');
  const buffer = concat(Uint8Array.of(0xff), other, bytes, other).subarray(1);
  return { buffer, start: other.length, end: other.length + bytes.length };
}

/** What is read of a message whose body is the value that these digits write. */
export function readValue(hex: string): unknown {
  return valueIn(decodeMessage(concat(hexBytes('005377'), hexBytes(hex))));
}

/** How a value is written. */
export function writtenValue(value: unknown): string {
  return toHex(encodeMessage({ body: { kind: 'value', value } })).replace(/^005377/, '');
}

/** What comes of a value that is written and read. */
export function carried(value: unknown): unknown {
  return valueIn(decodeMessage(encodeMessage({ body: { kind: 'value', value } })));
}

function valueIn(message: AmqpMessage): unknown {
  if (message.body.kind !== 'value') throw new Error(`the body is ${message.body.kind}`);
  return message.body.value;
}

export const binaries = fc.oneof(fc.uint8Array({ maxLength: 20 }), fc.uint8Array({ minLength: 250, maxLength: 260 }));

/** Of all planes, and around the length at which the long form begins. */
export const strings = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.string({ unit: 'binary', minLength: 60, maxLength: 130 }),
  fc.string({ unit: 'grapheme-ascii', minLength: 250, maxLength: 260 }),
);

export const symbols = fc.string({ unit: 'binary-ascii', maxLength: 40 });

export const uuids = fc.uuid({ version: [1, 2, 3, 4, 5, 6, 7, 8] }).map((uuid) => amqpType('uuid', uuid));

export const dates = fc.date({ noInvalidDate: true });

const bigints = fc.oneof(fc.bigInt({ min: -(1n << 63n), max: (1n << 64n) - 1n }), fc.bigInt({ min: -200n, max: 200n }));

const fractions = fc.double().filter((value) => !Number.isInteger(value) || Object.is(value, -0));

/** Values that come back as they were. */
export const primitives = fc.oneof(
  fc.constant(null),
  fc.boolean(),
  fc.integer(),
  fc.integer({ min: -200, max: 200 }),
  fractions,
  bigints,
  strings,
  binaries,
  dates,
  uuids,
  fc.uint8Array({ minLength: 4, maxLength: 4 }).map((bytes) => amqpType('decimal32', bytes)),
  fc.uint8Array({ minLength: 8, maxLength: 8 }).map((bytes) => amqpType('decimal64', bytes)),
  fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => amqpType('decimal128', bytes)),
);

/** The same, in each other. */
export const values: fc.Arbitrary<unknown> = fc.letrec<{ value: unknown; keys: unknown }>((tie) => ({
  keys: fc.oneof(strings, fc.integer(), bigints, fc.boolean()),
  value: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    primitives,
    // around the count at which the long form begins
    fc.integer({ min: 250, max: 260 }).map((length) => Array<null>(length).fill(null)),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.array(fc.tuple(tie('keys'), tie('value')), { maxLength: 4 }).map((entries) => new Map(entries)),
    fc.tuple(bigints, tie('value')).map(([id, value]) => amqpDescribed(BigInt.asUintN(64, id), value)),
    fc.tuple(symbols, tie('value')).map(([id, value]) => amqpDescribed(id, value)),
  ),
})).value;

function maps(keys: fc.Arbitrary<string>): fc.Arbitrary<ReadonlyMap<string, unknown>> {
  return fc.array(fc.tuple(keys, values), { minLength: 1, maxLength: 4 }).map((entries) => new Map(entries));
}

const uints = fc.nat(0xffffffff);
const messageIds = fc.oneof(strings, binaries, uuids, fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }));

/** Of these fields at least one. */
function someOf<T>(fields: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<Partial<T>> {
  return fc.record(fields, { requiredKeys: [] }).filter((made) => Object.keys(made).length > 0) as fc.Arbitrary<
    Partial<T>
  >;
}

export const headers = someOf({
  durable: fc.boolean(),
  priority: fc.nat(255),
  ttl: uints,
  firstAcquirer: fc.boolean(),
  deliveryCount: uints,
});

export const properties = someOf({
  messageId: messageIds,
  userId: binaries,
  to: strings,
  subject: strings,
  replyTo: strings,
  correlationId: messageIds,
  contentType: symbols,
  contentEncoding: symbols,
  absoluteExpiryTime: dates,
  creationTime: dates,
  groupId: strings,
  groupSequence: uints,
  replyToGroupId: strings,
});

/** Messages that come back as they were. */
export const messages: fc.Arbitrary<AmqpMessage> = fc.record(
  {
    header: headers,
    deliveryAnnotations: maps(symbols),
    messageAnnotations: maps(symbols),
    properties,
    applicationProperties: maps(strings),
    body: fc.oneof(
      binaries.map((data) => ({ kind: 'data' as const, data })),
      fc.array(values, { maxLength: 4 }).map((items) => ({ kind: 'sequence' as const, items })),
      values.map((value) => ({ kind: 'value' as const, value })),
    ),
    footer: maps(symbols),
  },
  { requiredKeys: ['body'] },
);
