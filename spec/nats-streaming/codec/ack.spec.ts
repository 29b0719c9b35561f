import { expect } from 'chai';
import fc from 'fast-check';
import { AckEncoder, decodeAck } from '../../../lib/nats-streaming/codec/ack.js';
import { toHex } from './bytes.js';

describe('nats-streaming codec: AckEncoder', () => {
  it('a number and the same bigint give the same bytes', () => {
    const encoder = new AckEncoder('foo');
    fc.assert(
      fc.property(fc.oneof(fc.maxSafeNat(), fc.nat()), (sequence) => {
        const bytes = encoder.encode(sequence);
        expect(toHex(bytes)).to.equal(toHex(encoder.encode(BigInt(sequence))));
        expect(decodeAck(bytes)).to.deep.equal({ subject: 'foo', sequence });
      }),
    );
  });

  it('sequence 0 is left out', () => {
    expect(toHex(new AckEncoder('foo').encode(0))).to.equal('0a03666f6f');
  });

  it('an ack is not changed by the next one', () => {
    const encoder = new AckEncoder('a.channel.whose.name.is.long.enough.for.the.shared.buffer.of.frames.a.b.c.d');
    const acks = Array.from({ length: 2000 }, (_, i) => encoder.encode(i));
    acks.forEach((bytes, i) => {
      expect(decodeAck(bytes).sequence).to.equal(i);
    });
  });
});
