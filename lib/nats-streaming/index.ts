import type { NatsStreamingBroker } from './broker.js';
import { connectNats } from './connection/connect.js';
import { factory } from './create.js';
import type { NatsStreamingOptions } from './options.js';

export type {
  NatsStreamingBroker,
  NatsStreamingDeliveryKind,
  NatsStreamingSourceOptions,
  NatsStreamingStart,
  NatsStreamingTypes,
  NatsStreamingUntil,
} from './broker.js';
export type { NatsConnectionLike, NatsMessageLike } from './connection/nats-connection.js';
export type { NatsStreamingDelivery } from './delivery.js';
export type { NatsStreamingFields } from './fields.js';
export type { NatsOptions, NatsStreamingOptions } from './options.js';

const make = factory(connectNats);

/**
 * A handle on NATS Streaming (STAN): one client id in one cluster. Nothing is connected until the first use or `connect()`.
 * A session that is lost is renewed by itself, and subscriptions go on where they stood.
 * @throws InvalidOptionError
 */
export function natsStreaming(options: NatsStreamingOptions): NatsStreamingBroker {
  return make(options);
}
