import { connectNats as connectWeb } from './connect-web.js';
import type { ConnectNats, ConnectRequest } from './connection.js';
import type { NatsConnectionLike } from './nats-connection.js';
import { firstInstalled, openNats } from './open.js';
import type { Connect } from './open.js';

/**
 * Connects with `nats` or else `@nats-io/transport-node`, whichever is installed; to `ws://` and `wss://` addresses with
 * `@nats-io/nats-core`.
 * @internal
 */
export const connectNats: ConnectNats = async (request: ConnectRequest): Promise<NatsConnectionLike> => {
  if (request.websocket) return connectWeb(request);
  const { connect } = await firstInstalled<{ connect: Connect }>(
    'nats',
    request.servers.join(', '),
    () => import('nats'),
    () => import('@nats-io/transport-node'),
  );
  return openNats(connect, request);
};
