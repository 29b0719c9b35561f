/* Compiled only: what lonelyps takes and gives. */
import { Readable } from 'node:stream';
import { createServer } from 'node:http';
import type { Observable } from 'rxjs';
import { WebSocket } from 'ws';
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
  type Broker,
  type Decoder,
  type ConfirmedReceipt,
  type Receipt,
  type Sink,
} from '../../lib/index.js';
import { ackConcatMap } from '../../lib/operators/ack-concat-map.js';
import { autoAck } from '../../lib/operators/auto-ack.js';
import { memory } from '../../lib/memory/index.js';
import {
  authFromFile,
  blob,
  lonelyps,
  type AuthSide,
  type LonelypsAuth,
  type LonelypsBlob,
  type LonelypsBroker,
  type LonelypsBytes,
  type LonelypsChannel,
  type LonelypsDelivery,
  type LonelypsOptions,
  type LonelypsSelection,
  type LonelypsTopic,
  type Missed,
  type LonelypsRequestHandler,
} from '../../lib/lonelyps/index.js';

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

declare const broker: LonelypsBroker;
declare const order: Order;
declare const orders: AsyncIterable<Order>;
declare const orders$: Observable<Order>;
declare const topics$: Observable<string>;
declare const selections$: Observable<LonelypsSelection>;
declare const delivery: LonelypsDelivery;

export function handles(): void {
  expectType<LonelypsBroker>()(lonelyps({ broadcasters: 'http://localhost:3003' }));
  lonelyps({ broadcasters: ['ws://a', { host: 'ws://b', priority: 1 }], reconnect: false, logger: console });
  lonelyps({ broadcasters: { host: 'wss://a' }, tls: { ca: ['pem'], minVersion: 'TLSv1.3' }, pingInterval: Infinity });
  const broadcasters = 'http://a';
  lonelyps({ broadcasters, receive: { listen: {} } });
  lonelyps({ broadcasters, receive: { listen: { host: '127.0.0.1', port: 3002 }, host: 'http://me/here#1' } });
  lonelyps({ broadcasters, receive: { handler: true, host: 'http://me' }, answer: 'settled', answerWithin: 1000 });
  lonelyps({ broadcasters, receive: { websocket: true }, compression: true });
  lonelyps({ broadcasters, receive: undefined, retries: 3, resend: true, dedupe: { ms: 500 } });
  lonelyps({ broadcasters: 'ws://a', compression: { dictionaries: { 2: new Uint8Array(5) }, initial: 2 } });
  lonelyps({ broadcasters: 'ws://a', WebSocket });
  lonelyps({ broadcasters, auth: authFromFile(new URL('file:///subscriber-secrets.json')) });
  const side: AuthSide = { type: 'hmac', secret: new Uint8Array(64) };
  lonelyps({ broadcasters, auth: { toBroadcaster: { type: 'token', token: 't' }, toSubscriber: side } });

  // @ts-expect-error -- it has to know a broadcaster
  lonelyps();
  // @ts-expect-error -- it has to know a broadcaster
  lonelyps({});
  // @ts-expect-error -- broadcasters have URLs
  lonelyps({ broadcasters: 3003 });
  // @ts-expect-error -- the option is called broadcasters
  lonelyps({ broadcasters, servers: 'http://b' });
  // @ts-expect-error -- the ways to receive are objects
  lonelyps({ broadcasters, receive: 'websocket' });
  // @ts-expect-error -- who mounts the handler says how it is reached
  lonelyps({ broadcasters, receive: { handler: true } });
  // @ts-expect-error -- handler has no other value
  lonelyps({ broadcasters, receive: { handler: false, host: 'http://me' } });
  // @ts-expect-error -- a port is a number
  lonelyps({ broadcasters, receive: { listen: { port: '3002' } } });
  // @ts-expect-error -- there are two times to answer
  lonelyps({ broadcasters, answer: 'acked' });
  // @ts-expect-error -- for how long is told by ms
  lonelyps({ broadcasters, dedupe: true });
  // @ts-expect-error -- a token is called token
  lonelyps({ broadcasters, auth: { toBroadcaster: { type: 'token', secret: 't' } } });
  // @ts-expect-error -- there is no such kind
  lonelyps({ broadcasters, auth: { toSubscriber: { type: 'basic', token: 't' } } });
  // @ts-expect-error -- there are two directions
  lonelyps({ broadcasters, auth: side });
  // @ts-expect-error -- the path is for authFromFile
  lonelyps({ broadcasters, auth: 'subscriber-secrets.json' });
  // @ts-expect-error -- dictionaries have numbers
  lonelyps({ broadcasters, compression: { dictionaries: { first: new Uint8Array(5) } } });
  const options: LonelypsOptions = { broadcasters };
  // @ts-expect-error -- options are read only
  options.broadcasters = 'http://b';
}

export async function secrets(): Promise<void> {
  expectType<Promise<LonelypsAuth>>()(authFromFile('subscriber-secrets.json'));
  const { toBroadcaster } = await authFromFile('subscriber-secrets.json');
  if (toBroadcaster?.type === 'token') expectType<string>()(toBroadcaster.token);
  if (toBroadcaster?.type === 'hmac') expectType<string | Uint8Array>()(toBroadcaster.secret);
  // @ts-expect-error -- a side may have no secret
  void toBroadcaster?.secret;
}

export function selections(): void {
  const channels: readonly LonelypsChannel[] = [
    'a',
    new Uint8Array([1, 2]),
    { exact: 'a' },
    { exact: new Uint8Array([1, 2]), glob: 'a/*' },
    { exact: ['a', new Uint8Array([1, 2])], glob: ['a/*', 'b/?'] },
    { exact: undefined, glob: [] },
    topics$,
    selections$,
  ];
  for (const channel of channels) broker.messages(channel);
  expectType<string | Uint8Array>()('a' as LonelypsTopic);

  // @ts-expect-error -- a channel is a topic, or a selection
  broker.messages(1);
  // @ts-expect-error -- several topics are called exact
  broker.messages(['a', 'b']);
  // @ts-expect-error -- a glob is text
  broker.messages({ glob: new Uint8Array([1, 2]) });
  // @ts-expect-error -- patterns are globs
  broker.messages({ glob: /a/ });
  // @ts-expect-error -- a selection has exact and glob
  broker.messages({ topic: 'a' });
  // @ts-expect-error -- a selection that changes is an Observable
  broker.messages(Promise.resolve('a'));
  const selection: LonelypsSelection = {};
  // @ts-expect-error -- a selection is read only: give another one
  selection.exact = 'a';
}

export function sources(): void {
  expectType<Observable<LonelypsDelivery>>()(broker.messages('a'));
  expectType<Observable<LonelypsDelivery<string>>>()(broker.messages({ glob: '*' }, { codec: text }));
  expectType<Observable<LonelypsDelivery<Order>>>()(broker.hot(topics$, { codec: json<Order>(), linger: 5 }));
  expectType<Observable<LonelypsDelivery>>()(broker.hot('a', { linger: 5 }));
  expectType<Observable<Order>>()(broker.values('a', { codec: json<Order>() }));
  expectType<Observable<Uint8Array>>()(broker.values(selections$));
  expectType<Observable<LonelypsDelivery<LonelypsBlob>>>()(broker.messages('a', { codec: blob() }));
  expectType<Decoder<LonelypsBlob>>()(blob());
  // @ts-expect-error -- it reads; a Blob is published as it is
  void broker.publish('a', new Blob(), { codec: blob() });
  broker.messages('a', { start: newOnly(), codec: bytes, maxInFlight: 5, onDecodeError: 'skip' });
  broker.messages('a', { answer: 'settled', dedupe: { ms: 100 }, onReceiving: async () => Promise.resolve() });
  broker.messages('a', { until: undefined, durable: undefined, queue: undefined, ackWait: undefined });
  broker.messages('a', { codec: json<Order>(), signal: AbortSignal.timeout(5) }).pipe(
    ackConcatMap((each) => {
      expectType<LonelypsDelivery<Order>>()(each);
      return Promise.resolve(each.topic);
    }),
  );
  expectType<Observable<Uint8Array>>()(broker.messages('a').pipe(autoAck()));
  expectType<Observable<Missed>>()(broker.missed);

  // @ts-expect-error -- the type of the value comes from the codec, it cannot be claimed
  broker.messages<Order>('a');
  // @ts-expect-error -- linger belongs to hot
  broker.messages('a', { linger: 5 });
  // @ts-expect-error -- the broadcaster keeps no position
  broker.messages('a', { durable: 'd' });
  // @ts-expect-error -- every subscriber gets each message
  broker.messages('a', { queue: 'q' });
  // @ts-expect-error -- nothing comes twice
  broker.messages('a', { ackWait: 1000 });
  // @ts-expect-error -- nothing is kept that could be read again
  broker.messages('a', { start: earliest() });
  // @ts-expect-error -- nothing is kept that could be read again
  broker.messages('a', { start: latest() });
  // @ts-expect-error -- messages have no offsets
  broker.messages('a', { start: fromOffset(5n) });
  // @ts-expect-error -- messages have no times
  broker.messages('a', { start: fromTime(new Date()) });
  // @ts-expect-error -- messages have no times
  broker.hot('a', { start: fromAgo(1000) });
  // @ts-expect-error -- there is no end
  broker.messages('a', { until: untilNow() });
  // @ts-expect-error -- messages have no offsets
  broker.values('a', { until: untilOffset(5) });
  // @ts-expect-error -- a position that is not kept is not stored
  broker.messages('a', { storeEvery: { messages: 10 } });
  // @ts-expect-error -- there are two times to answer
  broker.messages('a', { answer: 'acked' });
  // @ts-expect-error -- what is called when all is subscribed is a function
  broker.messages('a', { onReceiving: true });
}

export function deliveries(): void {
  expectType<Uint8Array>()(delivery.value);
  expectType<string>()(delivery.channel);
  expectType<Uint8Array>()(delivery.topic);
  expectType<Uint8Array>()(delivery.sha512);
  expectType<number>()(delivery.length);
  expectType<undefined>()(delivery.offset);
  expectType<undefined>()(delivery.time);
  expectType<undefined>()(delivery.timestamp);
  expectType<false>()(delivery.redelivered);
  delivery.ack();
  // @ts-expect-error -- a delivery is read only
  delivery.topic = new Uint8Array();
  // @ts-expect-error -- messages have no partition
  void delivery.partition;
}

export async function blobs(held: LonelypsBlob): Promise<void> {
  expectType<number>()(held.size);
  expectType<Uint8Array>()(await held.bytes());
  expectType<string>()(await held.text());
  await broker.publish('a', held.stream());
  // @ts-expect-error -- publish takes what has the bytes, and this one only reads them
  await broker.publish('a', held);
}

export async function publishing(): Promise<void> {
  const receipt = await broker.publish('a', new Uint8Array());
  expectType<ConfirmedReceipt<Uint8Array>>()(await broker.publish('a', new Uint8Array() as Uint8Array));
  expectType<number | undefined>()(receipt.notified);
  expectType<true>()(receipt.ok);
  expectType<ConfirmedReceipt<Order>>()(await broker.publish(new Uint8Array([1]), order, { codec: json<Order>() }));
  expectType<ConfirmedReceipt<Blob>>()(await broker.publish('a', new Blob(['x'])));
  expectType<ConfirmedReceipt<Readable>>()(await broker.publish('a', Readable.from([new Uint8Array(5)])));
  expectType<ConfirmedReceipt<ReadableStream<Uint8Array>>>()(
    await broker.publish('a', new ReadableStream<Uint8Array>(), { signal: AbortSignal.timeout(5) }),
  );
  const given: readonly LonelypsBytes[] = [{ file: 'film.mp4' }, new Blob(['x'])];
  for (const each of given) await broker.publish('a', each);

  // @ts-expect-error -- without a codec it takes bytes
  await broker.publish('a', order);
  // @ts-expect-error -- without a codec it takes bytes
  await broker.publish('a', 'text');
  // @ts-expect-error -- the codec takes strings
  await broker.publish('a', order, { codec: text });
  // @ts-expect-error -- a codec makes bytes of values, not of files
  await broker.publish('a', { file: 'film.mp4' }, { codec: text });
  // @ts-expect-error -- a file is given by its path
  await broker.publish('a', { path: 'film.mp4' });
  // @ts-expect-error -- a stream has bytes
  await broker.publish('a', orders);
  // @ts-expect-error -- a message has no key
  await broker.publish('a', 'x', { codec: text, key: 'k' });
  // @ts-expect-error -- a message has no headers
  await broker.publish('a', 'x', { codec: text, headers: {} });
  // @ts-expect-error -- an id is made for each attempt
  await broker.publish('a', 'x', { codec: text, id: '5' });
  // @ts-expect-error -- one message goes to one topic
  await broker.publish({ exact: 'a' }, new Uint8Array());
  // @ts-expect-error -- one message goes to one topic
  await broker.publish({ glob: 'a/*' }, new Uint8Array());
}

export async function sinks(): Promise<void> {
  expectType<Sink<Uint8Array>>()(broker.sink('a', { maxInFlight: 5, buffer: 10, overflow: 'drop-oldest' }));
  expectType<Sink<Order>>()(broker.sink(new Uint8Array([1]), { codec: json<Order>(), resend: true }));
  const ids = broker.sink('a', { codec: text, message: (value: Order) => ({ value: String(value.id) }) });
  expectType<Sink<Order>>()(ids);
  expectType<Sink<Order>>()(broker.sink('a', { message: (value: Order) => ({ value: new Uint8Array(value.id) }) }));
  expectType<Observable<Receipt<Order>>>()(orders$.pipe(broker.publishTo('a', { codec: json<Order>() })));
  expectType<Observable<Receipt<Order>>>()(
    orders$.pipe(broker.publishTo('a', { codec: text, message: (value: Order) => ({ value: value.customer }) })),
  );
  expectType<Observable<Receipt<Order>>>()(broker.publishFrom('a', orders, { codec: json<Order>(), onError: 'throw' }));
  expectType<Observable<Receipt<Uint8Array>>>()(broker.publishFrom(new Uint8Array([1]), [new Uint8Array()]));
  const receipt = await ids.send(order);
  if (receipt.ok) expectType<number | undefined>()(receipt.notified);
  // @ts-expect-error -- nobody is notified of what failed
  else void receipt.notified;

  // @ts-expect-error -- a message has no key
  broker.sink('a', { codec: text, message: (value: Order) => ({ value: value.customer, key: value.customer }) });
  // @ts-expect-error -- message must make what the codec takes
  broker.sink('a', { codec: text, message: (value: Order) => ({ value: value.id }) });
  // @ts-expect-error -- a sink has one topic
  broker.sink({ exact: 'a' });
  // @ts-expect-error -- a sink has one topic
  broker.sink(topics$);
  // @ts-expect-error -- durable belongs to sources
  broker.sink('a', { durable: 'd' });
  // @ts-expect-error -- when to answer belongs to sources
  broker.sink('a', { answer: 'settled' });
  // @ts-expect-error -- a sink takes bytes, and publish takes files
  broker.sink('a').next({ file: 'film.mp4' });
  // @ts-expect-error -- without a codec it takes bytes
  broker.publishFrom('a', orders);
}

/** The handler fits what a server calls; its types need none of Node. */
export function mounted(): void {
  expectType<LonelypsRequestHandler>()(broker.handler);
  createServer(broker.handler).on('request', broker.handler);
  broker.handler({}, {}, (error?: unknown) => void error);
}

/** It is a Broker like any other. */
export function anyBroker(): void {
  const one: Broker = broker;
  const all: readonly Broker[] = [one, memory()];
  broker.messages('a').pipe(bridgeTo(memory(), 'b'));
  memory().messages('a').pipe(bridgeTo(broker, 'b'));
  void all;
}
