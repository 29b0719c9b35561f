import { expect } from 'chai';
import { crc32 } from '../../../lib/core/wire/crc32.js';
import { cursorKey, cursorPartition, partitionOfKey } from '../../../lib/liftbridge/codec/cursor-key.js';
import { utf8 } from './bytes.js';

describe('liftbridge codec: the partition of a key', () => {
  // as go-liftbridge has them
  const counts = [2, 3, 4, 5, 16];
  const vectors = [
    ['', 0x00000000, [0, 0, 0, 0, 0]],
    ['key', 0x8a90aba9, [1, 1, 1, 2, 9]],
    ['foo', 0x8c736521, [1, 2, 1, 4, 1]],
    ['bar', 0x76ff8caa, [0, 2, 2, 3, 10]],
    ['user-1', 0x7e264614, [0, 2, 0, 4, 4]],
    ['x,cg,0', 0x29613240, [0, 0, 0, 2, 0]],
    ['__group:g1,orders,2', 0xde5a1d45, [1, 2, 1, 0, 5]],
  ] as const;
  for (const [key, crc, partitions] of vectors) {
    it(`'${key}'`, () => {
      expect(crc32(utf8(key))).to.equal(crc);
      expect(counts.map((count) => partitionOfKey(utf8(key), count))).to.deep.equal(partitions);
    });
  }

  it('no key is as an empty one', () => {
    expect(counts.map((count) => partitionOfKey(undefined, count))).to.deep.equal([0, 0, 0, 0, 0]);
  });

  it('of a stored position', () => {
    expect(cursorKey('__group:g1', 'orders', 2)).to.deep.equal(utf8('__group:g1,orders,2'));
    expect(cursorKey('é', 'ü', 0)).to.deep.equal(utf8('é,ü,0'));
    expect(cursorPartition('__group:g1', 'orders', 2, 16)).to.equal(5);
  });
});
