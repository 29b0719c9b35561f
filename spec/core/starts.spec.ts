import { expect } from 'chai';

import { InvalidOptionError } from '../../lib/core/errors.js';
import {
  earliest,
  fromAgo,
  fromOffset,
  fromTime,
  latest,
  newOnly,
  untilNow,
  untilOffset,
  untilTime,
} from '../../lib/core/starts.js';

const untyped = <T>(value: unknown): T => value as T;

describe('starts and ends', () => {
  it('say what they are', () => {
    expect(newOnly()).to.deep.equal({ kind: 'newOnly' });
    expect(latest()).to.deep.equal({ kind: 'latest' });
    expect(earliest()).to.deep.equal({ kind: 'earliest' });
    expect(untilNow()).to.deep.equal({ kind: 'untilNow' });
    expect(fromAgo(0)).to.deep.equal({ kind: 'fromAgo', ms: 0 });
  });

  it('take an offset as number or bigint', () => {
    expect(fromOffset(0)).to.deep.equal({ kind: 'fromOffset', offset: 0n });
    expect(fromOffset(Number.MAX_SAFE_INTEGER).offset).to.equal(2n ** 53n - 1n);
    expect(fromOffset(2n ** 64n - 1n).offset).to.equal(2n ** 64n - 1n);
    expect(untilOffset(7)).to.deep.equal({ kind: 'untilOffset', offset: 7n });
  });

  it('take a time as Date or milliseconds', () => {
    expect(fromTime(new Date(5))).to.deep.equal({ kind: 'fromTime', time: 5 });
    expect(fromTime(5)).to.deep.equal({ kind: 'fromTime', time: 5 });
    expect(untilTime(new Date(5))).to.deep.equal({ kind: 'untilTime', time: 5 });
  });

  for (const factory of [fromOffset, untilOffset]) {
    it(`${factory.name} refuses what is no exact offset`, () => {
      for (const bad of [-1, -1n, 1.5, NaN, Infinity, 2 ** 53, 2n ** 64n, '5', null, undefined, {}]) {
        expect(() => factory(untyped(bad))).to.throw(InvalidOptionError, `${factory.name} takes an integer from 0`);
      }
      expect(() => factory(-1n)).to.throw('got -1n');
      expect(() => factory(untyped('5'))).to.throw("got '5'");
    });
  }

  for (const factory of [fromTime, untilTime]) {
    it(`${factory.name} refuses what is no time`, () => {
      for (const bad of [NaN, Infinity, new Date('nonsense'), '2026-01-01', null, undefined, 5n]) {
        expect(() => factory(untyped(bad))).to.throw(InvalidOptionError, `${factory.name} takes a valid Date`);
      }
    });
  }

  it('fromAgo refuses what is no duration', () => {
    for (const bad of [-1, NaN, Infinity, '5', null, undefined, 5n]) {
      expect(() => fromAgo(untyped(bad))).to.throw(InvalidOptionError, 'fromAgo takes milliseconds');
    }
  });
});
