import type { BaseRpcContext } from '@nestjs/microservices';
import type { AnyBroker, Broker, BrokerTypes } from '../core/broker.js';
import type { Delivery } from '../core/delivery.js';
import { baseClass, nestMicroservices } from './packages.js';

/** What a {@link BrokerContext} is made of. */
export interface BrokerContextParts {
  readonly delivery: Delivery<unknown>;
  readonly broker: Broker;
  /** The pattern that the message was sent to; its channel, where the message does not say. */
  readonly pattern: string;
  readonly headers: ReadonlyMap<string, unknown>;
}

type BaseContext = new (args: readonly unknown[]) => BaseRpcContext<readonly unknown[]>;

const Base = baseClass<BaseContext>(() => nestMicroservices().BaseRpcContext);

/**
 * What a handler gets by `@Ctx()`, and a guard, an interceptor or a filter by `host.switchToRpc().getContext()`.
 * @typeParam K - the types of the broker, where its own delivery is wanted: `BrokerContext<NatsStreamingTypes>`
 */
export class BrokerContext<K extends BrokerTypes = AnyBroker> extends Base {
  /**
   * The message, to settle it by hand under `ack: 'manual'`. Its `value` is the bytes; `@Payload()` is what the codec
   * makes of them.
   */
  readonly delivery: (K['delivery'] & { readonly T: unknown })['type'];
  /** The handle it came by. */
  readonly broker: Broker<K>;
  /** The pattern that the message was sent to, as Nest writes it; its channel, where the message does not say. */
  readonly pattern: string;
  /** The message's headers; those of a request over a broker without headers come from its packet. */
  readonly headers: ReadonlyMap<string, unknown>;

  /** Made for each message by the server; by hand, for the spec of a guard or a filter. */
  constructor({ delivery, broker, pattern, headers }: BrokerContextParts) {
    super([delivery, delivery.channel, broker, pattern]);
    this.delivery = delivery;
    this.broker = broker;
    this.pattern = pattern;
    this.headers = headers;
  }

  /** The channel it came on. */
  get channel(): string {
    return (this.delivery as Delivery<unknown>).channel;
  }

  /** Which attempt at the message this is, from 1, as far as the broker counts or tells. */
  get attempt(): number {
    const { redeliveries, redelivered } = this.delivery as Delivery<unknown>;
    return (redeliveries ?? (redelivered ? 1 : 0)) + 1;
  }
}
