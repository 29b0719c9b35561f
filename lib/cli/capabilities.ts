import type { Kind } from './url.js';

/** What a broker can do, as far as a user of the command sees it. */
export interface Capabilities {
  /** Whether messages are kept and can be read again. */
  readonly replay: boolean;
  readonly durable: boolean;
  readonly queue: boolean;
  readonly headers: boolean;
  readonly keys: boolean;
  /** Whether a stream has to be made before it is used. */
  readonly streamsAreMade: boolean;
}

/** Of each broker. */
export const capabilities: Readonly<Record<Kind, Capabilities>> = {
  memory: { replay: true, durable: true, queue: true, headers: true, keys: true, streamsAreMade: false },
  'nats-streaming': { replay: true, durable: true, queue: true, headers: false, keys: false, streamsAreMade: false },
  'rabbitmq-stream': { replay: true, durable: true, queue: true, headers: true, keys: false, streamsAreMade: true },
  liftbridge: { replay: true, durable: true, queue: true, headers: true, keys: true, streamsAreMade: true },
  lonelyps: { replay: false, durable: false, queue: false, headers: false, keys: false, streamsAreMade: false },
};
