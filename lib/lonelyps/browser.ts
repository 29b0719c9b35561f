import { browserPlatform } from './browser/platform.js';
import { factory } from './create.js';
import type { LonelypsOptions } from './options.js';
import { SocketSession } from './session/socket-session.js';
import type { LonelypsBroker } from './types.js';

// its types are those of index.ts: a program is written for both
export { blob } from './held-body.js';

// a page has no HTTP to broadcasters, and its bundle none of what speaks it
const make = factory(browserPlatform, (parts) => new SocketSession(parts));

/**
 * A handle on lonelyps. For browsers: over the page's own WebSocket only, because a broadcaster answers no page's
 * requests. Nothing is connected until the first use or `connect()`. Subscriptions are set again after a reconnect; what may have
 * been lost meanwhile is told on `missed`.
 * @throws InvalidOptionError
 */
export function lonelyps(options: LonelypsOptions): LonelypsBroker {
  return make(options);
}
