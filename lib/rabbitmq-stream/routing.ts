import { InvalidOptionError } from '../core/errors.js';

/** How a sink of a super stream finds the partition for a value. Made by {@link routeByHash} or {@link routeByKey}. */
export interface RabbitMqStreamRouting {
  readonly kind: 'hash' | 'key';
  /** @internal */
  readonly keyOf: (value: never) => string;
}

/**
 * Spreads values over the partitions by the hash of a key: equal keys always go to the same partition, in their order.
 * The hash is the one that RabbitMQ's clients for Java, Go, .NET and JavaScript take, so that a key lands in the same
 * partition from all of them (Python's rstream takes another).
 *
 * @param keyOf - gives a value's key; it gets the value as the sink did, before `message`
 * @example
 * ```ts
 * const orders = broker.sink('orders', {
 *   superStream: true,
 *   routing: routeByHash((order: Order) => order.customer),
 *   codec: json<Order>(),
 * });
 * ```
 * @throws InvalidOptionError
 */
export function routeByHash<V>(keyOf: (value: V) => string): RabbitMqStreamRouting {
  return routing('hash', 'routeByHash', keyOf);
}

/**
 * Sends each value to the partitions that are bound with its key; the broker is asked once for each key. A value whose
 * key has no partition gets a failed receipt with a `RoutingError`; where a key has several, each of them gets the value,
 * and it is confirmed when all have it.
 *
 * @param keyOf - gives a value's key; it gets the value as the sink did, before `message`
 * @throws InvalidOptionError
 */
export function routeByKey<V>(keyOf: (value: V) => string): RabbitMqStreamRouting {
  return routing('key', 'routeByKey', keyOf);
}

function routing<V>(kind: 'hash' | 'key', name: string, keyOf: (value: V) => string): RabbitMqStreamRouting {
  if (typeof keyOf !== 'function') {
    throw new InvalidOptionError(`${name}(keyOf) takes a function that gives a value's key, a string`, {
      broker: 'rabbitmq-stream',
    });
  }
  return { kind, keyOf };
}

/** Whether it was made by one of the two. @internal */
export function isRouting(value: unknown): value is RabbitMqStreamRouting {
  if (typeof value !== 'object' || value === null) return false;
  const { kind, keyOf } = value as Partial<RabbitMqStreamRouting>;
  return (kind === 'hash' || kind === 'key') && typeof keyOf === 'function';
}
