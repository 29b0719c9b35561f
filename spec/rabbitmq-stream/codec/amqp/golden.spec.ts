import { expect } from 'chai';
import { bodyOf } from '../../../../lib/rabbitmq-stream/codec/amqp/body.js';
import { decodeMessage } from '../../../../lib/rabbitmq-stream/codec/amqp/decode.js';
import { encodeMessage } from '../../../../lib/rabbitmq-stream/codec/amqp/encode.js';
import { amqpType } from '../../../../lib/rabbitmq-stream/codec/amqp/typed.js';
import { hexBytes, toHex, utf8 } from './kit.js';

/** Records as they were seen in streams, by who wrote them. */
const records = {
  data: '005375a00568656c6c6f',
  'rstream, a value': '005377a10568656c6c6f',
  'rhea, data': '0053704500537345005375a00568656c6c6f',
  'rstream, with all it has':
    '005372c10902a303782d61a10162005373c0110d53014040a10173404040404040404040005374c12008a101615401a10162a10178a103626' +
    '967810000010000000000a102626f5601005375a00178',
  'RabbitMQ, of an AMQP 0-9-1 message':
    '005370c006054140404143005372c13a06a30c782d62617369632d74797065a10174a30a782d65786368616e6765a100a30d782d726f75746' +
    '96e672d6b6579a10970726f746f2d303931005373c0310da1026d3140404040a1026331a3106170706c69636174696f6e2f6a736f6e404083' +
    '0000018bcfe56800a1036170704040005374c12c0aa101625601a103626967810000010000000000a10166823ff8000000000000a1026831a' +
    '10176a1016e5505005375a0077b2261223a317d',
};

function decoded(record: keyof typeof records): unknown {
  return decodeMessage(hexBytes(records[record]));
}

describe('rabbitmq-stream codec, AMQP: records of other programs', () => {
  it('a data section', () => {
    expect(decoded('data')).to.deep.equal({ body: { kind: 'data', data: utf8('hello') } });
    expect(toHex(encodeMessage({ body: utf8('hello') }))).to.equal(records.data);
  });

  it('a value', () => {
    expect(decoded('rstream, a value')).to.deep.equal({ body: { kind: 'value', value: 'hello' } });
    expect(toHex(encodeMessage({ body: { kind: 'value', value: 'hello' } }))).to.equal(records['rstream, a value']);
  });

  it('data behind an empty header and empty properties', () => {
    expect(decoded('rhea, data')).to.deep.equal({
      header: {},
      properties: {},
      body: { kind: 'data', data: utf8('hello') },
    });
  });

  it('annotations, properties and application properties of rstream', () => {
    const message = decoded('rstream, with all it has');
    expect(message).to.deep.equal({
      messageAnnotations: new Map([['x-a', 'b']]),
      properties: { messageId: 1n, subject: 's' },
      applicationProperties: new Map<string, unknown>([
        ['a', 1],
        ['b', 'x'],
        ['big', 1n << 40n],
        ['bo', true],
      ]),
      body: { kind: 'data', data: utf8('x') },
    });
  });

  it('a message that RabbitMQ took over AMQP 0-9-1', () => {
    expect(decoded('RabbitMQ, of an AMQP 0-9-1 message')).to.deep.equal({
      header: { durable: true, firstAcquirer: true, deliveryCount: 0 },
      messageAnnotations: new Map([
        ['x-basic-type', 't'],
        ['x-exchange', ''],
        ['x-routing-key', 'proto-091'],
      ]),
      properties: {
        messageId: 'm1',
        correlationId: 'c1',
        contentType: 'application/json',
        creationTime: new Date(1_700_000_000_000),
        groupId: 'app',
      },
      applicationProperties: new Map<string, unknown>([
        ['b', true],
        ['big', 1n << 40n],
        ['f', 1.5],
        ['h1', 'v'],
        ['n', 5n],
      ]),
      body: { kind: 'data', data: utf8('{"a":1}') },
    });
  });

  it('the body of each of them', () => {
    const bodies = Object.values(records).map((hex) => {
      const record = hexBytes(hex);
      return new TextDecoder().decode(bodyOf(record, 0, record.length));
    });
    expect(bodies).to.deep.equal(['hello', 'hello', 'hello', 'x', '{"a":1}']);
  });

  it('a message with all sections, byte for byte', () => {
    const message = encodeMessage({
      header: { durable: true, priority: 5, ttl: 1000, deliveryCount: 2 },
      deliveryAnnotations: { d: null },
      messageAnnotations: { 'x-a': 'é' },
      properties: {
        messageId: amqpType('uuid', '00010203-0405-0607-0809-0a0b0c0d0e0f'),
        userId: Uint8Array.of(1, 2),
        to: 'to',
        subject: 's',
        replyTo: 'r',
        correlationId: 300n,
        contentType: 'text/plain',
        contentEncoding: 'gzip',
        absoluteExpiryTime: new Date(1),
        creationTime: new Date(-1),
        groupId: 'g',
        groupSequence: 7,
        replyToGroupId: 'rg',
      },
      applicationProperties: { a: 1, left: undefined, b: [true, { c: 0.5 }] },
      body: Uint8Array.of(0xca, 0xfe),
      footer: { f: amqpType('ubyte', 9) },
    });
    expect(toHex(message)).to.equal(
      toHex(
        hexBytes(`
          005370 c0 0f 05 41 5005 70000003e8 40 7000000002
          005371 c1 05 02 a30164 40
          005372 c1 0a 02 a303782d61 a102c3a9
          005373 c0 59 0d
            98000102030405060708090a0b0c0d0e0f a0020102 a102746f a10173 a10172 80000000000000012c
            a30a746578742f706c61696e a304677a6970 830000000000000001 83ffffffffffffffff a10167 7000000007 a1027267
          005374 c1 1c 04 a10161 5401 a10162 c0 11 02 41 c1 0d 02 a10163 823fe0000000000000
          005375 a0 02 cafe
          005378 c1 06 02 a30166 5009`),
      ),
    );
  });
});
