import { expect } from 'chai';
import { Compressor as NativeWriter, Decompressor as NativeReader, compressSync } from 'snappy';
import type { Compressor } from '../../../lib/rabbitmq-stream/compression/compressor.js';
import { loadCompressor } from '../../../lib/rabbitmq-stream/compression/compressors.js';
import { snappyCompressor, type SnappyBlocks } from '../../../lib/rabbitmq-stream/compression/snappy.js';
import { bytesOf, lines, noise, refusal } from './kit.js';

const identifier = 'ff060000734e61507059';

describe('rabbitmq-stream/compression/snappy', () => {
  let snappy: Compressor;

  before(async () => {
    snappy = await loadCompressor('snappy');
  });

  const text = (framed: string, size: number): string =>
    Buffer.from(snappy.decompress(bytesOf(framed), size)).toString();

  it('writes the identifier, then chunks of 64 KiB, compressed where it is worth it', () => {
    expect(Buffer.from(snappy.compress(new Uint8Array())).toString('hex')).to.equal(identifier);
    const framed = Buffer.from(snappy.compress(Buffer.concat([Buffer.alloc(65_536), noise(65_536), lines(9)])));
    expect(framed.subarray(0, 10).toString('hex')).to.equal(identifier);
    const chunks: number[][] = [];
    for (let pos = 10; pos < framed.length; pos += 4 + framed.readUIntLE(pos + 1, 3)) {
      chunks.push([framed[pos]!, framed.readUIntLE(pos + 1, 3)]);
    }
    expect(chunks.map(([type]) => type)).to.deep.equal([0, 1, 1]);
    expect(chunks[0]![1]).to.be.below(4_000);
    expect(chunks.slice(1).map(([, length]) => length)).to.deep.equal([65_540, 13]);
  });

  it('masks the checksum as the format says', () => {
    const framed = Buffer.from(snappy.compress(Buffer.from('123456789')));
    // the CRC-32C of these is e3069283: turned right by 15 bits 2507c60d, and the constant a282ead8 added
    expect(framed.readUInt32LE(14)).to.equal(0xc78ab0e5);
  });

  it("is read by the package's own reader of the format, and reads what its writer makes", async () => {
    for (const bytes of [Buffer.from('x'), lines(200_000), noise(70_000), Buffer.alloc(300_000)]) {
      const reader = new NativeReader();
      const read = Buffer.concat([reader.update(snappy.compress(bytes)), await reader.finish()]);
      expect(Buffer.compare(read, bytes)).to.equal(0);
      const writer = new NativeWriter();
      const written = Buffer.concat([writer.update(bytes), await writer.finish()]);
      expect(Buffer.compare(snappy.decompress(written, bytes.length), bytes)).to.equal(0);
    }
  });

  it('skips the padding and reserved chunks, and takes the identifier again, as joined streams have it', () => {
    const one = Buffer.from(snappy.compress(Buffer.from('one '))).toString('hex');
    const two = Buffer.from(snappy.compress(Buffer.from('two'))).toString('hex');
    expect(text(one + two, 7)).to.equal('one two');
    expect(text(`${one} fe030000 000000 80000000 fd010000 ff ${two}`, 7)).to.equal('one two');
    expect(text(identifier, 0)).to.equal('');
  });

  it('refuses frames that are not as they should be', () => {
    const good = Buffer.from(snappy.compress(Buffer.from('hello'))).toString('hex');
    const chunk = good.slice(20);
    const cases: readonly (readonly [framed: string, problem: RegExp])[] = [
      ['', /cut off|so few/],
      [chunk, /do not start with the identifier/],
      ['ff060000734e61507058' + chunk, /identifier of the format is wrong/],
      ['ff050000734e615070' + chunk, /identifier of the format is wrong/],
      [`${identifier} 02000000 ${chunk}`, /reserved type 2/],
      [`${identifier} 7f000000 ${chunk}`, /reserved type 127/],
      [`${identifier} 01030000 000000`, /no checksum/],
      [`${identifier} 01`, /cut off/],
      [`${identifier} ${chunk.slice(0, -2)}`, /cut off/],
      [`${identifier} ${chunk.slice(0, -2)}00`, /does not match its checksum/],
      // blocks: none at all, a length of six bytes, a length past that of a chunk, a length that lies
      [`${identifier} 00040000 00000000`, /does not start with its length/],
      [`${identifier} 000a0000 00000000 ffffffffff01`, /does not start with its length/],
      [`${identifier} 000a0000 00000000 ffffffff0f00`, /has 4294967295 bytes/],
      [`${identifier} 00070000 00000000 818004`, /has 65537 bytes/],
      [`${identifier} 00060000 00000000 0500`, /./],
    ];
    for (const [framed, problem] of cases)
      expect(refusal(snappy, bytesOf(framed), 5).message, framed).to.match(problem);
    expect(refusal(snappy, bytesOf(`${identifier} 01050001 00000000 00*65537`), 65_537).message).to.include(
      'has 65537',
    );
  });

  it('hands the package nothing that states more than is left', () => {
    let asked = 0;
    const counting: SnappyBlocks = {
      compressSync: (bytes) => compressSync(bytes),
      uncompressSync: () => {
        asked++;
        return new Uint8Array();
      },
    };
    const framed = snappy.compress(Buffer.alloc(60_000));
    expect(refusal(snappyCompressor(counting), framed, 59_999).message).to.include('inflate to more');
    expect(asked).to.equal(0);
    expect(refusal(snappyCompressor(counting), framed, 60_000).message).to.include('length that it states');
    expect(asked).to.equal(1);
  });
});
