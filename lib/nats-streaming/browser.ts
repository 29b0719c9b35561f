import type { NatsStreamingBroker } from './broker.js';
import { connectNats } from './connection/connect-web.js';
import { factory } from './create.js';
import type { NatsStreamingOptions } from './options.js';

// its types are those of index.ts: a program is written for both
const make = factory(connectNats);

/**
 * A handle on NATS Streaming (STAN): one client id in one cluster. For browsers: it connects to
 * websocket addresses only. Nothing is connected until the first use or `connect()`.
 * A session that is lost is renewed by itself, and subscriptions go on where they stood.
 * @throws InvalidOptionError
 */
export function natsStreaming(options: NatsStreamingOptions): NatsStreamingBroker {
  return make(options);
}
