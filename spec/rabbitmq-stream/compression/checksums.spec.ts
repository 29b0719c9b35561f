import { expect } from 'chai';
import fc from 'fast-check';
import { crc32c } from '../../../lib/rabbitmq-stream/compression/crc32c.js';
import { xxh32 } from '../../../lib/rabbitmq-stream/compression/xxh32.js';

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('rabbitmq-stream/compression/crc32c', () => {
  it('comes to the published sums', () => {
    expect(crc32c(ascii(''))).to.equal(0);
    expect(crc32c(ascii('123456789'))).to.equal(0xe3069283);
    expect(crc32c(new Uint8Array(32))).to.equal(0x8a9136aa);
    expect(crc32c(new Uint8Array(32).fill(0xff))).to.equal(0x62a8ab43);
    expect(crc32c(Uint8Array.from({ length: 32 }, (_, at) => at))).to.equal(0x46dd794e);
  });

  it('equals a division bit by bit, for any part of any bytes', () => {
    const naive = (bytes: Uint8Array): number => {
      let crc = 0xffff_ffff;
      for (const byte of bytes) {
        crc ^= byte;
        for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
      }
      return (crc ^ 0xffff_ffff) >>> 0;
    };
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.nat(60), fc.nat(60), (bytes, a, b) => {
        const start = Math.min(a, bytes.length);
        const end = Math.max(start, Math.min(b, bytes.length));
        expect(crc32c(bytes, start, end)).to.equal(naive(bytes.slice(start, end)));
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('rabbitmq-stream/compression/xxh32', () => {
  // longer ones are checked against the frames of other LZ4 writers
  it('comes to the published sums', () => {
    expect(xxh32(ascii(''))).to.equal(0x02cc5d05);
    expect(xxh32(ascii('a'))).to.equal(0x550d7456);
    expect(xxh32(ascii('abc'))).to.equal(0x32d153ff);
    expect(xxh32(ascii('Nobody inspects the spammish repetition'))).to.equal(0xe2293b2f);
  });

  it('takes a part of its bytes', () => {
    expect(xxh32(ascii('xxabcyy'), 2, 5)).to.equal(0x32d153ff);
  });
});
