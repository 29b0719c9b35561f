/* Compiled only: what a broker's methods take and give. */
import { of, type Observable } from 'rxjs';
import {
  bridgeTo,
  bytes,
  earliest,
  fromAgo,
  fromOffset,
  json,
  text,
  untilNow,
  untilOffset,
  type AnyBroker,
  type Broker,
  type BrokerTypes,
  type Codec,
  type ConfirmedReceipt,
  type Delivery,
  type Earliest,
  type FromOffset,
  type MessageFields,
  type Receipt,
  type Sink,
  type SinkOptions,
  type SourceOptions,
  type UntilOffset,
} from '../../lib/index.js';
import { memory, type MemoryDelivery } from '../../lib/memory/index.js';
import { natsStreaming, type NatsStreamingDelivery } from '../../lib/nats-streaming/index.js';

/** Whether two types are the same, not only assignable. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** Fails to compile unless the value's type is exactly the one asked for. */
function expectType<Expected>() {
  return <T>(value: T, ...proof: Same<T, Expected> extends true ? [] : [never]): void => {
    void [value, proof];
  };
}

interface Order {
  readonly id: number;
}

/** A broker with a delivery of its own, few starts, and one field more. */
interface PartitionDelivery<T = Uint8Array> extends Delivery<T> {
  readonly partition: number;
}
interface PartitionKind {
  readonly T: unknown;
  readonly type: PartitionDelivery<this['T']>;
}
interface PartitionFields extends MessageFields {
  readonly partition?: number | undefined;
}
interface PartitionTypes extends BrokerTypes {
  readonly delivery: PartitionKind;
  readonly source: SourceOptions<Earliest | FromOffset, UntilOffset> & { readonly partition?: number | undefined };
  readonly fields: PartitionFields;
  readonly sink: SinkOptions;
}

declare const broker: Broker;
declare const partitioned: Broker<PartitionTypes>;
declare const order: Order;
declare const orders: AsyncIterable<Order>;
declare const orders$: Observable<Order>;
declare const bytes$: Observable<Uint8Array>;
declare const refined: Codec<{ readonly id: string }, Order>;

export function sources(): void {
  expectType<Observable<Delivery>>()(broker.messages('a'));
  expectType<Observable<Delivery>>()(broker.messages('a', { start: earliest(), maxInFlight: 1 }));
  expectType<Observable<Delivery>>()(broker.messages('a', { codec: bytes }));
  expectType<Observable<Delivery<Order>>>()(broker.messages('a', { codec: json<Order>() }));
  expectType<Observable<Delivery<Order>>>()(broker.messages('a', { codec: refined }));
  expectType<Observable<Uint8Array>>()(broker.values('a'));
  expectType<Observable<string>>()(broker.values('a', { codec: text, until: untilNow() }));
  expectType<Observable<Delivery<string>>>()(broker.hot('a', { codec: text, linger: 10 }));

  expectType<Observable<PartitionDelivery>>()(partitioned.messages('a', { partition: 1 }));
  expectType<Observable<PartitionDelivery<Order>>>()(
    partitioned.hot('a', { codec: json<Order>(), start: fromOffset(1) }),
  );

  // @ts-expect-error -- the type of the value comes from the codec, it cannot be claimed
  broker.messages<Order>('a');
  // @ts-expect-error -- this broker has no untilNow
  partitioned.messages('a', { until: untilNow() });
  // @ts-expect-error -- this broker has no start at a time
  partitioned.messages('a', { start: { kind: 'fromTime', time: 0 } });
  partitioned.messages('a', { until: untilOffset(5) });
  // @ts-expect-error -- only this broker's own options
  broker.messages('a', { partition: 1 });
  // @ts-expect-error -- linger belongs to hot
  broker.messages('a', { linger: 10 });
  // @ts-expect-error -- a channel is a string
  broker.messages(1);
}

export async function publishing(): Promise<void> {
  expectType<ConfirmedReceipt<Uint8Array>>()(await broker.publish('a', new Uint8Array()));
  expectType<ConfirmedReceipt<Order>>()(await broker.publish('a', order, { codec: json<Order>() }));
  await partitioned.publish('a', 'x', { codec: text, partition: 3, key: 'k' });

  // @ts-expect-error -- without a codec it takes bytes
  await broker.publish('a', order);
  // @ts-expect-error -- without a codec it takes bytes
  await broker.publish('a', 'text', {});
  // @ts-expect-error -- the codec takes strings
  await broker.publish('a', order, { codec: text });
  // @ts-expect-error -- this broker's messages have no partition
  await broker.publish('a', 'x', { codec: text, partition: 3 });
}

export function sinks(): void {
  expectType<Sink<Uint8Array>>()(broker.sink('a'));
  expectType<Sink<Order>>()(broker.sink('a', { codec: json<Order>(), maxInFlight: 10 }));
  expectType<Sink<{ readonly id: string }>>()(broker.sink('a', { codec: refined }));
  expectType<Sink<Order>>()(
    broker.sink('a', { codec: text, message: (value: Order) => ({ value: String(value.id), key: 'k' }) }),
  );
  expectType<Sink<Order>>()(broker.sink('a', { message: (value: Order) => ({ value: new Uint8Array(value.id) }) }));
  partitioned.sink('a', { codec: text, message: (value: Order) => ({ value: 'x', partition: value.id }) });

  // @ts-expect-error -- message must make what the codec takes
  broker.sink('a', { codec: text, message: (value: Order) => ({ value: value.id }) });
  // @ts-expect-error -- without a codec message must make bytes
  broker.sink('a', { message: (value: Order) => ({ value: String(value.id) }) });
  // @ts-expect-error -- a partition is a number
  partitioned.sink('a', { codec: text, message: (value: Order) => ({ value: 'x', partition: String(value.id) }) });
  // @ts-expect-error -- the overflow policies have names
  broker.sink('a', { overflow: 'block' });
}

export function pipelines(): void {
  expectType<Observable<Receipt<Uint8Array>>>()(bytes$.pipe(broker.publishTo('a')));
  expectType<Observable<Receipt<Order>>>()(orders$.pipe(broker.publishTo('a', { codec: json<Order>() })));
  expectType<Observable<Receipt<Order>>>()(
    orders$.pipe(broker.publishTo('a', { codec: text, message: (value: Order) => ({ value: String(value.id) }) })),
  );
  expectType<Observable<Receipt<Order>>>()(broker.publishFrom('a', orders, { codec: json<Order>(), onError: 'throw' }));
  expectType<Observable<Receipt<string>>>()(broker.publishFrom('a', ['x', 'y'], { codec: text }));
  expectType<Observable<Receipt<Uint8Array>>>()(broker.publishFrom('a', [new Uint8Array()]));

  // @ts-expect-error -- without a codec it takes bytes
  orders$.pipe(broker.publishTo('a'));
  // @ts-expect-error -- the codec takes strings
  of(1).pipe(broker.publishTo('a', { codec: text }));
  // @ts-expect-error -- without a codec it takes bytes
  broker.publishFrom('a', orders);
}

/** A function over any broker takes every broker. */
export function anyBroker<K extends BrokerTypes>(each: Broker<K>): Promise<void> {
  expectType<Observable<Uint8Array>>()(each.values('a'));
  // @ts-expect-error -- forget needs the durable's name
  void each.forget('a', { queue: 'q' });
  return each.close();
}
void anyBroker<AnyBroker>(broker);
void anyBroker(partitioned);

/** The brokers of this package: each with its own delivery and starts, and each a Broker. */
export function brokers(): void {
  const local = memory();
  const stan = natsStreaming({ clusterId: 'c', clientId: 'me', servers: 'nats://localhost' });
  const all: readonly Broker[] = [local, stan];
  memory({ maxAge: undefined, reconnect: { maxDelay: undefined, initial: true } });
  expectType<Observable<MemoryDelivery<string>>>()(local.messages('a', { codec: text, until: untilNow() }));
  expectType<Observable<NatsStreamingDelivery<Order>>>()(
    stan.messages('a', { codec: json<Order>(), start: fromAgo(1000) }),
  );
  stan.messages('a').pipe(bridgeTo(local, 'b'));

  // @ts-expect-error -- NATS Streaming does not tell what the last message is
  stan.messages('a', { until: untilNow() });
  // @ts-expect-error -- a server or a connection is given as such
  natsStreaming({ clusterId: 'c', clientId: 'me', server: 'nats://localhost' });
  // @ts-expect-error -- the cluster has a name
  natsStreaming({ clientId: 'me', servers: 'nats://localhost' });
  void all;
}
