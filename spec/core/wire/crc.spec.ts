import { crc32 as zlibCrc32 } from 'node:zlib';
import { expect } from 'chai';
import fc from 'fast-check';
import { crc32 } from '../../../lib/core/wire/crc32.js';
import { crc32c } from '../../../lib/core/wire/crc32c.js';

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Bytes, and a part of them. */
const parts = fc
  .tuple(fc.uint8Array({ maxLength: 100 }), fc.nat(100), fc.nat(100))
  .map(([bytes, a, b]): [bytes: Uint8Array, start: number, end: number] => {
    const start = Math.min(a, bytes.length);
    return [bytes, start, Math.max(start, Math.min(b, bytes.length))];
  });

describe('core/wire/crc32', () => {
  it('comes to the published sums', () => {
    expect(crc32(ascii(''))).to.equal(0);
    expect(crc32(ascii('123456789'))).to.equal(0xcbf43926);
  });

  it('is the one of zlib, for any part of any bytes', () => {
    fc.assert(
      fc.property(parts, ([bytes, start, end]) => {
        expect(crc32(bytes)).to.equal(zlibCrc32(bytes));
        expect(crc32(bytes, start, end)).to.equal(zlibCrc32(bytes.subarray(start, end)));
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('core/wire/crc32c', () => {
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
      fc.property(parts, ([bytes, start, end]) => {
        expect(crc32c(bytes, start, end)).to.equal(naive(bytes.slice(start, end)));
      }),
      { numRuns: 1_000 },
    );
  });
});
