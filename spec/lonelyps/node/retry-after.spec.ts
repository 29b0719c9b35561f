import { expect } from 'chai';
import { retryAfterOf } from '../../../lib/lonelyps/node/retry-after.js';

describe('lonelyps/node: Retry-After', () => {
  const now = Date.UTC(2026, 0, 1, 12, 0, 0);

  for (const [header, ms] of [
    [undefined, undefined],
    ['', undefined],
    ['0', 0],
    ['7', 7_000],
    [' 7 ', 7_000],
    ['99999999999999999999', 86_400_000],
    ['-5', undefined],
    ['1.5', undefined],
    ['soon', undefined],
    ['Thu, 01 Jan 2026 12:00:30 GMT', 30_000],
    ['Thu, 01 Jan 2026 11:00:00 GMT', 0],
    ['Fri, 31 Dec 9999 23:59:59 GMT', 86_400_000],
    ['Fri, 99 Foo 2026', undefined],
  ] as const) {
    it(`${String(header)}: ${String(ms)} ms`, () => {
      expect(retryAfterOf(header, now)).to.equal(ms);
    });
  }

  it('takes the first of several', () => {
    expect(retryAfterOf(['1', '2'], now)).to.equal(1_000);
  });
});
