/* Compiled only: what Liftbridge takes and gives. */
import { connect } from 'nats';
import { connect as connect3 } from '@nats-io/transport-node';
import { credentials } from '@grpc/grpc-js';
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
  type ConfirmedReceipt,
  type Decoder,
  type Receipt,
  type Sink,
} from '../../lib/index.js';
import { ackConcatMap } from '../../lib/operators/ack-concat-map.js';
import { memory } from '../../lib/memory/index.js';
import {
  activity,
  byKey,
  envelope,
  liftbridge,
  natsPublisher,
  openEnvelope,
  roundRobin,
  type ActivityEvent,
  type ClusterMetadata,
  type EnvelopedAck,
  type LiftbridgeBroker,
  type LiftbridgeDelivery,
  type LiftbridgeOptions,
  type NatsAck,
  type NatsPublisher,
  type OpenedEnvelope,
  type PartitionMetadata,
  type Partitioner,
  type SubjectReceipt,
} from '../../lib/liftbridge/index.js';

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

declare const broker: LiftbridgeBroker;
declare const order: Order;
declare const orders: AsyncIterable<Order>;
declare const orders$: Observable<Order>;
declare const delivery: LiftbridgeDelivery;

export function handles(): void {
  expectType<LiftbridgeBroker>()(liftbridge());
  liftbridge({ brokers: 'localhost:9292', tls: undefined, reconnect: false });
  liftbridge({ brokers: ['a:9292', 'b:9292'], requestTimeout: 1000, pingInterval: Infinity, windowBytes: 65_535 });
  liftbridge({ tls: true });
  liftbridge({ tls: { ca: ['pem'], cert: new Uint8Array(), key: 'pem', minVersion: 'TLSv1.3' } });
  liftbridge({ credentials: { authorization: 'Bearer x' } });
  liftbridge({ credentials: () => ({ authorization: 'Bearer x' }) });
  liftbridge({ credentials: () => Promise.resolve({ authorization: 'Bearer x' }) });
  liftbridge({ credentials: credentials.createEmpty() });
  liftbridge({ resolveAddress: (host, port) => ({ host, port: port + 1 }) });

  // @ts-expect-error -- addresses are brokers
  liftbridge({ url: 'localhost:9292' });
  // @ts-expect-error -- an address is text
  liftbridge({ brokers: 9292 });
  // @ts-expect-error -- metadata are strings
  liftbridge({ credentials: { attempt: 5 } });
  // @ts-expect-error -- it gives a host and a port
  liftbridge({ resolveAddress: (host) => host });
  const options: LiftbridgeOptions = {};
  // @ts-expect-error -- options are read only
  options.brokers = 'localhost';
}

export function sources(): void {
  expectType<Observable<LiftbridgeDelivery>>()(broker.messages('a'));
  expectType<Observable<LiftbridgeDelivery<string>>>()(broker.messages('a', { codec: text }));
  expectType<Observable<LiftbridgeDelivery<Order>>>()(broker.hot('a', { codec: json<Order>(), linger: 5 }));
  expectType<Observable<Order>>()(broker.values('a', { codec: json<Order>() }));
  expectType<Observable<LiftbridgeDelivery<ActivityEvent>>>()(broker.messages('__activity', { codec: activity() }));
  expectType<Decoder<ActivityEvent>>()(activity());
  for (const start of [newOnly(), latest(), earliest(), fromOffset(5n), fromTime(new Date()), fromAgo(1000)]) {
    broker.messages('a', { start, codec: bytes });
  }
  for (const until of [untilNow(), untilOffset(5), untilTime(0)]) broker.messages('a', { until });
  for (const partition of [0, [0, 2], 'all'] as const) broker.messages('a', { partition });
  broker.messages('a', { durable: 'd', storeEvery: { messages: 10, ms: undefined }, maxInFlight: 5, ackWait: 1000 });
  broker.messages('a', { queue: 'q', resume: true, onDecodeError: 'skip' });
  broker.messages('a', { readIsrReplica: true, partition: undefined });
  broker.messages('a', { codec: json<Order>() }).pipe(
    ackConcatMap((each) => {
      expectType<LiftbridgeDelivery<Order>>()(each);
      return Promise.resolve(each.partition);
    }),
  );

  // @ts-expect-error -- the type of the value comes from the codec, it cannot be claimed
  broker.messages<Order>('a');
  // @ts-expect-error -- linger belongs to hot
  broker.messages('a', { linger: 5 });
  // @ts-expect-error -- a start is made by its function
  broker.messages('a', { start: 'earliest' });
  // @ts-expect-error -- an end is no start
  broker.messages('a', { start: untilNow() });
  // @ts-expect-error -- partitions have numbers
  broker.messages('a', { partition: 'first' });
  // @ts-expect-error -- what is chosen by a partitioner is where to publish
  broker.messages('a', { partition: byKey() });
  // @ts-expect-error -- how often is told by messages and ms
  broker.messages('a', { durable: 'd', storeEvery: 10 });
  // @ts-expect-error -- a cursor has an id
  broker.messages('a', { durable: true });
  // @ts-expect-error -- ackPolicy belongs to sinks
  broker.messages('a', { ackPolicy: 'all' });
}

export function deliveries(): void {
  expectType<Uint8Array>()(delivery.value);
  expectType<Uint8Array | undefined>()(delivery.key);
  expectType<ReadonlyMap<string, Uint8Array>>()(delivery.headers);
  expectType<bigint>()(delivery.offset);
  expectType<bigint>()(delivery.timestamp);
  expectType<Date>()(delivery.time);
  expectType<number>()(delivery.redeliveries);
  expectType<number>()(delivery.partition);
  expectType<string>()(delivery.subject);
  expectType<string | undefined>()(delivery.replyTo);
  expectType<string | undefined>()(delivery.correlationId);
  // @ts-expect-error -- a delivery is read only
  delivery.partition = 5;
  // @ts-expect-error -- headers are read only
  delivery.headers.set('a', new Uint8Array());
}

export async function publishing(): Promise<void> {
  expectType<ConfirmedReceipt<Uint8Array>>()(await broker.publish('a', new Uint8Array()));
  await broker.publish('a', 'x', { codec: text, key: 'k', partition: 2, ackPolicy: 'all', correlationId: 'c' });
  await broker.publish('a', order, {
    codec: json<Order>(),
    key: new Uint8Array(),
    headers: { attempt: '1', raw: new Uint8Array() },
    expectedOffset: 5n,
  });
  await broker.publish('a', 'x', { codec: text, headers: new Map([['a', 'b']]), id: 'c', expectedOffset: -1 });
  expectType<SubjectReceipt | undefined>()(await broker.publishToSubject('a.b', new Uint8Array(), { key: 'k' }));

  // @ts-expect-error -- without a codec it takes bytes
  await broker.publish('a', order);
  // @ts-expect-error -- headers are strings or bytes
  await broker.publish('a', 'x', { codec: text, headers: { attempt: 1 } });
  // @ts-expect-error -- a key is a string or bytes
  await broker.publish('a', 'x', { codec: text, key: 5 });
  // @ts-expect-error -- an id is a string
  await broker.publish('a', 'x', { codec: text, id: 5n });
  // @ts-expect-error -- one message goes to one partition
  await broker.publish('a', 'x', { codec: text, partition: 'all' });
  // @ts-expect-error -- the policies have names
  await broker.publish('a', 'x', { codec: text, ackPolicy: 1 });
  // @ts-expect-error -- an offset is a number or a bigint
  await broker.publish('a', 'x', { codec: text, expectedOffset: '5' });
  // @ts-expect-error -- messages have no properties
  await broker.publish('a', 'x', { codec: text, properties: {} });
  // @ts-expect-error -- a subject gets bytes
  await broker.publishToSubject('a.b', 'x');
  // @ts-expect-error -- an offset can be expected of a stream, and not of a subject
  await broker.publishToSubject('a.b', new Uint8Array(), { expectedOffset: 5 });
}

export function sinks(): void {
  expectType<Sink<Uint8Array>>()(broker.sink('a', { partition: 2, ackPolicy: 'none', ackTimeout: Infinity }));
  expectType<Sink<Order>>()(broker.sink('a', { codec: json<Order>(), partition: roundRobin(), resend: true }));
  expectType<Sink<Order>>()(
    broker.sink('a', {
      codec: json<Order>(),
      partition: byKey(),
      message: (value: Order) => ({ value, key: value.customer, headers: { id: String(value.id) } }),
    }),
  );
  expectType<Partitioner>()(byKey());
  broker.sink('a', { partition: ({ key, bytes: value }, partitions) => (key ?? value).length % partitions });
  expectType<Observable<Receipt<Order>>>()(orders$.pipe(broker.publishTo('a', { codec: json<Order>() })));
  expectType<Observable<Receipt<Order>>>()(broker.publishFrom('a', orders, { codec: json<Order>(), partition: 1 }));

  // @ts-expect-error -- a partitioner is called before it is given
  broker.sink('a', { partition: roundRobin });
  // @ts-expect-error -- a partitioner gives a number
  broker.sink('a', { partition: () => 'first' });
  // @ts-expect-error -- Liftbridge has no deduplication
  broker.sink('a', { producer: 'p' });
  // @ts-expect-error -- an id is a string
  broker.sink('a', { codec: json<Order>(), message: (value: Order) => ({ value, id: value.id }) });
  // @ts-expect-error -- durable belongs to sources
  broker.sink('a', { durable: 'd' });
  // @ts-expect-error -- without a codec it takes bytes
  broker.publishFrom('a', orders, { partition: 1 });
}

export async function throughNats(): Promise<void> {
  expectType<NatsPublisher>()(natsPublisher(await connect(), { ackTimeout: 5, maxInFlight: 5 }));
  const publisher = natsPublisher(await connect3());
  expectType<NatsAck | undefined>()(await publisher.publish('a.b', new Uint8Array(), { expectedOffset: 5 }));
  const opened: OpenedEnvelope = openEnvelope(envelope(new Uint8Array(), { key: 'k', ackInbox: 'b', crc: false }));
  if (opened.kind === 'ack') expectType<EnvelopedAck>()(opened);
  else expectType<Uint8Array>()(opened.value);

  // @ts-expect-error -- it goes to a subject, whose streams say which partition that is
  await publisher.publish('a.b', new Uint8Array(), { partition: 1 });
  // @ts-expect-error -- a connection is made before it is given
  natsPublisher({ servers: 'nats://localhost' });
  // @ts-expect-error -- an envelope has bytes in it
  envelope('x');
}

export async function administration(): Promise<void> {
  expectType<Promise<void>>()(broker.createStream({ name: 'a', ifNotExists: true, partitions: 3, compact: true }));
  await broker.createStream({ name: 'a', subject: 'b.*', group: 'g', maxReplication: true, retentionMaxAge: 60_000 });
  await broker.deleteStream('a', { ifExists: true });
  await broker.pauseStream('a', { partitions: [0], resumeAll: true });
  await broker.setStreamReadonly('a', { readonly: false });
  expectType<ClusterMetadata>()(await broker.metadata({ streams: ['a'], groups: ['g'] }));
  expectType<PartitionMetadata>()(await broker.partitionMetadata('a', 1));
  await broker.setCursor({ stream: 'a', id: 'd', offset: 5 });
  expectType<bigint | undefined>()(await broker.fetchCursor({ stream: 'a', partition: 1, id: 'd' }));

  // @ts-expect-error -- a stream has a name
  await broker.createStream({ subject: 'a' });
  // @ts-expect-error -- what it is called is an option as the others
  await broker.createStream('a');
  // @ts-expect-error -- a time is in milliseconds
  await broker.createStream({ name: 'a', retentionMaxAge: '7D' });
  // @ts-expect-error -- a position has an offset
  await broker.setCursor({ stream: 'a', id: 'd' });
  // @ts-expect-error -- deleting is forgiving by ifExists
  await broker.deleteStream('a', { ifNotExists: true });
}

/** It is a Broker like any other. */
export function anyBroker(): void {
  const all: readonly Broker[] = [broker, memory()];
  broker.messages('a').pipe(bridgeTo(memory(), 'b'));
  memory().messages('a').pipe(bridgeTo(broker, 'b'));
  void all;
}
