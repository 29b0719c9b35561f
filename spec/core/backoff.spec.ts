import { expect } from 'chai';
import fc from 'fast-check';

import { Backoff, reconnectChecker, reconnectDefaults, reconnectPolicy } from '../../lib/core/backoff.js';
import { checkOptions } from '../../lib/core/check.js';
import { InvalidOptionError } from '../../lib/core/errors.js';

const steady = { initialDelay: 100, maxDelay: 1000, factor: 2, jitter: 0, maxAttempts: Infinity };

describe('Backoff', () => {
  it('waits longer each time, up to the longest wait', () => {
    const backoff = new Backoff(steady);
    const waits = Array.from({ length: 6 }, () => backoff.next());
    expect(waits).to.deep.equal([100, 200, 400, 800, 1000, 1000]);
    expect(backoff.attempts).to.equal(6);
  });

  it('begins again after a reset', () => {
    const backoff = new Backoff({ ...steady, maxAttempts: 2 });
    expect([backoff.next(), backoff.next(), backoff.next()]).to.deep.equal([100, 200, undefined]);
    expect(backoff.attempts).to.equal(2);
    backoff.reset();
    expect(backoff.attempts).to.equal(0);
    expect(backoff.next()).to.equal(100);
  });

  it('makes the share of each wait that is jitter random', () => {
    const wait = (jitter: number, random: number): number | undefined =>
      new Backoff({ ...steady, jitter }, () => random).next();
    expect(wait(0.5, 0)).to.equal(100);
    expect(wait(0.5, 0.5)).to.equal(75);
    expect(wait(0.5, 1)).to.equal(50);
    expect(wait(1, 1)).to.equal(0);
  });

  it('stays within its bounds for ever', () => {
    fc.assert(
      fc.property(
        fc.record({
          initialDelay: fc.integer({ min: 0, max: 10_000 }),
          maxDelay: fc.integer({ min: 0, max: 60_000 }),
          factor: fc.double({ min: 1, max: 1e6, noNaN: true }),
          jitter: fc.double({ min: 0, max: 1, noNaN: true }),
        }),
        (options) => {
          const backoff = new Backoff({ ...options, maxAttempts: Infinity });
          for (let i = 0; i < 2_000; i++) expect(backoff.next()).to.be.within(0, options.maxDelay);
        },
      ),
      { numRuns: 20 },
    );
  });
});

describe('reconnectPolicy', () => {
  it('fills in what was not said, and takes undefined as not said', () => {
    expect(reconnectPolicy(undefined)).to.deep.equal(reconnectDefaults);
    expect(reconnectPolicy({ factor: 3, jitter: undefined })).to.deep.equal({ ...reconnectDefaults, factor: 3 });
    expect(reconnectPolicy({ initialDelay: 0, initial: true })).to.include({ initialDelay: 0, initial: true });
    expect(reconnectPolicy(false)).to.equal(undefined);
  });
});

describe('reconnectChecker', () => {
  const check = (reconnect: unknown) => () => {
    checkOptions('memory()', { reconnect }, { reconnect: reconnectChecker });
  };

  it('accepts options and false', () => {
    for (const good of [undefined, false, {}, { maxAttempts: Infinity }, { ...reconnectDefaults }]) check(good)();
  });

  it('says what is wrong, in the words of the option', () => {
    const refused: [unknown, string][] = [
      [true, 'reconnect must be'],
      [{ jitter: 1.5 }, 'reconnect.jitter must be a number from 0 to 1; got 1.5'],
      [{ factor: 0.5 }, 'reconnect.factor must be a number of 1 or more; got 0.5'],
      [{ maxAttempts: 0 }, 'reconnect.maxAttempts must be an integer from 1 to 2147483647, or Infinity; got 0'],
      [{ maxDelay: Infinity }, 'reconnect.maxDelay must be a number of milliseconds, 0 or more; got Infinity'],
      [{ maxdelay: 1 }, "there is no option 'reconnect.maxdelay', did you mean 'maxDelay'?"],
    ];
    for (const [value, words] of refused) {
      expect(check(value)).to.throw(InvalidOptionError, words);
    }
  });
});
