import type { MessageFields } from '../core/broker.js';

/** What goes out beside the bytes on NATS Streaming. Its messages carry neither keys nor headers. */
export interface NatsStreamingFields extends MessageFields {
  readonly key?: undefined;
  readonly headers?: undefined;
  /** The guid that the server confirms; unique among what is not confirmed yet. The server does not deduplicate by it. */
  readonly id?: string | undefined;
  /** Handed on to the subscribers as `replyTo`. */
  readonly replyTo?: string | undefined;
}
