/* Compiled only: what RabbitMQ Streams take and give. */
import type { Observable } from 'rxjs';
import {
  bridgeTo,
  bytes,
  earliest,
  fromAgo,
  fromOffset,
  fromTime,
  json,
  latest,
  newOnly,
  text,
  untilNow,
  untilOffset,
  untilTime,
  type Broker,
  type Codec,
  type ConfirmedReceipt,
  type Receipt,
  type Sink,
} from '../../lib/index.js';
import { ackConcatMap } from '../../lib/operators/ack-concat-map.js';
import { memory } from '../../lib/memory/index.js';
import {
  amqp,
  amqpDescribed,
  amqpType,
  rabbitmqStream,
  routeByHash,
  routeByKey,
  type AmqpMessage,
  type AmqpMessageInit,
  type AmqpProperties,
  type RabbitMqStreamBroker,
  type RabbitMqStreamDelivery,
  type RabbitMqStreamOptions,
  type RabbitMqStreamRouting,
  type StreamStats,
} from '../../lib/rabbitmq-stream/index.js';

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
  readonly customer: string;
}

declare const broker: RabbitMqStreamBroker;
declare const order: Order;
declare const orders: AsyncIterable<Order>;
declare const orders$: Observable<Order>;
declare const delivery: RabbitMqStreamDelivery;

export function handles(): void {
  expectType<RabbitMqStreamBroker>()(rabbitmqStream());
  rabbitmqStream({ url: 'rabbitmq-stream://localhost' });
  rabbitmqStream({ url: ['rabbitmq-stream://a', 'rabbitmq-stream://b'], username: 'ann', password: undefined });
  rabbitmqStream({ host: ['a', 'b'], port: 5552, vhost: '/', frameMax: 0, heartbeat: 1000, reconnect: false });
  rabbitmqStream({ tls: true, sasl: 'plain', loadBalancer: true });
  rabbitmqStream({ tls: { ca: ['pem'], cert: new Uint8Array(), key: 'pem', minVersion: 'TLSv1.3' }, sasl: 'external' });
  rabbitmqStream({ resolveAddress: (host, port) => ({ host, port: port + 1 }) });
  rabbitmqStream({ resolveAddress: async (host, port) => Promise.resolve({ host, port }), logger: console });

  // @ts-expect-error -- the option is called host
  rabbitmqStream({ hostname: 'localhost' });
  // @ts-expect-error -- a port is a number
  rabbitmqStream({ port: '5552' });
  // @ts-expect-error -- the mechanisms have names
  rabbitmqStream({ sasl: 'amqplain' });
  // @ts-expect-error -- an address has a port
  rabbitmqStream({ resolveAddress: (host) => ({ host }) });
  // @ts-expect-error -- the options of TLS are few
  rabbitmqStream({ tls: { cafile: 'ca.pem' } });
  const options: RabbitMqStreamOptions = {};
  // @ts-expect-error -- options are read only
  options.host = 'localhost';
}

export function sources(): void {
  expectType<Observable<RabbitMqStreamDelivery>>()(broker.messages('a'));
  expectType<Observable<RabbitMqStreamDelivery<string>>>()(broker.messages('a', { codec: text }));
  expectType<Observable<RabbitMqStreamDelivery<Order>>>()(broker.hot('a', { codec: json<Order>(), linger: 5 }));
  expectType<Observable<Order>>()(broker.values('a', { codec: json<Order>() }));
  expectType<Observable<RabbitMqStreamDelivery<AmqpMessage>>>()(broker.messages('a', { codec: amqp() }));
  expectType<Observable<RabbitMqStreamDelivery<AmqpMessage<Order>>>>()(
    broker.messages('a', { codec: amqp(json<Order>()) }),
  );
  for (const start of [newOnly(), latest(), earliest(), fromOffset(5n), fromTime(new Date()), fromAgo(1000)]) {
    broker.messages('a', { start, codec: bytes });
  }
  for (const until of [untilNow(), untilOffset(5), untilTime(0)]) broker.messages('a', { until });
  broker.messages('a', { durable: 'd', storeEvery: { messages: 10, ms: undefined }, maxInFlight: 5, ackWait: 1000 });
  broker.messages('a', { queue: 'q', superStream: true, onDecodeError: 'skip' });
  broker.messages('a', { filter: { values: ['red'], matchUnfiltered: true } });
  broker.messages('a', {
    filter: { postFilter: ({ headers, properties }) => headers.get('colour') === properties.subject },
  });
  broker.messages('a', { codec: json<Order>() }).pipe(
    ackConcatMap((each) => {
      expectType<RabbitMqStreamDelivery<Order>>()(each);
      return Promise.resolve(each.partition);
    }),
  );

  // @ts-expect-error -- the type of the value comes from the codec, it cannot be claimed
  broker.messages<Order>('a');
  // @ts-expect-error -- linger belongs to hot
  broker.messages('a', { linger: 5 });
  // @ts-expect-error -- a start is made by its function
  broker.messages('a', { start: 'first' });
  // @ts-expect-error -- an end is no start
  broker.messages('a', { start: untilNow() });
  // @ts-expect-error -- how often is told by messages and ms
  broker.messages('a', { durable: 'd', storeEvery: 10 });
  // @ts-expect-error -- several values are filtered by
  broker.messages('a', { filter: { values: 'red' } });
  // @ts-expect-error -- postFilter says yes or no
  broker.messages('a', { filter: { postFilter: () => Promise.resolve(true) } });
  // @ts-expect-error -- a partition is not chosen, superStream reads all
  broker.messages('a', { partition: 1 });
  // @ts-expect-error -- routing belongs to sinks
  broker.messages('a', { superStream: true, routing: routeByHash(String) });
}

export function deliveries(): void {
  expectType<Uint8Array>()(delivery.value);
  expectType<bigint>()(delivery.offset);
  expectType<bigint>()(delivery.timestamp);
  expectType<Date>()(delivery.time);
  expectType<number>()(delivery.redeliveries);
  expectType<string | undefined>()(delivery.partition);
  expectType<AmqpProperties>()(delivery.properties);
  expectType<ReadonlyMap<string, unknown>>()(delivery.annotations);
  // @ts-expect-error -- a delivery is read only
  delivery.offset = 5n;
}

export async function publishing(): Promise<void> {
  expectType<ConfirmedReceipt<Uint8Array>>()(await broker.publish('a', new Uint8Array()));
  await broker.publish('a', 'x', { codec: text, id: 5n, filterValue: 'red' });
  await broker.publish('a', order, {
    codec: json<Order>(),
    headers: { attempt: 1, large: 5n, when: new Date(), typed: amqpType('ubyte', 5) },
    properties: { subject: 's', messageId: 5n, creationTime: new Date() },
    annotations: new Map([['x-route', 'a']]),
  });
  const message: AmqpMessageInit = { body: new Uint8Array(), applicationProperties: { a: [1, new Map()] } };
  await broker.publish('a', message, { codec: amqp() });
  await broker.publish('a', { body: { kind: 'value', value: amqpDescribed(1n, 'x') } }, { codec: amqp() });
  await broker.publish('a', { body: order }, { codec: amqp(json<Order>()) });

  // @ts-expect-error -- without a codec it takes bytes
  await broker.publish('a', order);
  // @ts-expect-error -- messages have no key
  await broker.publish('a', 'x', { codec: text, key: 'k' });
  // @ts-expect-error -- a publishing id is a bigint
  await broker.publish('a', 'x', { codec: text, id: 5 });
  // @ts-expect-error -- a publishing id is a bigint
  await broker.publish('a', 'x', { codec: text, id: '5' });
  // @ts-expect-error -- a single filter value is a string
  await broker.publish('a', 'x', { codec: text, filterValue: () => 'red' });
  // @ts-expect-error -- AMQP has no such property
  await broker.publish('a', 'x', { codec: text, properties: { colour: 'red' } });
  // @ts-expect-error -- a subject is a string
  await broker.publish('a', 'x', { codec: text, properties: { subject: 5 } });
  // @ts-expect-error -- the producer is the sink's
  await broker.publish('a', 'x', { codec: text, producer: 'p' });
  // @ts-expect-error -- a body has one of three kinds
  await broker.publish('a', { body: { kind: 'text', text: 'x' } }, { codec: amqp() });
  // @ts-expect-error -- a ubyte is a number
  amqpType('ubyte', 'x');
}

export function sinks(): void {
  expectType<Sink<Uint8Array>>()(broker.sink('a', { producer: 'p', linger: 5, batchSize: 100, confirmTimeout: 5 }));
  expectType<Sink<Order>>()(broker.sink('a', { codec: json<Order>(), subEntry: { size: 100, compression: 'zstd' } }));
  expectType<Sink<Order>>()(
    broker.sink('a', { codec: json<Order>(), filterValue: (each: Order) => each.customer, resend: true }),
  );
  expectType<Sink<Order>>()(
    broker.sink('a', {
      codec: json<Order>(),
      superStream: true,
      routing: routeByHash((each: Order) => each.customer),
      message: (value: Order) => ({ value, id: BigInt(value.id), headers: { id: value.id } }),
    }),
  );
  expectType<RabbitMqStreamRouting>()(routeByKey((each: Order) => each.customer));
  expectType<Observable<Receipt<Order>>>()(orders$.pipe(broker.publishTo('a', { codec: json<Order>() })));
  expectType<Observable<Receipt<Order>>>()(broker.publishFrom('a', orders, { codec: json<Order>(), producer: 'p' }));

  // @ts-expect-error -- a batch has a size
  broker.sink('a', { subEntry: { compression: 'gzip' } });
  // @ts-expect-error -- the compressions have names
  broker.sink('a', { subEntry: { size: 5, compression: 'brotli' } });
  // @ts-expect-error -- a routing is made by routeByHash or routeByKey
  broker.sink('a', { superStream: true, routing: (each: Uint8Array) => String(each) });
  // @ts-expect-error -- a key is a string
  routeByHash((each: Order) => each.id);
  // @ts-expect-error -- an id is a bigint
  broker.sink('a', { codec: json<Order>(), message: (value: Order) => ({ value, id: value.id }) });
  // @ts-expect-error -- filterValue gives a string or undefined
  broker.sink('a', { codec: json<Order>(), filterValue: (each: Order) => each.id });
  // @ts-expect-error -- durable belongs to sources
  broker.sink('a', { durable: 'd' });
  // @ts-expect-error -- without a codec it takes bytes
  broker.publishFrom('a', orders, { producer: 'p' });
}

export async function administration(): Promise<void> {
  expectType<Promise<void>>()(broker.createStream('a', { ifNotExists: true, maxAge: '7D', leaderLocator: 'balanced' }));
  await broker.createStream('a', { maxAge: 60_000, maxLengthBytes: 5e9, maxSegmentBytes: 5e8, initialClusterSize: 3 });
  await broker.createSuperStream('a', { partitions: 3 });
  await broker.createSuperStream('a', { bindingKeys: ['eu', 'us'], filterSizeBytes: 32 });
  await broker.deleteStream('a', { ifExists: true });
  await broker.deleteSuperStream('a');
  await broker.storeOffset('reference', 'a', 5);
  expectType<boolean>()(await broker.streamExists('a'));
  expectType<StreamStats>()(await broker.streamStats('a'));
  expectType<readonly string[]>()(await broker.partitions('a'));
  expectType<bigint>()(await broker.queryOffset('reference', 'a'));
  expectType<bigint>()(await broker.lag('reference', 'a'));
  expectType<bigint>()(await broker.lastPublishingId('producer', 'a'));

  // @ts-expect-error -- what it is to have is to be said
  await broker.createSuperStream('a');
  // @ts-expect-error -- the locators have names
  await broker.createStream('a', { leaderLocator: 'random' });
  // @ts-expect-error -- an offset is a number or a bigint
  await broker.storeOffset('reference', 'a', '5');
  // @ts-expect-error -- deleting is forgiving by ifExists
  await broker.deleteStream('a', { ifNotExists: true });
}

/** It is a Broker like any other. */
export function anyBroker(): void {
  const all: readonly Broker[] = [broker, memory()];
  broker.messages('a').pipe(bridgeTo(memory(), 'b'));
  memory().messages('a').pipe(bridgeTo(broker, 'b'));
  const both: Codec<AmqpMessageInit, AmqpMessage> = amqp();
  void [all, both];
}
