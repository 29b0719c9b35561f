import { expect } from 'chai';
import { compress } from '@bokuweb/zstd-wasm';
import type { Compressor } from '../../../lib/rabbitmq-stream/compression/compressor.js';
import { zstdOfNode } from '../../../lib/rabbitmq-stream/compression/zstd.js';
import { bytesOf, everyCompressor, lines, refusal } from './kit.js';

const content = Buffer.alloc(200_000, 'abcdefghij');

/** The content by `zstd` of the command line: from a pipe, so that no size is stated, and from a file. */
const piped = bytesOf('28b52ffd0458940000506162636465666768696a0100f3ffcd0b124d0000086301003c0d391002b59d62b0');
const sized = bytesOf('28b52ffda4400d0300940000506162636465666768696a0100f3ffcd0b124d0000086301003c0d391002b59d62b0');
const level19 = bytesOf('28b52ffd0068940000506162636465666768696a0100f3ffcd0b124500000001003d0dcd0b10');

describe('rabbitmq-stream/compression/zstd', () => {
  let all: readonly Compressor[];

  before(async () => {
    all = [...(await everyCompressor()).values()].filter((each) => each.name === 'zstd');
  });

  it('reads frames of the reference program, with and without their size', () => {
    for (const zstd of all) {
      for (const frame of [piped, sized, level19]) {
        expect(Buffer.compare(zstd.decompress(frame, content.length), content)).to.equal(0);
        refusal(zstd, frame, content.length - 1);
        refusal(zstd, frame, content.length + 1);
        refusal(zstd, frame, 0);
      }
      expect(zstd.decompress(bytesOf('28b52ffd240001000099e9d851'), 0)).to.have.length(0);
    }
  });

  it('reads frames one after the other, and skips those for somebody else', () => {
    const skipped = bytesOf('502a4d18 03000000 ffffff 5f2a4d18 00000000');
    const two = compress(Buffer.from('two'));
    const both = Buffer.concat([skipped, piped, skipped, two, skipped]);
    for (const zstd of all) {
      expect(Buffer.compare(zstd.decompress(both, 200_003), Buffer.concat([content, Buffer.from('two')]))).to.equal(0);
      refusal(zstd, both, 200_002);
      refusal(zstd, both, 200_000);
      expect(refusal(zstd, skipped, 0).message).to.include('there is no frame');
    }
  });

  it('refuses frames by their headers', () => {
    const cases: readonly (readonly [frame: string, size: number, problem: string])[] = [
      ['27b52ffd 20 00 010000', 0, 'no frame starts at byte 0'],
      ['28b52ffd 28 00 010000', 0, 'of a version not known'],
      ['28b52ffd 21 05 00 010000', 0, 'needs a dictionary'],
      ['28b52ffd 20 06 290000 68656c6c6f', 5, 'states 6 bytes'],
      // a size of 64 bits, of which the low half looks harmless
      ['28b52ffd e0 0500000001000000 290000 68656c6c6f', 5, 'states 4294967301 bytes'],
      ['28b52ffd e0 ffffffffffffffff 290000 68656c6c6f', 5, 'states 1844'],
      // a window of 16 MiB; a block of 128 KiB and one byte; one of the reserved kind
      ['28b52ffd 00 70 290000 68656c6c6f', 5, 'a window of 16777216 bytes'],
      ['28b52ffd 00 50 0a0010 68', 5, 'of no known kind'],
      ['28b52ffd 00 50 2f0000 68656c6c6f', 5, 'of no known kind'],
      ['28b52ffd 00 50 290000 68656c', 5, 'cut off'],
      ['28b52ffd 04 50 290000 68656c6c6f 0000', 5, 'cut off'],
      ['28b52ffd 00 50 280000 68656c6c6f', 5, 'cut off'],
    ];
    for (const zstd of all) {
      for (const [frame, size, problem] of cases) {
        expect(refusal(zstd, bytesOf(frame), size).message, frame).to.include(problem);
      }
    }
  });

  it('refuses a wrong checksum, and a thousand frames more than a writer makes', () => {
    const changed = Buffer.from(piped);
    changed[changed.length - 1]! ^= 1;
    const many = Buffer.alloc(9 * 1_001, bytesOf('28b52ffd2000010000'));
    for (const zstd of all) {
      refusal(zstd, changed, content.length);
      expect(zstd.decompress(many.subarray(9), 0)).to.have.length(0);
      expect(refusal(zstd, many, 0).message).to.include('too many frames');
    }
  });

  it('is of use after any refusal', () => {
    const text = lines(3_000);
    for (const zstd of all) {
      refusal(zstd, bytesOf('28b52ffd 00 50 2d0000 68656c6c6f'), 5);
      expect(Buffer.compare(zstd.decompress(zstd.compress(text), text.length), text)).to.equal(0);
    }
  });

  it('asks Node for no more than is stated, nor for more than the blocks can come to', () => {
    const asked: number[] = [];
    const zstd = zstdOfNode({
      zstdCompressSync: (bytes) => bytes,
      zstdDecompressSync: (_bytes, { maxOutputLength, chunkSize }) => {
        asked.push(maxOutputLength, chunkSize);
        return new Uint8Array(200_000);
      },
    });
    zstd.decompress(piped, 200_000);
    zstd.decompress(sized, 200_000);
    refusal(zstd, piped, 600_000);
    expect(asked).to.deep.equal([200_000, 200_001, 200_000, 200_001, 262_144, 262_145]);
  });
});
