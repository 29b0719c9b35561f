import { bounded } from '../../core/bounded.js';
import type { Clock } from '../../core/clock.js';
import { BrokerTimeoutError, ConnectionError, StreamUnavailableError, WeirError } from '../../core/errors.js';
import { pause } from '../../core/pause.js';
import type { CallStatus } from '../connection/call.js';
import type { Channel } from '../connection/channel.js';
import type { ResolvedOptions } from '../options.js';
import type { Main } from './main.js';
import type { Routes } from './routes.js';
import { metadataPatience } from './topology.js';

/** What a unary call is for, and how it is made. @internal */
export interface CallOptions<T> {
  /** After "cannot", for errors: `create the stream 'orders'`. */
  readonly asked: string;
  /** Reads the answer; may throw a ProtocolError. */
  readonly decode: (bytes: Uint8Array) => T;
  /** The caller's own reading of a status, before the general one. */
  readonly fail?: ((status: CallStatus) => WeirError | undefined) | undefined;
  /** Whether to ask once more where the connection was lost meanwhile: not for what is not idempotent. Default true. */
  readonly repeat?: boolean | undefined;
  /** How long to wait until there is a connection, in milliseconds. Default: `requestTimeout`. */
  readonly within?: number | undefined;
  /** Milliseconds for all attempts together. Default: `requestTimeout`. */
  readonly timeout?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What {@link Calls} are made of. @internal */
export interface CallsParts {
  readonly options: ResolvedOptions;
  readonly clock: Clock;
  readonly main: Pick<Main, 'ready'>;
  readonly routes: Pick<Routes, 'leader'>;
}

/** Milliseconds until what is not possible yet is tried again, at first and at most. */
const firstWait = 50;
const longestWait = 1_000;
/** The timeouts within say more than the one around them, and so come first by this much, in ms. */
const margin = 250;

/** Unary calls that are made again where that may help. @internal */
export class Calls {
  constructor(private readonly parts: CallsParts) {}

  /** To any broker. */
  async toAny<T>(method: string, request: Uint8Array, options: CallOptions<T>): Promise<T> {
    const { main, clock, options: settings } = this.parts;
    const { within = settings.requestTimeout, timeout = settings.requestTimeout, signal } = options;
    let end: number | undefined;
    let mayRepeat = options.repeat ?? true;
    for (let wait = firstWait; ;) {
      const channel = await main.ready({ within, signal });
      // what a connection takes is not the request's time
      end ??= clock.now() + timeout;
      try {
        return await this.once(channel, method, request, options, Math.max(end - clock.now(), margin));
      } catch (error) {
        if (mayRepeat && error instanceof ConnectionError && !channel.up) {
          mayRepeat = false;
          continue;
        }
        if (!isNotYet(error) || clock.now() + wait >= end) throw error;
      }
      await pause(wait, clock, signal);
      wait = Math.min(wait * 2, longestWait);
    }
  }

  /** To the leader of a partition, wherever it moves. */
  toLeader<T>(
    stream: string,
    partition: number,
    method: string,
    request: Uint8Array,
    options: CallOptions<T>,
  ): Promise<T> {
    const { clock, options: settings } = this.parts;
    const { timeout = settings.requestTimeout, signal } = options;
    let last: unknown;
    const late = (): WeirError => {
      const reason = last instanceof WeirError ? `: ${last.message}` : '';
      const message = `cannot ${options.asked}: it was not done within ${timeout} ms${reason}`;
      return new BrokerTimeoutError(message, { broker: 'liftbridge', cause: last, detail: { stream, partition } });
    };
    const ms = Math.max(timeout, metadataPatience) + margin;
    return bounded({ clock, ms, late, signal }, async (bound) => {
      const end = clock.now() + timeout;
      for (let wait = firstWait, fresh = false; ; wait = Math.min(wait * 2, longestWait), fresh = true) {
        let channel: Channel | undefined;
        try {
          channel = await this.parts.routes.leader(stream, partition, { fresh, signal: bound });
          const left = Math.max(end - clock.now(), margin);
          return await this.once(channel, method, request, { ...options, signal: bound }, left);
        } catch (error) {
          if (bound.aborted || !this.mayMove(error, channel, options.repeat ?? true)) throw error;
          if (clock.now() + wait >= end) throw error;
          last = error;
        }
        await pause(wait, clock, bound);
      }
    });
  }

  private async once<T>(
    channel: Channel,
    method: string,
    request: Uint8Array,
    { asked, decode, fail, signal }: CallOptions<T>,
    timeout: number,
  ): Promise<T> {
    try {
      return await channel.unary(method, request, {
        asked,
        decode,
        timeout,
        signal,
        ...(fail && { fail }),
      });
    } catch (error) {
      // a broker that hangs would keep all the others waiting as well
      if (error instanceof BrokerTimeoutError) void channel.probe(this.parts.options.pingTimeout);
      throw error;
    }
  }

  /** Whether the leader may be elsewhere, or soon be. */
  private mayMove(error: unknown, channel: Channel | undefined, mayRepeat: boolean): boolean {
    if (!(error instanceof WeirError) || !error.retriable) return false;
    // nobody leads a paused partition, and that may last
    if (error instanceof StreamUnavailableError) return error.detail?.['paused'] !== true;
    // without a channel nothing was asked
    if (!channel) return error.code === 'CONNECTION' || error.code === 'TIMEOUT';
    return mayRepeat && error instanceof ConnectionError;
  }
}

/** Whether a broker has refused what it may do in a moment: its cluster has no leader, most often. */
function isNotYet(error: unknown): boolean {
  return error instanceof StreamUnavailableError && error.retriable;
}
