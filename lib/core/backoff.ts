import { count, duration, either, flag, object, oneOf, ratio } from './check.js';
import type { Checker, Shape } from './check.js';

/** How a lost connection is made again. */
export interface ReconnectOptions {
  /**
   * Milliseconds before the first attempt.
   * @defaultValue 250
   */
  readonly initialDelay?: number | undefined;
  /**
   * The longest wait between two attempts, in milliseconds.
   * @defaultValue 30 000
   */
  readonly maxDelay?: number | undefined;
  /**
   * What each wait is multiplied by to give the next; 1 or more.
   * @defaultValue 2
   */
  readonly factor?: number | undefined;
  /**
   * The share of each wait that is random, 0 to 1, so that many clients don't come back at the same moment.
   * With 0.5, a wait is between half of its length and all of it.
   * @defaultValue 0.5
   */
  readonly jitter?: number | undefined;
  /**
   * After how many failed attempts in a row to give up; sources then error.
   * @defaultValue Infinity
   */
  readonly maxAttempts?: number | undefined;
  /**
   * Whether the first connect is tried again too, instead of failing after `connectTimeout`.
   * @defaultValue false
   */
  readonly initial?: boolean | undefined;
}

/** {@link ReconnectOptions} with every one of them said. @internal */
export type ReconnectPolicy = { readonly [K in keyof ReconnectOptions]-?: NonNullable<ReconnectOptions[K]> };

/** What {@link ReconnectOptions} stand at when nothing is said. @internal */
export const reconnectDefaults: ReconnectPolicy = {
  initialDelay: 250,
  maxDelay: 30_000,
  factor: 2,
  jitter: 0.5,
  maxAttempts: Infinity,
  initial: false,
};

/** @internal */
export const reconnectShape: Shape<ReconnectOptions> = {
  initialDelay: duration(),
  maxDelay: duration(),
  factor: ratio(1),
  jitter: ratio(0, 1),
  maxAttempts: count({ infinity: true }),
  initial: flag(),
};

/** The `reconnect` option of every factory: options, or false. @internal */
export const reconnectChecker: Checker = either(object(reconnectShape), oneOf(false));

/** The options with their defaults; undefined where nothing is to be connected again. @internal */
export function reconnectPolicy(option: ReconnectOptions | false | undefined): ReconnectPolicy | undefined {
  if (option === false) return undefined;
  const defaults = reconnectDefaults;
  return {
    initialDelay: option?.initialDelay ?? defaults.initialDelay,
    maxDelay: option?.maxDelay ?? defaults.maxDelay,
    factor: option?.factor ?? defaults.factor,
    jitter: option?.jitter ?? defaults.jitter,
    maxAttempts: option?.maxAttempts ?? defaults.maxAttempts,
    initial: option?.initial ?? defaults.initial,
  };
}

/** What a {@link Backoff} needs to know. @internal */
export type BackoffOptions = Omit<ReconnectPolicy, 'initial'>;

/** How long to wait before each attempt: longer and longer, with a random share, up to a number of attempts. @internal */
export class Backoff {
  private readonly options: BackoffOptions;
  private readonly random: () => number;
  private delay: number;
  private count = 0;

  constructor(options: BackoffOptions, random: () => number = Math.random) {
    this.options = options;
    this.random = random;
    this.delay = options.initialDelay;
  }

  /** How many attempts were given out since the last reset. */
  get attempts(): number {
    return this.count;
  }

  /** The milliseconds to wait before the next attempt; undefined when the attempts are used up. */
  next(): number | undefined {
    const { maxDelay, factor, jitter, maxAttempts } = this.options;
    if (this.count >= maxAttempts) return undefined;
    this.count++;
    const delay = Math.min(this.delay, maxDelay);
    this.delay = Math.min(delay * factor, maxDelay);
    return delay * (1 - jitter * this.random());
  }

  /** After a success: the next wait is the first one again. */
  reset(): void {
    this.count = 0;
    this.delay = this.options.initialDelay;
  }
}
