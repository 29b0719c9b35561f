import { ok, skipped, warning, type Check } from './check.js';

/** From how many ms the clocks count as different. */
const tolerance = 2_000;

/**
 * Compares the clocks of this machine and the broker's.
 * @param there - when the broker says that it happened
 * @param before - a moment here that was earlier
 * @param after - and one that was later; all are ms since 1970
 */
export function clockCheck(there: number | undefined, before: number, after: number): Check {
  if (there === undefined) return skipped('clock', 'the broker tells no time');
  const skew = there < before ? there - before : there > after ? there - after : 0;
  const words = `the broker's clock is ${(Math.abs(skew) / 1000).toFixed(1)} s ${skew < 0 ? 'behind' : 'ahead of'} this one`;
  if (Math.abs(skew) <= tolerance) {
    return ok('clock', skew === 0 ? 'the clocks agree' : `the clocks agree, to ${String(Math.abs(skew))} ms`);
  }
  return warning('clock', words, 'set both by NTP: starts and ends by time count by the clock of the broker');
}
