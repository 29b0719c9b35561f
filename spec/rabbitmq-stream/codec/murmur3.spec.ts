import { expect } from 'chai';
import fc from 'fast-check';
import { murmur3 } from '../../../lib/rabbitmq-stream/codec/murmur3.js';

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

/** The algorithm as it is described, in whole numbers cut to 32 bits and one byte after the other. */
function naive(bytes: Uint8Array, seed: number): number {
  const cut = (value: bigint): bigint => value & 0xffff_ffffn;
  const turn = (value: bigint, by: bigint): bigint => cut((value << by) | (value >> (32n - by)));
  const mix = (block: bigint): bigint => cut(turn(cut(block * 0xcc9e2d51n), 15n) * 0x1b873593n);
  let hash = BigInt(seed);
  for (let start = 0; start < bytes.length; start += 4) {
    const group = bytes.slice(start, start + 4);
    const block = group.reduceRight((value, byte) => value * 256n + BigInt(byte), 0n);
    hash ^= mix(block);
    if (group.length === 4) hash = cut(turn(hash, 13n) * 5n + 0xe6546b64n);
  }
  hash ^= BigInt(bytes.length);
  hash = cut((hash ^ (hash >> 16n)) * 0x85ebca6bn);
  hash = cut((hash ^ (hash >> 13n)) * 0xc2b2ae35n);
  return Number(hash ^ (hash >> 16n));
}

describe('rabbitmq-stream/codec/murmur3', () => {
  it('comes to the numbers of the other clients, and so to their partitions', () => {
    const vectors: readonly (readonly [key: string, hash: number, of3: number])[] = [
      ['', 3329588566, 1],
      ['0', 2929165565, 2],
      ['1', 2446297838, 2],
      ['2', 1682587453, 1],
      ['hello', 1321743225, 0],
      ['invoice-1', 1338790866, 0],
      ['key-42', 1791113265, 0],
      ['é', 2922484690, 1],
      ['日本', 2230178032, 1],
    ];
    for (const [key, hash, of3] of vectors) {
      expect(murmur3(utf8(key)), key).to.equal(hash);
      expect(murmur3(utf8(key)) % 3, key).to.equal(of3);
    }
  });

  it('takes another seed', () => {
    expect(murmur3(utf8(''), 0)).to.equal(0);
    expect(murmur3(utf8(''), 1)).to.equal(0x514e28b7);
    expect(murmur3(utf8('test'), 0)).to.equal(0xba6bd213);
    expect(murmur3(utf8('Hello, world!'), 0x9747b28c)).to.equal(0x24884cba);
  });

  it('equals the description for any bytes and any seed', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 70 }), fc.nat(0xffff_ffff), (bytes, seed) => {
        expect(murmur3(bytes, seed)).to.equal(naive(bytes, seed));
      }),
      { numRuns: 2_000 },
    );
  });

  it('reads a view that starts in the middle of its buffer', () => {
    const view = Buffer.from('xxinvoice-1yy').subarray(2, 11);
    expect(murmur3(view)).to.equal(1338790866);
  });
});
