import { expect } from 'chai';
import { byKey, roundRobin } from '../../lib/liftbridge/partitioners.js';

const message = (key: string | undefined): { value: unknown; bytes: Uint8Array; key: Uint8Array | undefined } => ({
  value: 1,
  bytes: new Uint8Array(1),
  key: key === undefined ? undefined : Buffer.from(key),
});

describe('byKey', () => {
  // what go-liftbridge gives for 2, 3, 4, 5 and 16 partitions
  const vectors: [string | undefined, number[]][] = [
    [undefined, [0, 0, 0, 0, 0]],
    ['', [0, 0, 0, 0, 0]],
    ['key', [1, 1, 1, 2, 9]],
    ['foo', [1, 2, 1, 4, 1]],
    ['bar', [0, 2, 2, 3, 10]],
    ['user-1', [0, 2, 0, 4, 4]],
    ['x,cg,0', [0, 0, 0, 2, 0]],
    ['__group:g1,orders,2', [1, 2, 1, 0, 5]],
  ];
  for (const [key, partitions] of vectors) {
    it(`spreads ${key === undefined ? 'what has no key' : `'${key}'`} as the other clients do`, () => {
      expect([2, 3, 4, 5, 16].map((count) => byKey()(message(key), count))).to.deep.equal(partitions);
    });
  }
});

describe('roundRobin', () => {
  it('takes one after the other from 0, each on its own', () => {
    const [one, other] = [roundRobin(), roundRobin()];
    expect(Array.from({ length: 5 }, () => one(message('x'), 3))).to.deep.equal([0, 1, 2, 0, 1]);
    expect(other(message(undefined), 3)).to.equal(0);
  });

  it('stays in range when the number of partitions changes', () => {
    const turn = roundRobin();
    expect([5, 5, 5, 2, 1, 4, 4].map((count) => turn(message(undefined), count))).to.deep.equal([0, 1, 2, 1, 0, 1, 2]);
  });
});
