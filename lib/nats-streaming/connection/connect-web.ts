import { UnsupportedError } from '../../core/errors.js';
import type { ConnectNats, ConnectRequest } from './connection.js';
import type { NatsConnectionLike } from './nats-connection.js';
import { firstInstalled, openNats } from './open.js';
import type { Connect } from './open.js';

/**
 * Connects to `ws://` and `wss://` addresses with `@nats-io/nats-core`, in a browser and in Node.
 * @internal
 */
export const connectNats: ConnectNats = async (request: ConnectRequest): Promise<NatsConnectionLike> => {
  if (!request.websocket) {
    throw new UnsupportedError(
      `${request.servers.join(', ')} can't be reached from a browser; give an address with ws:// or wss:// as servers`,
      { broker: 'nats-streaming' },
    );
  }
  if (!('WebSocket' in globalThis) && !('wsFactory' in request.natsOptions)) {
    throw new UnsupportedError(
      `${request.servers.join(', ')} needs a WebSocket, and this runtime has none; use Node 22 or later, or give natsOptions.wsFactory`,
      { broker: 'nats-streaming' },
    );
  }
  const { wsconnect } = await firstInstalled<{ wsconnect: Connect }>(
    '@nats-io/nats-core',
    request.servers.join(', '),
    // the handler tells bundlers that the package may be missing: a borrowed connection needs none
    () => import('@nats-io/nats-core').catch(rethrow),
  );
  return openNats(wsconnect, request);
};

function rethrow(error: unknown): never {
  throw error;
}
