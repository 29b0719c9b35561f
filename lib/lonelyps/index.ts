import { factory } from './create.js';
import { nodePlatform } from './node/platform.js';
import { withWebSocket } from './node/with-websocket.js';
import type { LonelypsOptions } from './options.js';
import { makeSession } from './session/make-session.js';
import type { LonelypsBroker } from './types.js';

export type { TlsMaterial, TlsOptions } from '../core/tls.js';
export type { AuthSide, HmacAuth, LonelypsAuth, NoAuth, TokenAuth } from './auth/auth-options.js';
export type { LonelypsBroadcaster } from './broadcaster-options.js';
export type { Missed } from './broker.js';
export type { LonelypsCompression } from './compression-options.js';
export type { LonelypsRequestHandler } from './connection/http.js';
export type { LonelypsDelivery } from './delivery.js';
export type { LonelypsFields } from './fields.js';
export { blob } from './held-body.js';
export type { LonelypsBlob } from './held-body.js';
export { authFromFile } from './node/secrets-file.js';
export type { LonelypsDedupe } from './dedupe-options.js';
export type { LonelypsOptions } from './options.js';
export type { LonelypsBytes } from './platform.js';
export type { LonelypsReceive, ReceiveByHandler, ReceiveOnPort, ReceiveOverWebSocket } from './receive-options.js';
export type { LonelypsChannel, LonelypsSelection, LonelypsTopic } from './selection.js';
export type { LonelypsSourceOptions } from './source/options.js';
export type { LonelypsBroker, LonelypsDeliveryKind, LonelypsTypes } from './types.js';
export type { WebSocketConstructor, WebSocketLike } from './web-socket.js';

const make = factory(
  ({ WebSocket }) => (WebSocket === undefined ? nodePlatform : withWebSocket(nodePlatform, WebSocket)),
  makeSession,
);

/**
 * A handle on lonelyps: over HTTP with callbacks, over a websocket, or one that only publishes. Nothing is connected and no port
 * is opened until the first use or `connect()`. Subscriptions that a broadcaster has lost are set again; what was lost on the
 * way is told on `missed`.
 * @throws InvalidOptionError
 */
export function lonelyps(options: LonelypsOptions): LonelypsBroker {
  return make(options);
}
