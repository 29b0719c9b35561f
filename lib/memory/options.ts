import type { SchedulerLike } from 'rxjs';
import { reconnectChecker, reconnectPolicy, type ReconnectOptions, type ReconnectPolicy } from '../core/backoff.js';
import { checkOptions, count, duration, instance, type Shape } from '../core/check.js';
import { schedulerClock, systemClock, type Clock } from '../core/clock.js';
import { guarded, type Logger } from '../core/logger.js';

/** What `memory` takes. All durations are milliseconds. */
export interface MemoryOptions {
  /** Where all time comes from: an RxJS `TestScheduler` makes everything happen in virtual time. Default: the system's. */
  readonly scheduler?: SchedulerLike | undefined;
  /** Bytes that a channel keeps; the oldest messages go first, the newest stays. Default: no bound. */
  readonly maxBytes?: number | undefined;
  /** Messages that a channel keeps. Default: no bound. */
  readonly maxMessages?: number | undefined;
  /** Milliseconds for which a channel keeps a message. Default: no bound. */
  readonly maxAge?: number | undefined;
  /**
   * How long the first connect may take while `faults.drop` keeps the connection down.
   * @defaultValue 5000
   */
  readonly connectTimeout?: number | undefined;
  /**
   * How long `close()` may wait for unsettled deliveries and unconfirmed publishes.
   * @defaultValue 10 000
   */
  readonly closeTimeout?: number | undefined;
  /** How a dropped connection is made again; false: not at all. */
  readonly reconnect?: ReconnectOptions | false | undefined;
  /** Where to log; silent by default. */
  readonly logger?: Logger | undefined;
}

/** @internal */
export interface ResolvedMemoryOptions {
  readonly clock: Clock;
  readonly connectTimeout: number;
  readonly closeTimeout: number;
  readonly reconnect: ReconnectPolicy | undefined;
  readonly logger: Logger;
}

/** The options that concern a handle, and not the store behind it. */
export type MemoryHandleOptions = Pick<MemoryOptions, 'connectTimeout' | 'closeTimeout' | 'reconnect' | 'logger'>;

const handleShape: Shape<MemoryHandleOptions> = {
  connectTimeout: duration({ min: 1 }),
  closeTimeout: duration(),
  reconnect: reconnectChecker,
  logger: instance(isLogger, 'an object with the functions debug, info, warn and error'),
};

const shape: Shape<MemoryOptions> = {
  ...handleShape,
  scheduler: instance(isScheduler, 'an RxJS scheduler, such as a TestScheduler'),
  maxBytes: count({ max: Number.MAX_SAFE_INTEGER }),
  maxMessages: count({ max: Number.MAX_SAFE_INTEGER }),
  maxAge: duration({ min: 1 }),
};

/** @internal */
export function resolveMemoryOptions(options: MemoryOptions): ResolvedMemoryOptions {
  checkOptions('memory()', options, shape);
  return resolved(options, options.scheduler === undefined ? systemClock : schedulerClock(options.scheduler));
}

/** @internal */
export function resolveHandleOptions(options: MemoryHandleOptions, clock: Clock): ResolvedMemoryOptions {
  checkOptions('handle()', options, handleShape);
  return resolved(options, clock);
}

function resolved(options: MemoryHandleOptions, clock: Clock): ResolvedMemoryOptions {
  return {
    clock,
    connectTimeout: options.connectTimeout ?? 5_000,
    closeTimeout: options.closeTimeout ?? 10_000,
    reconnect: reconnectPolicy(options.reconnect),
    logger: guarded(options.logger),
  };
}

function isScheduler(value: unknown): boolean {
  return isRecord(value) && typeof value['schedule'] === 'function' && typeof value['now'] === 'function';
}

function isLogger(value: unknown): boolean {
  return isRecord(value) && ['debug', 'info', 'warn', 'error'].every((name) => typeof value[name] === 'function');
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
