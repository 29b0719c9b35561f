import { expect } from 'chai';
import { compressFrameSync, decompressFrameSync } from 'lz4-napi';
import { lz4 } from '../../../lib/rabbitmq-stream/compression/lz4.js';
import { xxh32 } from '../../../lib/rabbitmq-stream/compression/xxh32.js';
import { bytesOf, lines, noise, refusal } from './kit.js';

/** 200 000 bytes by `lz4 -B4 -BD -BX --content-size` 1.9.4: blocks that refer to one another, everything optional on. */
const linked = bytesOf(`04224d185c40400d030000000000dc
  14010000af6162636465666768696a0a00 ff*256 de5062636465667f357dcf
  0a0100000ffa ff*257 e85068696a61621cd71746
  14010000af636465666768696a61620a00 ff*256 de50646566676837545ff4
  170000000ffa ff*14 3550666768696adf905259 00000000a51f8cb3`);
const linkedContent = Buffer.alloc(200_000, 'abcdefghij');

/** A frame of these flags and blocks, with a header checksum that is right. */
function frame(flags: number, sizes: number, rest: string): Buffer {
  const head = Buffer.from([flags, sizes]);
  return Buffer.concat([bytesOf('04224d18'), head, Buffer.from([(xxh32(head) >>> 8) & 0xff]), bytesOf(rest)]);
}

describe('rabbitmq-stream/compression/lz4', () => {
  it('reads frames of the reference program', () => {
    const read = lz4.decompress(linked, linkedContent.length);
    expect(Buffer.compare(read, linkedContent)).to.equal(0);
    expect(lz4.decompress(bytesOf('04224d186440a700000000055dcc02'), 0)).to.have.length(0);
    const hello = bytesOf('04224d186440a7100000006f68656c6c6f200600055068656c6c6f00000000bd9cd674');
    expect(Buffer.from(lz4.decompress(hello, 35)).toString()).to.equal('hello hello hello hello hello hello');
  });

  it('writes what another writer reads, and reads what it writes', () => {
    for (const bytes of [Buffer.from('x'), lines(9_000), lines(300_000), noise(70_000), Buffer.alloc(5_000_000)]) {
      expect(Buffer.compare(decompressFrameSync(Buffer.from(lz4.compress(bytes))), bytes)).to.equal(0);
      for (const contentChecksum of [false, true]) {
        for (const blockChecksums of [false, true]) {
          const written = compressFrameSync(bytes, { contentChecksum, blockChecksums });
          expect(Buffer.compare(lz4.decompress(written, bytes.length), bytes)).to.equal(0);
        }
      }
    }
  });

  it('compresses about as well as the other writer', () => {
    const text = lines(1_000_000);
    expect(lz4.compress(text).length).to.be.below(compressFrameSync(text).length * 1.05);
  });

  it('takes the smallest of the four block sizes that holds everything', () => {
    const sizes = [0, 65_536, 65_537, 262_144, 262_145, 1_048_576, 1_048_577, 4_194_305];
    expect(sizes.map((size) => lz4.compress(Buffer.alloc(size))[5]! >> 4)).to.deep.equal([4, 4, 5, 5, 6, 6, 7, 7]);
  });

  it('reads frames one after the other, and skips those for somebody else', () => {
    const one = lz4.compress(Buffer.from('one '));
    const two = lz4.compress(Buffer.from('two'));
    const skipped = bytesOf('502a4d18 03000000 ffffff 5f2a4d18 00000000');
    const all = Buffer.concat([skipped, one, skipped, two, skipped]);
    expect(Buffer.from(lz4.decompress(all, 7)).toString()).to.equal('one two');
    expect(refusal(lz4, skipped, 0).message).to.include('there is no frame');
    refusal(lz4, Buffer.concat([one, bytesOf('502a4d18 03000000 ffff')]), 4);
  });

  it('refuses any change of a byte that a checksum covers', () => {
    for (let at = 4; at < linked.length; at++) {
      const changed = Buffer.from(linked);
      changed[at]! ^= 0x10;
      refusal(lz4, changed, linkedContent.length);
    }
  });

  it('refuses frames that are not as they should be', () => {
    const cases: readonly (readonly [frame: Buffer, size: number, problem: string])[] = [
      [bytesOf('02214c1805000000 5068656c6c6f'), 5, 'no frame starts at byte 0'],
      [frame(0x20, 0x40, '00000000'), 0, 'a version that is not known'],
      [frame(0x62, 0x40, '00000000'), 0, 'a version that is not known'],
      [frame(0x60, 0x30, '00000000'), 0, 'a version that is not known'],
      [frame(0x60, 0xc0, '00000000'), 0, 'a version that is not known'],
      [frame(0x60, 0x41, '00000000'), 0, 'a version that is not known'],
      [frame(0x61, 0x40, '00000000'), 0, 'needs a dictionary'],
      [bytesOf('04224d1860408300000000'), 0, 'a header does not match its checksum'],
      // blocks: one larger than 64 KiB, one past the end, an empty one
      [frame(0x60, 0x40, '01000180 00*65537 00000000'), 65_537, 'larger than its frame allows'],
      [frame(0x60, 0x40, '05000000 5068'), 5, 'a block is cut off'],
      [frame(0x60, 0x40, '05000080 6865'), 5, 'a block is cut off'],
      // one that ends in the length of its literals, in its offset, in the length of its match, after a match
      [frame(0x60, 0x40, '02000000 f0ff 00000000'), 5, 'a block is cut off'],
      [frame(0x60, 0x40, '03000000 106101 00000000'), 5, 'a block is cut off'],
      [frame(0x60, 0x40, '05000000 1f610100ff 00000000'), 500, 'a block is cut off'],
      [frame(0x60, 0x40, '04000000 10610100 00000000'), 5, 'a block is cut off'],
      // a match at no distance, one before the start
      [frame(0x60, 0x40, '05000000 1061000000 00000000'), 5, 'before the start'],
      [frame(0x60, 0x40, '05000000 1061020000 00000000'), 5, 'before the start'],
      // more than the stated size: by literals, by a match, raw
      [frame(0x60, 0x40, '06000000 5068656c6c6f 00000000'), 4, 'inflates to more'],
      [frame(0x60, 0x40, '05000000 1f610100f000 00000000'), 40, 'inflates to more'],
      [frame(0x60, 0x40, '05000080 68656c6c6f 00000000'), 4, 'inflates to more'],
    ];
    for (const [bytes, size, problem] of cases) {
      expect(refusal(lz4, bytes, size).message, bytes.toString('hex').slice(0, 80)).to.include(problem);
    }
  });

  it('lets a block refer to those before it only where the frame says so', () => {
    // five bytes raw, then a block whose match is of those
    const blocks = '05000080 68656c6c6f 05000000 0105001021 00000000';
    expect(Buffer.from(lz4.decompress(frame(0x40, 0x40, blocks), 11)).toString()).to.equal('hellohello!');
    expect(refusal(lz4, frame(0x60, 0x40, blocks), 11).message).to.include('before the start');
  });

  it('stops at what a block may hold, whatever else is allowed', () => {
    // a match of 15 + 4 + 255 * 300 bytes
    const block = '1f610100 ff*300 00 1061';
    const length = bytesOf(block).length.toString(16).padStart(4, '0');
    const bytes = frame(0x60, 0x40, `${length.slice(2)}${length.slice(0, 2)}0000 ${block} 00000000`);
    expect(refusal(lz4, bytes, 76_521).message).to.include('inflates to more');
  });
});
