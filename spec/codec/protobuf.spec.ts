import { expect } from 'chai';
import fc from 'fast-check';
import protobufjs from 'protobufjs';

import { protobuf } from '../../lib/codec/protobuf.js';
import type { ProtobufType } from '../../lib/codec/protobuf.js';
import type { Codec } from '../../lib/core/codec.js';
import { DecodeError, InvalidOptionError } from '../../lib/core/errors.js';

const info = { channel: 'orders', headers: new Map() };

interface Order {
  id: string;
  count: number;
}

const { root } = protobufjs.parse(`
  syntax = "proto3";
  package shop;
  message Order { string id = 1; int32 count = 2; }
`);
const reflected = root.lookupType('shop.Order');

describe('protobuf', () => {
  it('gives back what it took', () => {
    const codec = protobuf<Order>(reflected);
    fc.assert(
      fc.property(fc.string({ maxLength: 50 }), fc.integer(), (id, count) => {
        const order: Order = codec.decode(codec.encode({ id, count }), info);
        expect({ id: order.id, count: order.count }).to.deep.equal({ id, count });
      }),
    );
  });

  it('writes the wire format', () => {
    const written = protobuf<Order>(reflected).encode({ id: 'a', count: 5 });
    expect(Buffer.from(written).toString('hex')).to.equal('0a01611005');
  });

  it('reads bytes in the middle of a larger buffer', () => {
    const whole = Uint8Array.of(9, 9, 0x0a, 0x01, 0x61, 0x10, 0x05, 9);
    expect(protobuf<Order>(reflected).decode(whole.subarray(2, 7), info)).to.include({ id: 'a', count: 5 });
  });

  it('infers the types of a static class', () => {
    const type = {
      encode: (message: { id?: string }) => ({ finish: () => new TextEncoder().encode(message.id ?? '') }),
      decode: (bytes: Uint8Array): Order => ({ id: new TextDecoder().decode(bytes), count: 0 }),
    } satisfies ProtobufType<{ id?: string }, Order>;
    const codec: Codec<{ id?: string }, Order> = protobuf(type);
    expect(codec.decode(codec.encode({ id: 'x' }), info)).to.deep.equal({ id: 'x', count: 0 });
    // @ts-expect-error - id is a string
    const wrong = (): unknown => codec.encode({ id: 5 });
    expect(wrong).to.be.a('function');
  });

  it('refuses a message that does not fit', () => {
    const codec = protobuf<Order>(reflected);
    expect(() => codec.encode({ id: 'a', count: 'many' as unknown as number })).to.throw(
      DecodeError,
      'the message does not fit its protobuf type: count: integer expected',
    );
    for (const bad of [undefined, null, 'x', 5]) {
      expect(() => codec.encode(bad as unknown as Order)).to.throw(DecodeError, 'protobuf takes a message object; got');
    }
  });

  it('refuses bytes that are no such message', () => {
    const codec = protobuf<Order>(reflected);
    for (const bad of [[0x0a, 0x05, 0x61], [0x0f], [0x10]]) {
      expect(() => codec.decode(Uint8Array.from(bad), info))
        .to.throw(DecodeError, 'the bytes are not a message of that protobuf type: ')
        .with.property('cause')
        .instanceOf(Error);
    }
  });

  it('throws nothing but DecodeError for any bytes', () => {
    const codec = protobuf<Order>(reflected);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        try {
          codec.decode(bytes, info);
        } catch (error) {
          expect(error).to.be.instanceOf(DecodeError);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('wraps what an encoder throws', () => {
    const cause = new Error('no required field');
    const codec = protobuf({
      encode() {
        throw cause;
      },
      decode: () => ({}),
    } as ProtobufType<object>);
    expect(() => codec.encode({}))
      .to.throw(DecodeError, 'cannot be written as protobuf: no required field')
      .with.property('cause', cause);
  });

  it('refuses what is no message type', () => {
    for (const bad of [null, undefined, {}, 'shop.Order', { encode: () => 1 }]) {
      expect(() => protobuf(bad as unknown as ProtobufType<object>)).to.throw(
        InvalidOptionError,
        'takes a message type',
      );
    }
  });
});
