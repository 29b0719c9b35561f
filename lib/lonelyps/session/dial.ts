import type { Clock } from '../../core/clock.js';
import { ClosedError, ConnectionError, type WeirError } from '../../core/errors.js';
import { asFault } from '../../core/gave-up.js';
import type { Auth } from '../auth/auth.js';
import type { Broadcaster } from '../broadcaster-options.js';
import type { Connection } from '../connection/connection.js';
import type { openConnection } from '../connection/open-connection.js';
import type { ConnectionHandlers } from '../connection/parts.js';
import type { ResolvedOptions } from '../options.js';
import type { Platform } from '../platform.js';
import type { Reach } from './socket-line.js';

/** A connection, and to whom. @internal */
export interface SocketLink {
  readonly broadcaster: Broadcaster;
  readonly connection: Connection;
}

/** What dialling needs. @internal */
export interface DialParts {
  readonly options: ResolvedOptions;
  readonly platform: Platform;
  readonly clock: Clock;
  readonly reach: Reach;
  readonly open: typeof openConnection;
  readonly handlers: (broadcaster: Broadcaster) => ConnectionHandlers;
}

const broker = 'lonelyps';
/** What uvicorn takes, unless it is set up otherwise. */
const maxFrameBytes = 16 * 1024 * 1024;

/**
 * Connects to the first broadcaster that lets us; all of them together have `connectTimeout`.
 * @param but - where not to try
 * @throws the error of the only one, or a ConnectionError that says of all; `signal.reason`
 * @internal
 */
export async function dial(
  parts: DialParts,
  auth: Auth,
  signal: AbortSignal,
  but: Broadcaster | undefined,
): Promise<SocketLink> {
  const { options, platform, clock, reach, open, handlers } = parts;
  const candidates = reach.candidates().filter((each) => each !== but);
  const end = clock.now() + options.connectTimeout;
  const errors: WeirError[] = [];
  for (const [index, broadcaster] of candidates.entries()) {
    const share = Math.max(1, Math.round((end - clock.now()) / (candidates.length - index)));
    try {
      const connection = await open({
        platform,
        url: `${broadcaster.url}/v1/websocket`,
        auth,
        options: {
          connectTimeout: share,
          spoolSize: options.spoolSize,
          maxMessageBytes: options.maxMessageBytes,
          maxFrameBytes,
          compression: options.compression,
          pingInterval: options.pingInterval === Infinity ? 0 : options.pingInterval,
          pingTimeout: options.pingTimeout,
          tls: options.tls,
        },
        clock,
        handlers: handlers(broadcaster),
        log: options.logger,
        signal,
      });
      reach.reached(broadcaster);
      if (!signal.aborted) return { broadcaster, connection };
      connection.destroy(new ClosedError('nobody waits for it any more', { broker }));
      signal.throwIfAborted();
    } catch (error) {
      signal.throwIfAborted();
      const known = asFault(broker, error);
      reach.notReached(broadcaster);
      options.logger.debug(`${broadcaster.url} could not be connected to`, known);
      errors.push(known);
    }
  }
  throw allOf(errors);
}

/** One error for all that were tried. */
function allOf(errors: readonly WeirError[]): WeirError {
  const last = errors.at(-1) ?? new ConnectionError('there is no other broadcaster to connect to', { broker });
  const isSame = errors.every(({ code, retriable }) => code === last.code && !retriable && !last.retriable);
  if (errors.length < 2 || isSame) return last;
  return new ConnectionError(
    `none of ${errors.length} broadcasters could be connected to: ${errors.map(({ message }) => message).join('; ')}`,
    { broker, cause: last, retriable: errors.some(({ retriable }) => retriable) },
  );
}
