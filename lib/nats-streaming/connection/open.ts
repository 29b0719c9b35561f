import { UnsupportedError } from '../../core/errors.js';
import type { ConnectRequest } from './connection.js';
import { natsError } from './errors.js';
import type { NatsConnectionLike } from './nats-connection.js';

/** The `connect` of a NATS client, `nats` v2 or v3. @internal */
export type Connect = (options: Record<string, unknown>) => Promise<NatsConnectionLike>;

/** Calls `connect` with the options of either client. Rejects with one of our errors. @internal */
export async function openNats(connect: Connect, request: ConnectRequest): Promise<NatsConnectionLike> {
  const { servers, tls, credentials, reconnectDelay } = request;
  try {
    return await connect({
      name: request.name,
      noAsyncTraces: true,
      // a peer that is gone without a word is found within a minute, where the client's own default takes six
      pingInterval: 20_000,
      ...(tls ? { tls: {} } : {}),
      ...credentials,
      ...request.natsOptions,
      servers: [...servers],
      timeout: request.timeout,
      waitOnFirstConnect: false,
      reconnect: reconnectDelay !== undefined,
      maxReconnectAttempts: reconnectDelay === undefined ? 0 : -1,
      ...(reconnectDelay && { reconnectDelayHandler: reconnectDelay }),
    });
  } catch (error) {
    throw natsError(error, `cannot connect to ${servers.join(', ')}`);
  }
}

/**
 * The first of these packages that is installed.
 * @param install - the one to name where none is
 * @throws UnsupportedError that says in one line what to install
 * @internal
 */
export async function firstInstalled<T>(
  install: string,
  what: string,
  ...imports: readonly (() => Promise<unknown>)[]
): Promise<T> {
  let cause: unknown;
  for (const each of imports) {
    try {
      const found = (await each()) as { default?: unknown };
      // a bundler may have put a CommonJS package behind its default export
      return ('connect' in found || 'wsconnect' in found ? found : (found.default ?? found)) as T;
    } catch (error) {
      if (!isNotFound(error)) throw natsError(error, `cannot load the NATS client for ${what}`);
      cause ??= error;
    }
  }
  throw new UnsupportedError(`${what} needs a NATS client, and none is installed: npm install ${install}`, {
    broker: 'nats-streaming',
    cause,
    detail: { package: install },
  });
}

function isNotFound(error: unknown): boolean {
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown };
  if (code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND') return true;
  // browsers have no code for a bare name that nobody resolved
  return (
    error instanceof TypeError && typeof message === 'string' && /module specifier|dynamically imported/i.test(message)
  );
}
