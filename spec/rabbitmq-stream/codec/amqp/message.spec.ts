import { expect } from 'chai';
import fc from 'fast-check';
import { InvalidOptionError, ProtocolError } from '../../../../lib/core/errors.js';
import { dataSectionLength, writeDataSection } from '../../../../lib/rabbitmq-stream/codec/amqp/data-section.js';
import {
  decodeAnnotations,
  decodeApplicationProperties,
  decodeBytesMessage,
  decodeMessage,
  decodeProperties,
} from '../../../../lib/rabbitmq-stream/codec/amqp/decode.js';
import { encodeMessage, encodePreamble } from '../../../../lib/rabbitmq-stream/codec/amqp/encode.js';
import { amqpType } from '../../../../lib/rabbitmq-stream/codec/amqp/typed.js';
import type { AmqpMessageInit, AmqpProperties } from '../../../../lib/rabbitmq-stream/codec/amqp/types.js';
import { amidOthers, concat, hexBytes, messages, toHex, utf8 } from './kit.js';

function hexOf(message: AmqpMessageInit): string {
  return toHex(encodeMessage(message));
}

const body = utf8('hi');
const data = '005375a0026869';

describe('rabbitmq-stream codec, AMQP: messages', () => {
  it('come back as they were', () => {
    fc.assert(
      fc.property(messages, (message) => {
        const { buffer, start, end } = amidOthers(encodeMessage(message));
        expect(decodeMessage(buffer, start, end)).to.deep.equal(message);
        expect(decodeProperties(buffer, start, end)).to.deep.equal(message.properties);
        expect(decodeApplicationProperties(buffer, start, end)).to.deep.equal(message.applicationProperties);
        expect(decodeAnnotations(buffer, start, end)).to.deep.equal(message.messageAnnotations);
      }),
      { numRuns: 100 },
    );
  });

  it('are the preamble with a data section behind it, where they have data and no footer', () => {
    fc.assert(
      fc.property(messages, ({ body: _, footer: __, ...preamble }) => {
        const before = encodePreamble(preamble);
        const made = new Uint8Array(before.length + dataSectionLength(body.length));
        made.set(before);
        expect(writeDataSection(made, before.length, body)).to.equal(made.length);
        expect(toHex(made)).to.equal(hexOf({ ...preamble, body }));
      }),
    );
  });

  it('have the names in errors that the caller gives them', () => {
    const names = { messageAnnotations: 'annotations', applicationProperties: 'headers' };
    const preamble = { messageAnnotations: { é: 1 }, applicationProperties: { a: undefined, b: Symbol('b') } };
    expect(() => encodePreamble(preamble, names)).to.throw(InvalidOptionError, 'a key of annotations must be');
    expect(() => encodePreamble({ ...preamble, messageAnnotations: {} }, names)).to.throw('headers.b must be');
  });

  it('without anything beside the body are a data section', () => {
    const empty = { header: {}, messageAnnotations: {}, properties: {}, applicationProperties: new Map(), footer: {} };
    expect(hexOf({ body })).to.equal(data);
    expect(hexOf({ body: { kind: 'data', data: body } })).to.equal(data);
    expect(hexOf({ ...empty, body })).to.equal(data);
    expect(hexOf({ header: undefined, properties: { to: undefined }, applicationProperties: { a: undefined }, body })) //
      .to.equal(data);
    expect(encodePreamble(empty)).to.have.length(0);
  });

  it('with a large body or many fields are as long as they have to be', () => {
    const large = new Uint8Array(100_000).fill(7);
    const fields = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`field ${String(i)}`, 'x'.repeat(i)]));
    const message = decodeMessage(encodeMessage({ body: large, applicationProperties: fields, footer: { f: 1 } }));
    expect(message.body).to.deep.equal({ kind: 'data', data: large });
    expect(Object.fromEntries(message.applicationProperties!)).to.deep.equal(fields);
    expect(message.footer).to.deep.equal(new Map([['f', 1]]));
  });

  it('may be encoded while another one is', () => {
    let inner = '';
    const outer = hexOf({
      body,
      applicationProperties: {
        a: 'before',
        get b() {
          inner = hexOf({ body, properties: { subject: 'inner' } });
          return 'after';
        },
      },
    });
    expect(outer).to.equal(hexOf({ body, applicationProperties: { a: 'before', b: 'after' } }));
    expect(inner).to.equal(hexOf({ body, properties: { subject: 'inner' } }));
  });

  it('do not change when the next one is encoded', () => {
    const first = encodeMessage({ body, properties: { subject: 'first' } });
    const before = toHex(first);
    encodeMessage({ body, properties: { subject: 'other' } });
    expect(toHex(first)).to.equal(before);
  });

  describe('as others write them', () => {
    it('several data sections are one, and so are several sequences', () => {
      expect(decodeMessage(hexBytes('005375a00161 005375a00162')).body).to.deep.equal({
        kind: 'data',
        data: utf8('ab'),
      });
      expect(decodeMessage(hexBytes('005376c003015401 00537645 005376c003015402')).body).to.deep.equal({
        kind: 'sequence',
        items: [1, 2],
      });
    });

    it('without a body they have no data', () => {
      expect(decodeMessage(hexBytes('00537345'))).to.deep.equal({
        properties: {},
        body: { kind: 'data', data: new Uint8Array(0) },
      });
    });

    it('sections may come in any order, and unknown ones are passed over', () => {
      const message = decodeMessage(hexBytes(`00533045 ${data} 00a3017840 005373c0090454014040a1026869`));
      expect(message).to.deep.equal({
        properties: { messageId: 1n, subject: 'hi' },
        body: { kind: 'data', data: body },
      });
    });

    it('descriptors may have eight bytes, or be names', () => {
      const names = {
        'amqp:header:list': 'c0020141',
        'amqp:delivery-annotations:map': 'c10602a301615401',
        'amqp:message-annotations:map': 'c10602a301625402',
        'amqp:properties:list': 'c0020144',
        'amqp:application-properties:map': 'c10602a101635403',
        'amqp:amqp-sequence:list': 'c003015404',
        'amqp:footer:map': 'c10602a301645405',
      };
      const wanted = {
        header: { durable: true },
        deliveryAnnotations: new Map([['a', 1]]),
        messageAnnotations: new Map([['b', 2]]),
        properties: { messageId: 0n },
        applicationProperties: new Map([['c', 3]]),
        body: { kind: 'sequence', items: [4] },
        footer: new Map([['d', 5]]),
      };
      const named = Object.entries(names).map(([name, hex]) =>
        concat(Uint8Array.of(0, 0xa3, name.length), utf8(name), hexBytes(hex)),
      );
      expect(decodeMessage(concat(...named))).to.deep.equal(wanted);
      const codes = [0x70, 0x71, 0x72, 0x73, 0x74, 0x76, 0x78];
      const long = Object.values(names).map((hex, i) =>
        concat(hexBytes('008000000000000000'), Uint8Array.of(codes[i]!), hexBytes(hex)),
      );
      expect(decodeMessage(concat(...long))).to.deep.equal(wanted);
      const value = concat(hexBytes('00a311'), utf8('amqp:amqp-value:*'), hexBytes('5401'));
      expect(decodeMessage(value).body).to.deep.equal({ kind: 'value', value: 1 });
    });

    it('keys that are no names are given as text', () => {
      const record = hexBytes(`005374c10d06 5301a10161 5402a10162 4140 ${data}`);
      expect([...decodeApplicationProperties(record, 0, record.length)!.keys()]).to.deep.equal(['1', '2', 'true']);
    });

    it('properties may be of a like type', () => {
      const read = (hex: string): AmqpProperties | undefined => {
        const record = hexBytes(hex);
        return decodeProperties(record, 0, record.length);
      };
      // message-id as int; content-type as string; group-sequence as smalluint and as long
      expect(read('005373c00301 5407')).to.deep.equal({ messageId: 7n });
      expect(read('005373c00a07 404040404040 a10161')).to.deep.equal({ contentType: 'a' });
      expect(read('005373c00e0c 4040404040404040404040 5209')).to.deep.equal({ groupSequence: 9 });
      expect(read('005373c00e0c 4040404040404040404040 5509')).to.deep.equal({ groupSequence: 9 });
      // an expiry that no Date can hold
      expect(read('005373c01209 4040404040404040 837fffffffffffffff')).to.deep.equal({
        absoluteExpiryTime: new Date(8.64e15),
      });
      expect(read('005373c01209 4040404040404040 838000000000000000')).to.deep.equal({
        absoluteExpiryTime: new Date(-8.64e15),
      });
      // a field more than there are
      expect(read('005373c00f0e 4040404040404040404040404041')).to.deep.equal({});
    });

    it('a body as bytes is that of data or text', () => {
      expect(decodeBytesMessage(hexBytes(data)).body).to.deep.equal(body);
      expect(decodeBytesMessage(hexBytes('005377a1026869')).body).to.deep.equal(body);
      expect(decodeBytesMessage(hexBytes('00537745')).body).to.equal(undefined);
      expect(decodeBytesMessage(hexBytes('00537645')).body).to.equal(undefined);
    });

    it('records that are no message have no properties', () => {
      for (const hex of ['', '68656c6c6f', '005375a00568656c6c']) {
        const record = hexBytes(hex);
        expect(decodeProperties(record, 0, record.length)).to.equal(undefined);
        expect(decodeApplicationProperties(record, 0, record.length)).to.equal(undefined);
        expect(decodeAnnotations(record, 0, record.length)).to.equal(undefined);
        expect(() => decodeMessage(record))
          .to.throw(ProtocolError, /^the record is no AMQP 1\.0 message: .*, at byte \d+; read it as bytes/)
          .with.property('broker', 'rabbitmq-stream');
      }
    });
  });

  describe('that cannot be written are refused, and the value is named', () => {
    const circle: Record<string, unknown> = {};
    circle['self'] = circle;
    const rows: readonly (readonly [message: unknown, error: string])[] = [
      [undefined, 'an AMQP message must be an object with a body; got undefined'],
      [{}, "body must be a Uint8Array, or an object whose kind is 'data', 'sequence' or 'value'; got undefined"],
      [
        { body: 'text' },
        "body must be a Uint8Array, or an object whose kind is 'data', 'sequence' or 'value'; got 'text'",
      ],
      [{ body: { kind: 'data', data: 'text' } }, "body.data must be a Uint8Array; got 'text'"],
      [{ body: { kind: 'sequence' } }, 'body.items must be an array; got undefined'],
      [{ body: { kind: 'sequence', items: [1, [undefined]] } }, 'body.items[1][0] must be a string, number, '],
      [{ body: { kind: 'value', value: Symbol('s') } }, 'body.value must be a string, number, '],
      [{ body: { kind: 'value' } }, 'got undefined'],
      [
        { body, application_properties: {} },
        "an AMQP message has no 'application_properties'; it takes body, header, ",
      ],
      [
        { body, applicationProperties: [] },
        'applicationProperties must be a Map or a plain object; got a value of type Array',
      ],
      [{ body, applicationProperties: null }, 'applicationProperties must be a Map or a plain object; got null'],
      [{ body, applicationProperties: new Map([[1, 1]]) }, 'a key of applicationProperties must be a string; got 1'],
      [{ body, applicationProperties: { f: () => 1 } }, 'applicationProperties.f must be a string, number, '],
      [
        { body, applicationProperties: { a: { b: [0, /x/] } } },
        'applicationProperties.a.b[1] must be a string, number, ',
      ],
      [{ body, applicationProperties: { a: new Set() } }, 'got a value of type Set'],
      [{ body, applicationProperties: { a: new Uint16Array(1) } }, 'got a value of type Uint16Array'],
      [{ body, applicationProperties: { a: new URL('http://localhost') } }, 'applicationProperties.a must be '],
      [
        { body, applicationProperties: { a: new Date(NaN) } },
        'applicationProperties.a must be a valid Date; got an invalid Date',
      ],
      [{ body, applicationProperties: { a: 1n << 64n } }, 'a bigint that fits into 64 bits; got 18446744073709551616n'],
      [{ body, applicationProperties: { a: -(1n << 63n) - 1n } }, 'applicationProperties.a must be a bigint that fits'],
      [
        { body, applicationProperties: { a: '\ud800' } },
        'applicationProperties.a must be a string that UTF-8 can hold',
      ],
      [
        { body, applicationProperties: { a: 'x'.repeat(300) + '\udc00' } },
        'applicationProperties.a must be a string that',
      ],
      [{ body, applicationProperties: { '\ud800': 1 } }, 'must be a string that UTF-8 can hold'],
      [
        {
          body,
          applicationProperties: {
            a: new Map<unknown, unknown>([
              [{}, undefined],
              [Symbol.iterator, 1],
            ]),
          },
        },
        'a key of applicationProperties.a must be',
      ],
      [{ body, applicationProperties: circle }, 'must be at most 64 deep, and no circle'],
      [
        { body, messageAnnotations: { é: 1 } },
        "a key of messageAnnotations must be a string of ASCII characters; got 'é'",
      ],
      [{ body, properties: 5 }, 'properties must be an object; got 5'],
      [{ body, properties: { message_id: 'a' } }, 'a field of properties must be one of messageId, userId, '],
      [
        { body, properties: { messageId: 5 } },
        'properties.messageId must be a string, a Uint8Array, an unsigned bigint',
      ],
      [{ body, properties: { correlationId: -1n } }, 'properties.correlationId must be '],
      [{ body, properties: { messageId: amqpType('symbol', 's') } }, "amqpType('uuid', …); got"],
      [{ body, properties: { userId: 'u' } }, "properties.userId must be a Uint8Array; got 'u'"],
      [{ body, properties: { to: 5 } }, 'properties.to must be a string; got 5'],
      [{ body, properties: { to: null } }, 'properties.to must be a string; got null'],
      [{ body, properties: { subject: '\ud800' } }, 'properties.subject must be a string that UTF-8 can hold'],
      [
        { body, properties: { contentType: 'é' } },
        "properties.contentType must be a string of ASCII characters; got 'é'",
      ],
      [{ body, properties: { creationTime: 5 } }, 'properties.creationTime must be a valid Date; got 5'],
      [{ body, properties: { creationTime: new Date(NaN) } }, 'properties.creationTime must be a valid Date; got an'],
      [{ body, properties: { groupSequence: 2 ** 32 } }, 'must be an integer from 0 to 4294967295; got 4294967296'],
      [{ body, header: { durable: 'yes' } }, "header.durable must be a boolean; got 'yes'"],
      [{ body, header: { priority: 256 } }, 'header.priority must be an integer from 0 to 255; got 256'],
      [{ body, header: { ttl: -1 } }, 'header.ttl must be an integer from 0 to 4294967295; got -1'],
    ];
    for (const [message, error] of rows) {
      it(error, () => {
        expect(() => encodeMessage(message as AmqpMessageInit)).to.throw(InvalidOptionError, error);
        expect(hexOf({ body })).to.equal(data);
      });
    }
  });
});
