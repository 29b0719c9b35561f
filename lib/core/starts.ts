import { InvalidOptionError } from './errors.js';

const newest = { kind: 'newOnly' } as const;

/** Where a subscription begins. Made by the factory functions of this module, never by hand. */
export type Start = NewOnly | Latest | Earliest | FromOffset | FromTime | FromAgo;
/** Where a subscription ends by itself. */
export type Until = UntilNow | UntilOffset | UntilTime;

/** See {@link newOnly}. */
export interface NewOnly {
  readonly kind: 'newOnly';
}
/** See {@link latest}. */
export interface Latest {
  readonly kind: 'latest';
}
/** See {@link earliest}. */
export interface Earliest {
  readonly kind: 'earliest';
}
/** See {@link fromOffset}. */
export interface FromOffset {
  readonly kind: 'fromOffset';
  readonly offset: bigint;
}
/** See {@link fromTime}. */
export interface FromTime {
  readonly kind: 'fromTime';
  /** Milliseconds since the Unix epoch. */
  readonly time: number;
}
/** See {@link fromAgo}. */
export interface FromAgo {
  readonly kind: 'fromAgo';
  /** Milliseconds. */
  readonly ms: number;
}
/** See {@link untilNow}. */
export interface UntilNow {
  readonly kind: 'untilNow';
}
/** See {@link untilOffset}. */
export interface UntilOffset {
  readonly kind: 'untilOffset';
  readonly offset: bigint;
}
/** See {@link untilTime}. */
export interface UntilTime {
  readonly kind: 'untilTime';
  /** Milliseconds since the Unix epoch. */
  readonly time: number;
}

/** Only what is stored after the subscription began. The default. */
export function newOnly(): NewOnly {
  return newest;
}

/** The last message in the channel, and everything after it. */
export function latest(): Latest {
  return { kind: 'latest' };
}

/** Everything that the broker still has, and everything after it. */
export function earliest(): Earliest {
  return { kind: 'earliest' };
}

/**
 * That offset and everything after it; where retention has removed it, from the first that is left.
 * @throws InvalidOptionError for a negative, fractional or unsafe number: above 2^53 - 1 give a bigint.
 */
export function fromOffset(offset: number | bigint): FromOffset {
  return { kind: 'fromOffset', offset: checkedOffset('fromOffset', offset) };
}

/**
 * Everything stored at or after that moment.
 * @param time - a Date, or milliseconds since the Unix epoch
 */
export function fromTime(time: Date | number): FromTime {
  return { kind: 'fromTime', time: checkedTime('fromTime', time) };
}

/**
 * Everything stored within the last `ms` milliseconds, and everything after it.
 * @param ms - milliseconds, 0 or more
 */
export function fromAgo(ms: number): FromAgo {
  if (typeof ms !== 'number' || !Number.isFinite(ms) || ms < 0) {
    throw new InvalidOptionError(`fromAgo takes milliseconds, a number of 0 or more; got ${show(ms)}`);
  }
  return { kind: 'fromAgo', ms };
}

/** Completes after what was the last message when the subscription began; at once if there is none to come. */
export function untilNow(): UntilNow {
  return { kind: 'untilNow' };
}

/** Completes after that offset, or at the first message beyond it. */
export function untilOffset(offset: number | bigint): UntilOffset {
  return { kind: 'untilOffset', offset: checkedOffset('untilOffset', offset) };
}

/** Completes at the first message that was stored after that moment, without emitting it. */
export function untilTime(time: Date | number): UntilTime {
  return { kind: 'untilTime', time: checkedTime('untilTime', time) };
}

const maxOffset = 2n ** 64n - 1n;

function checkedOffset(factory: string, offset: unknown): bigint {
  const valid =
    (typeof offset === 'bigint' && offset >= 0n && offset <= maxOffset) ||
    (typeof offset === 'number' && Number.isSafeInteger(offset) && offset >= 0);
  if (!valid) {
    throw new InvalidOptionError(
      `${factory} takes an integer from 0, or a bigint up to 2^64 - 1 where a number is not exact; got ${show(offset)}`,
    );
  }
  return BigInt(offset);
}

function checkedTime(factory: string, time: unknown): number {
  const ms = time instanceof Date ? time.getTime() : time;
  if (typeof ms !== 'number' || !Number.isFinite(ms)) {
    throw new InvalidOptionError(`${factory} takes a valid Date or milliseconds since 1970; got ${show(time)}`);
  }
  return ms;
}

function show(value: unknown): string {
  return typeof value === 'bigint' ? `${value}n` : typeof value === 'string' ? `'${value}'` : String(value);
}
