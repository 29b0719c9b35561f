import { expect } from 'chai';
import fc from 'fast-check';
import rhea from 'rhea';
import { decodeMessage } from '../../../../lib/rabbitmq-stream/codec/amqp/decode.js';
import { encodeMessage } from '../../../../lib/rabbitmq-stream/codec/amqp/encode.js';
import { amqpType, type AmqpUuid } from '../../../../lib/rabbitmq-stream/codec/amqp/typed.js';
import { binaries, dates, headers, strings, symbols, toHex, uuids } from './kit.js';

// An implementation of AMQP 1.0 that shares nothing with this one. Left out is what it does wrong: it writes a bigint as
// an empty map, loses the sign of -0 and the value of NaN, and reads 64 bits beyond 2^53 as raw bytes.
const { message: peer, types } = rhea;

/** What rhea reads as it was written; of the 64-bit integers, those that it can hold. */
const plain = fc.oneof(
  fc.constant(null),
  fc.boolean(),
  fc.integer(),
  fc.double({ noNaN: true }).filter((value) => !Number.isInteger(value)),
  strings,
  binaries.map((bytes) => Buffer.from(bytes)),
  dates,
);
const longs = fc.maxSafeInteger().map(BigInt);
/** Not `__proto__`, which is no key of the plain objects that rhea gives. */
const keys = symbols.filter((key) => key !== '__proto__');

const nested = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    plain,
    fc.array(tie('value'), { maxLength: 4 }),
    fc.array(plain, { minLength: 250, maxLength: 260 }),
    fc.dictionary(keys, tie('value'), { maxKeys: 4, noNullPrototype: true }),
  ),
})).value;

const ids = fc.oneof(
  strings,
  fc.nat(255).map(BigInt),
  fc.bigInt({ min: 0n, max: BigInt(Number.MAX_SAFE_INTEGER) }),
  uuids,
);

const propertiesOf = fc.record(
  {
    messageId: ids,
    userId: binaries.map((bytes) => Buffer.from(bytes)),
    to: strings,
    subject: strings,
    replyTo: strings,
    correlationId: ids,
    contentType: symbols,
    contentEncoding: symbols,
    absoluteExpiryTime: dates,
    creationTime: dates,
    groupId: strings,
    groupSequence: fc.nat(0xffffffff),
    replyToGroupId: strings,
  },
  { requiredKeys: [] },
);

/** rhea's names of properties and header fields, which it keeps as members of the message. */
function asPeer(fields: object): Record<string, unknown> {
  const snake = (key: string): string => key.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return Object.fromEntries(Object.entries(fields).map(([key, value]) => [snake(key), peerId(value)]));
}

/** rhea has numbers for bigints, and bytes for uuids. */
function peerId(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (typeof value === 'object' && value !== null && 'type' in value) return uuidBytes((value as AmqpUuid).value);
  return value;
}

function uuidBytes(uuid: string): Buffer {
  return Buffer.from(uuid.replaceAll('-', ''), 'hex');
}

/** Without what is null, as rhea takes that for absent. */
function present(message: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(message).filter(([key]) => key !== 'body'));
}

/** What is read of a value that rhea wrote, in its own types: maps are plain objects, 64 bits are numbers. */
function likePeer(value: unknown): unknown {
  if (value instanceof Map) {
    return Object.fromEntries([...value].map(([key, each]) => [String(key), likePeer(each)]));
  }
  if (Array.isArray(value)) return value.map(likePeer);
  if (value instanceof Uint8Array) return Buffer.from(value);
  return typeof value === 'bigint' ? Number(value) : value;
}

describe('rabbitmq-stream codec, AMQP: against rhea', () => {
  it('reads the values that we write', () => {
    fc.assert(
      fc.property(nested, (value) => {
        const read = peer.decode(Buffer.from(encodeMessage({ body: { kind: 'value', value } })));
        expect(read['body']).to.deep.equal(value === null ? null : value);
      }),
      { numRuns: 300 },
    );
  });

  it('reads the 64-bit integers that we write', () => {
    fc.assert(
      fc.property(longs, (value) => {
        const written = [value, amqpType('ulong', value < 0n ? -value : value)];
        const read = peer.decode(Buffer.from(encodeMessage({ body: { kind: 'sequence', items: written } })));
        expect(read['body'].content).to.deep.equal([Number(value), Number(value < 0n ? -value : value)]);
      }),
    );
  });

  it('reads all sections that we write', () => {
    const maps = fc.dictionary(keys, plain, { minKeys: 1, maxKeys: 3, noNullPrototype: true });
    fc.assert(
      fc.property(headers, maps, propertiesOf, binaries, (header, fields, properties, data) => {
        const read = peer.decode(
          Buffer.from(
            encodeMessage({
              header,
              deliveryAnnotations: fields,
              messageAnnotations: fields,
              properties,
              applicationProperties: fields,
              footer: fields,
              body: data,
            }),
          ),
        );
        expect(present(read)).to.deep.equal({
          ...asPeer(header),
          ...asPeer(properties),
          delivery_annotations: fields,
          message_annotations: fields,
          application_properties: fields,
          footer: fields,
        });
        expect(toHex(read['body'].content)).to.equal(toHex(data));
      }),
      { numRuns: 300 },
    );
  });

  it('writes values that we read', () => {
    fc.assert(
      fc.property(nested, (value) => {
        const { body } = decodeMessage(peer.encode({ body: value }));
        expect(likePeer((body as { value: unknown }).value)).to.deep.equal(value);
      }),
      { numRuns: 300 },
    );
  });

  it('writes each of its types so that we read it', () => {
    const list = [
      types.wrap_ubyte(200),
      types.wrap_byte(-3),
      types.wrap_ushort(60_000),
      types.wrap_short(-30_000),
      types.wrap_uint(0),
      types.wrap_uint(200),
      types.wrap_uint(4_000_000_000),
      types.wrap_int(-5),
      types.wrap_int(-2_000_000_000),
      types.wrap_ulong(0),
      types.wrap_ulong(200),
      types.wrap_ulong(2 ** 40),
      types.wrap_long(-5),
      types.wrap_long(-(2 ** 40)),
      types.wrap_float(1.5),
      types.wrap_double(-2.25),
      types.wrap_char(0x1f600),
      types.wrap_timestamp(1_700_000_000_000),
      types.wrap_uuid(uuidBytes('00010203-0405-0607-0809-0a0b0c0d0e0f')),
      types.wrap_symbol('name'),
      types.wrap_boolean(true),
      types.wrap_array([1, -1], 0x71, undefined),
      types.wrap_array(['a', 'b'], 0xa1, undefined),
      types.wrap_described([1], 42),
      types.wrap_described('x', 'name'),
    ];
    const { body } = decodeMessage(peer.encode({ body: peer.sequence_section(list) }));
    const described = [
      { descriptor: 42n, value: [1] },
      { descriptor: 'name', value: 'x' },
    ];
    expect(body).to.deep.equal({
      kind: 'sequence',
      items: [
        ...[200, -3, 60_000, -30_000, 0, 200, 4_000_000_000, -5, -2_000_000_000],
        ...[0n, 200n, 1n << 40n, -5n, -(1n << 40n), 1.5, -2.25, '😀', new Date(1_700_000_000_000)],
        ...[amqpType('uuid', '00010203-0405-0607-0809-0a0b0c0d0e0f'), 'name', true, [1, -1], ['a', 'b']],
        ...described,
      ],
    });
  });

  it('writes all sections so that we read them', () => {
    const maps = fc.dictionary(keys, plain, { minKeys: 1, maxKeys: 3, noNullPrototype: true });
    fc.assert(
      fc.property(headers, maps, propertiesOf, binaries, (header, fields, properties, data) => {
        const id = (value: unknown): unknown =>
          typeof value === 'object' && value !== null
            ? types.wrap_uuid(uuidBytes((value as AmqpUuid).value))
            : peerId(value);
        const message = {
          ...asPeer(header),
          ...asPeer(properties),
          ...('messageId' in properties && { message_id: id(properties.messageId) }),
          ...('correlationId' in properties && { correlation_id: id(properties.correlationId) }),
          delivery_annotations: fields,
          message_annotations: fields,
          application_properties: fields,
          footer: fields,
          body: peer.data_section(Buffer.from(data)),
        };
        const read = decodeMessage(peer.encode(message));
        expect(read.header).to.deep.equal(header);
        expect(read.properties).to.deep.equal(properties);
        for (const map of [
          read.deliveryAnnotations,
          read.messageAnnotations,
          read.applicationProperties,
          read.footer,
        ]) {
          expect(likePeer(map)).to.deep.equal(fields);
        }
        expect(read.body).to.deep.equal({ kind: 'data', data: Buffer.from(data) });
      }),
      { numRuns: 300 },
    );
  });

  it('writes several data sections and sequences so that we read them', () => {
    const two = peer.encode({ body: peer.data_sections([Buffer.from('ab'), Buffer.from('c')]) });
    expect((decodeMessage(two).body as { data: Uint8Array }).data).to.deep.equal(new TextEncoder().encode('abc'));
    const lists = peer.encode({ body: peer.sequence_sections([[1.5], ['x', null]]) });
    expect(decodeMessage(lists).body).to.deep.equal({ kind: 'sequence', items: [1.5, 'x', null] });
  });
});
