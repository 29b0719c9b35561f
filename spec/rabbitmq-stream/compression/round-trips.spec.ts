import { expect } from 'chai';
import fc from 'fast-check';
import { maxInflated, type Compressor } from '../../../lib/rabbitmq-stream/compression/compressor.js';
import { everyCompressor, lines, noise, refusal } from './kit.js';

/** Not chai's own deep comparison, which takes seconds for megabytes. */
function expectSame(actual: Uint8Array, expected: Uint8Array, what: string): void {
  expect(Buffer.compare(actual, expected), what).to.equal(0);
}

describe('rabbitmq-stream/compression, all of them', () => {
  let all: ReadonlyMap<string, Compressor>;

  before(async () => {
    all = await everyCompressor();
  });

  it('gives back what it was given, for any bytes', () => {
    const some = fc.uint8Array({ maxLength: 300 });
    const repeated = fc.tuple(fc.uint8Array({ maxLength: 12 }), fc.nat(400), fc.uint8Array({ maxLength: 20 }));
    const bytes = fc.oneof(
      some,
      repeated.map(([part, times, end]) => Buffer.concat([...Array<Uint8Array>(times).fill(part), end])),
    );
    for (const [name, compressor] of all) {
      fc.assert(
        fc.property(bytes, (given) => {
          expectSame(compressor.decompress(compressor.compress(given), given.length), given, name);
        }),
        { numRuns: 300 },
      );
    }
  });

  it('gives back sizes around those of blocks, and five megabytes', () => {
    const sizes = [0, 1, 4, 5, 11, 12, 13, 16, 255, 65_535, 65_536, 65_537, 262_145, 5_000_000];
    const text = lines(5_000_000);
    const random = noise(5_000_000);
    const zeros = Buffer.alloc(5_000_000);
    for (const [name, compressor] of all) {
      for (const size of sizes) {
        for (const whole of [text, random, zeros]) {
          const given = whole.subarray(0, size);
          const compressed = compressor.compress(given);
          expectSame(compressor.decompress(compressed, size), given, `${name}, ${String(size)} bytes`);
          expect(compressed.length, name).to.be.at.most(size + 64 + Math.ceil(size / 1_000));
        }
      }
      if (compressor.name !== 'none') {
        expect(compressor.compress(text).length, name).to.be.below(text.length * 0.75);
        expect(compressor.compress(zeros).length, name).to.be.below(zeros.length / 15);
      }
    }
  });

  it('works on views that start anywhere in their buffer, and leaves the bytes as they are', () => {
    const room = new Uint8Array(10_000);
    for (const [name, compressor] of all) {
      for (let at = 1; at < 9; at++) {
        const given = room.subarray(at, at + 3_000);
        given.set(lines(3_000));
        const copy = given.slice();
        const compressed = compressor.compress(given);
        expectSame(given, copy, name);
        const moved = room.subarray(5_001 + at, 5_001 + at + compressed.length);
        moved.set(compressed);
        const movedCopy = moved.slice();
        expectSame(compressor.decompress(moved, 3_000), copy, name);
        expectSame(moved, movedCopy, name);
      }
    }
  });

  it('refuses a size that is not the one they inflate to', () => {
    const given = lines(2_000);
    for (const compressor of all.values()) {
      const compressed = compressor.compress(given);
      for (const size of [0, 1, 1_999, 2_001, 70_000, maxInflated]) {
        const { message, detail } = refusal(compressor, compressed, size);
        expect(message).to.match(/^cannot read a sub-entry, \d+ bytes \(\w+\) that state to be \d+ inflated: /);
        expect(detail).to.deep.equal({ compression: compressor.name, bytes: compressed.length, size });
      }
    }
  });

  it('refuses sizes past the limit without a look at the bytes', () => {
    for (const compressor of all.values()) {
      const compressed = compressor.compress(lines(100));
      for (const size of [maxInflated + 1, 2 ** 32 - 1]) {
        expect(refusal(compressor, compressed, size).message).to.include('at most 67108864 are accepted');
      }
    }
  });

  it('inflates as much as the limit allows', () => {
    const zeros = Buffer.alloc(maxInflated);
    for (const [name, compressor] of all) {
      const compressed = compressor.compress(zeros);
      expectSame(compressor.decompress(compressed, maxInflated), zeros, name);
      if (compressor.name !== 'none') refusal(compressor, compressed, 1_000);
    }
  });

  it('refuses bytes that are cut off anywhere, and bytes behind the end', () => {
    const given = lines(400);
    for (const compressor of all.values()) {
      const compressed = Buffer.from(compressor.compress(given));
      for (let length = 0; length < compressed.length; length++) {
        refusal(compressor, compressed.subarray(0, length), 400);
      }
      for (const rest of [[0], [1], [0, 0, 0, 0], [0x1f], [0x1f, 0x8b], [0xff, 6, 0], [4, 0x22, 0x4d, 0x18], [0x28]]) {
        refusal(compressor, Buffer.concat([compressed, Uint8Array.from(rest)]), 400);
      }
    }
  });
});
