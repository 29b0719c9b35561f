import { UnsupportedError } from '../../core/errors.js';
import type { Zstd } from '../platform.js';
import type { Connection } from './connection.js';
import { Opening } from './opening.js';
import type { ConnectionParts } from './parts.js';

/**
 * Connects to one broadcaster, and resolves when it has confirmed.
 * @throws ConnectionError, BrokerTimeoutError, AuthenticationError, ProtocolError, UnsupportedError; `signal.reason`
 * @internal
 */
export async function openConnection(parts: ConnectionParts): Promise<Connection> {
  const { signal, clock, options } = parts;
  signal?.throwIfAborted();
  await parts.platform.load('websocket');
  const zstd = await loadZstd(parts);
  signal?.throwIfAborted();
  const opening = new Opening(parts, zstd);
  const abort = (): void => opening.fail(signal?.reason);
  const cancel = clock.after(options.connectTimeout, () => opening.timedOut());
  signal?.addEventListener('abort', abort, { once: true });
  try {
    const connection = await opening.confirmed;
    connection.adopt();
    return connection;
  } finally {
    cancel();
    signal?.removeEventListener('abort', abort);
  }
}

async function loadZstd({ platform, options: { compression }, log }: ConnectionParts): Promise<Zstd | undefined> {
  if (!compression) return undefined;
  const zstd = await platform.loadZstd();
  if (!zstd && compression.required) {
    throw new UnsupportedError(
      'compression needs zstd, which this runtime does not have; install the package @bokuweb/zstd-wasm, or leave compression out',
      { broker: 'lonelyps', detail: { package: '@bokuweb/zstd-wasm' } },
    );
  }
  if (!zstd) log.debug('lonelyps: no zstd here, nothing is compressed');
  return zstd;
}
