import { expect } from 'chai';
import { ProtocolError } from '../../../../lib/core/errors.js';
import { decodeApplicationProperties, decodeMessage } from '../../../../lib/rabbitmq-stream/codec/amqp/decode.js';
import { encodeMessage } from '../../../../lib/rabbitmq-stream/codec/amqp/encode.js';
import { amqpType } from '../../../../lib/rabbitmq-stream/codec/amqp/typed.js';
import { amidOthers, concat, hexBytes, readValue, utf8 } from './kit.js';

/** The digits of lists of one item in each other, around a value. */
function nestedLists(depth: number): Uint8Array {
  let inner: Uint8Array = Uint8Array.of(0x40);
  for (let i = 0; i < depth; i++) {
    const length = inner.length + 4;
    const head = Uint8Array.of(0xd0, length >>> 24, length >>> 16, length >>> 8, length, 0, 0, 0, 1);
    const outer = new Uint8Array(head.length + inner.length);
    outer.set(head);
    outer.set(inner, head.length);
    inner = outer;
  }
  return inner;
}

function refused(read: () => unknown, name: string): void {
  expect(read, name).to.throw(ProtocolError).with.property('broker', 'rabbitmq-stream');
}

describe('rabbitmq-stream codec, AMQP: malformed bytes', () => {
  const rows: readonly (readonly [name: string, hex: string, problem: string])[] = [
    ['an unknown type', 'c002015f', 'there is no type 0x5f, at byte 6'],
    ['a type of a category that there is not', 'c0020130', 'there is no type 0x30, at byte 6'],
    ['a boolean of 2', '5602', 'a boolean is 0x02, at byte 4'],
    ['a char beyond Unicode', '7300110000', 'a char is no character, at byte 4'],
    ['half of a surrogate pair as char', '730000d800', 'a char is no character, at byte 4'],
    ['a list with more items than bytes', 'c0020540', 'there is no room for 5 values, at byte 6'],
    ['a list with four billion items', 'd000000005ffffffff40', 'there is no room for 4294967295 values, at byte 12'],
    ['a list with fewer items than bytes', 'c003014040', 'a value is longer than what is in it, at byte 7'],
    ['a list whose size leaves out its count', 'c000', 'a value ends behind what it is in, at byte 5'],
    ['a long list whose size leaves out its count', 'd0000000020000', 'a value ends behind what it is in, at byte 8'],
    ['an item that ends behind its list', 'c00201a1', 'a value ends behind what it is in, at byte 7'],
    ['a string that ends behind its list', 'c00401a10561', 'a value ends behind what it is in, at byte 8'],
    ['a list that ends behind its list', 'c00401c00501', 'a value of 5 bytes ends behind what it is in, at byte 7'],
    ['a map with a key alone', 'c1020140', 'a map has a key without a value, at byte 6'],
    ['a map with two billion keys', 'd100000005fffffffe40', 'there is no room for 4294967294 values, at byte 12'],
    ['an array without a type', 'e00101', 'a value ends behind what it is in, at byte 6'],
    ['an array with more items than bytes', 'e003025001', 'an array has no room for 2 items, at byte 7'],
    ['an array with fewer items than bytes', 'e00401500102', 'a value is longer than what is in it, at byte 8'],
    ['an array of four billion nulls', 'f000000005ffffffff40', 'an array has no room for 4294967295 items'],
    ['an array of four billion ints', 'f000000009ffffffff7100000001', 'an array has no room for 4294967295 items'],
    ['an array of an unknown type', 'e003015f01', 'there is no type 0x5f, at byte 6'],
    ['an array whose descriptor ends behind it', 'e0030100a1', 'a value ends behind what it is in, at byte 8'],
    ['a described value without a value', 'c00401005301', 'a value ends behind what it is in, at byte 9'],
  ];
  for (const [name, hex, problem] of rows) {
    it(name, () => {
      expect(() => readValue(hex))
        .to.throw(ProtocolError, `: ${problem}`)
        .with.property('broker', 'rabbitmq-stream');
    });
  }

  it('thousand arrays of thousand nulls', () => {
    const nulls = hexBytes('f000000005000003ff40');
    const body = concat(...Array.from({ length: 1000 }, () => nulls));
    const length = body.length + 4;
    const list = concat(Uint8Array.of(0xd0, 0, 0, length >>> 8, length, 0, 0, 3, 0xe8), body);
    refused(() => decodeMessage(concat(hexBytes('005377'), list)), 'a million nulls in ten thousand bytes');
  });

  it('values that lie in each other too deep, in each way that they can', () => {
    const inBody = (bytes: Uint8Array): (() => unknown) => {
      return () => decodeMessage(concat(hexBytes('005377'), bytes));
    };
    expect(inBody(nestedLists(64))).not.to.throw();
    refused(inBody(nestedLists(65)), 'lists');
    refused(inBody(nestedLists(2000)), 'many lists');
    const described = (depth: number): Uint8Array => concat(hexBytes('005301'.repeat(depth)), Uint8Array.of(0x40));
    expect(inBody(described(64))).not.to.throw();
    refused(inBody(described(65)), 'described values');
    refused(inBody(described(10_000)), 'many described values');
    const descriptors = (depth: number): Uint8Array =>
      concat(new Uint8Array(depth), new Uint8Array(depth + 1).fill(0x40));
    expect(inBody(descriptors(64))).not.to.throw();
    refused(inBody(descriptors(65)), 'described descriptors');
    refused(inBody(descriptors(10_000)), 'many described descriptors');
    // an array whose type has descriptors, each with its zero byte
    const array = (count: number): Uint8Array => {
      const length = 4 + count * 3 + 2;
      const head = Uint8Array.of(0xf0, 0, 0, length >>> 8, length, 0, 0, 0, 1);
      return concat(head, hexBytes('005301'.repeat(count)), Uint8Array.of(0x50, 1));
    };
    expect(inBody(array(64))).not.to.throw();
    refused(inBody(array(65)), 'descriptors of an array');
    refused(inBody(array(10_000)), 'many descriptors of an array');
  });

  it('what is written can be read, however deep it is', () => {
    let value: unknown = 'inmost';
    for (let depth = 0; depth < 64; depth++) value = depth % 2 === 0 ? [value] : { value };
    expect(() => decodeMessage(encodeMessage({ body: { kind: 'value', value } }))).not.to.throw();
    expect(() => encodeMessage({ body: { kind: 'value', value: [value] } })).to.throw('at most 64 deep');
    const fields = { value: (value as { value: unknown }).value };
    expect(() => decodeMessage(encodeMessage({ body: utf8(''), applicationProperties: fields }))).not.to.throw();
    expect(() => encodeMessage({ body: utf8(''), applicationProperties: { value } })).to.throw('at most 64 deep');
  });

  it('each message that was cut short, unless it ends with a section', () => {
    const whole = encodeMessage({
      header: { durable: true },
      messageAnnotations: { a: [1, 'x', null, { b: 1n }] },
      properties: { messageId: amqpType('uuid', '00010203-0405-0607-0809-0a0b0c0d0e0f'), creationTime: new Date(0) },
      applicationProperties: { a: 1.5, b: Uint8Array.of(1, 2, 3) },
      body: utf8('body'),
      footer: { f: 1n << 50n },
    });
    const ends: number[] = [];
    for (let length = 0; length < whole.length; length++) {
      try {
        decodeMessage(whole, 0, length);
        ends.push(length);
      } catch (error) {
        expect(error).to.be.instanceOf(ProtocolError);
      }
    }
    // behind the header, the annotations, the properties, the application properties and the body
    expect(ends).to.have.length(5);
  });

  it('a section whose size lies about what is in it', () => {
    const records = {
      '005374c10802a10161c0020240': 'there is no room for 2 values',
      '005374c10702a1016154 0140': 'a value is longer than what is in it',
      '005374c1030245 40': 'the key of a map is no name',
      '005374c10502a0016140': 'the key of a map is no name',
      '005374c10403414040': 'a map has a key without a value',
      '005374c1030441 40': 'there is no room for 4 values',
    };
    for (const [hex, problem] of Object.entries(records)) {
      const record = hexBytes(hex);
      expect(() => decodeApplicationProperties(record, 0, record.length)).to.throw(ProtocolError, problem);
    }
  });

  it('properties and headers of other types than they have', () => {
    for (const hex of [
      // message-id true, user-id a string, to a number, expiry a number, group-sequence negative and a string
      '005373c0020141',
      '005373c0050240a10161',
      '005373c005034040 5401',
      '005373c00b09 4040404040404040 5401',
      '005373c00e0c 4040404040404040404040 54ff',
      '005373c00f0c 4040404040404040404040 a10161',
      // message-id a decimal, and the expiry a uuid
      '005373c006017422500000',
      `005373c01a09 4040404040404040 98${'00'.repeat(16)}`,
      // durable a number, priority a string
      '005370c003015401',
      '005370c0050240a10161',
    ]) {
      expect(() => decodeMessage(hexBytes(hex))).to.throw(ProtocolError, 'is of another type than');
    }
  });

  it('are told with the place in the record where they are wrong', () => {
    const { buffer, start, end } = amidOthers(hexBytes('005375a00161 005374c10602a101615f01'));
    expect(start).to.be.above(0);
    expect(() => decodeMessage(buffer, start, end))
      .to.throw(ProtocolError, 'there is no type 0x5f, at byte 15; ')
      .with.deep.property('detail', { at: 15 });
    expect(() => decodeMessage(buffer, start, end - 1)).to.throw('a section ends behind the record, at byte 6; ');
  });
});
