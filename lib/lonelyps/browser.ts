import { browserPlatform } from './browser/platform.js';
import { factory } from './create.js';
import type { LonelypsOptions } from './options.js';
import type { LonelypsBroker } from './types.js';

// its types are those of index.ts: a program is written for both
export { blob } from './held-body.js';

const make = factory(browserPlatform);

/**
 * A handle on lonelyps. For browsers: over the page's own WebSocket only, because a broadcaster answers no page's
 * requests. Nothing is connected until the first use or `connect()`. Subscriptions are set again after a reconnect; what may have
 * been lost meanwhile is told on `missed`.
 * @throws InvalidOptionError
 */
export function lonelyps(options: LonelypsOptions): LonelypsBroker {
  return make(options);
}
