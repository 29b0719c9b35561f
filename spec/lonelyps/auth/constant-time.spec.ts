import { expect } from 'chai';
import fc from 'fast-check';
import { equalInConstantTime } from '../../../lib/lonelyps/auth/constant-time.js';

const bytes = fc.uint8Array({ max: 2, maxLength: 4 });

describe('lonelyps auth: comparison of secrets', () => {
  it('says whether all bytes are the same, and no more or fewer', () => {
    fc.assert(
      fc.property(bytes, bytes, (one, other) => {
        expect(equalInConstantTime(one, other)).to.equal(one.toString() === other.toString());
        expect(equalInConstantTime(one, one.slice())).to.equal(true);
      }),
      { numRuns: 1000 },
    );
  });

  it('looks at every byte of the secret, wherever the first difference is', () => {
    for (const differsAt of [0, 31, 63, 64]) {
      const looked: number[] = [];
      const expected = new Proxy(new Uint8Array(64), {
        get(target, key) {
          if (key === 'length') return target.length;
          looked.push(Number(key));
          return target[Number(key)];
        },
      });
      const given = new Uint8Array(64);
      if (differsAt < 64) given[differsAt] = 1;
      expect(equalInConstantTime(given, expected)).to.equal(differsAt === 64);
      expect(looked).to.deep.equal(Array.from({ length: 64 }, (_, at) => at));
    }
  });
});
