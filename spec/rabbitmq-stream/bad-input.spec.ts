import { expect } from 'chai';
import { lastValueFrom, of, toArray } from 'rxjs';
import { text } from '../../lib/codec/text.js';
import {
  AuthenticationError,
  AuthorizationError,
  BrokerTimeoutError,
  ClosedError,
  ConnectionError,
  FrameTooLargeError,
  InvalidOptionError,
  OffsetNotFoundError,
  RoutingError,
  StreamExistsError,
  StreamNotFoundError,
  WeirError,
} from '../../lib/core/errors.js';
import { earliest, fromOffset, untilNow } from '../../lib/core/starts.js';
import { amqp, routeByHash, routeByKey, type RabbitMqStreamBroker } from '../../lib/rabbitmq-stream/index.js';
import type { RabbitMqStreamSinkOptions } from '../../lib/rabbitmq-stream/index.js';
import { startRabbitMq, type RabbitMqServer } from '../support/brokers/index.js';
import { unique } from '../support/names.js';
import { freePort } from '../support/ports.js';
import { Log, everythingOf, failureOf, quoted, refuses as refusal, short, works } from './refusal-kit.js';
import { Handles, newStream } from './support.js';

const bytes = new Uint8Array([1, 2, 3]);

/** The methods without their types, for what a program in JavaScript could give. */
type Loose = Record<keyof RabbitMqStreamBroker & string, (...given: unknown[]) => unknown>;

describe('RabbitMQ Streams: bad input', function () {
  this.timeout(60_000);
  const handles = new Handles();
  const log = new Log();
  const username = unique('ann');
  const password = unique('secret');
  let server: RabbitMqServer;
  let broker: RabbitMqStreamBroker;
  let loose: Loose;

  const refuses = (
    call: () => unknown,
    type: abstract new (...args: never[]) => WeirError,
    ...words: readonly (string | RegExp)[]
  ): Promise<WeirError> => refusal(call, type, words, [password]);

  const make = (more: object = {}): RabbitMqStreamBroker => {
    const { host, port } = server;
    return handles.make(server, { host, port, username, password, logger: log, ...more });
  };

  before(async () => {
    server = await startRabbitMq({ tls: true, needs: 'control' });
    await server.management.addUser(username, password);
    broker = make();
    loose = broker as unknown as Loose;
  });

  // whatever was refused, the handle works
  afterEach(() => works(broker));

  after(async () => {
    expect(everythingOf(broker)).to.not.include(password);
    await handles.close();
    expect(log.lines.join('\n')).to.not.include(password);
    await server.stop();
  });

  describe('a stream that is not there', () => {
    const routing = routeByHash(() => 'k');
    const calls: Record<string, (stream: string) => unknown> = {
      messages: (stream) => broker.messages(stream),
      'messages from the last one': (stream) => broker.messages(stream, { start: earliest(), until: untilNow() }),
      'messages with a durable': (stream) => broker.messages(stream, { durable: 'd' }),
      'messages with a queue': (stream) => broker.messages(stream, { queue: 'q' }),
      'messages of a super stream': (stream) => broker.messages(stream, { superStream: true }),
      values: (stream) => broker.values(stream),
      hot: (stream) => broker.hot(stream),
      publish: (stream) => broker.publish(stream, bytes),
      'a sink': (stream) => broker.sink(stream).send(bytes),
      'a sink with a producer': (stream) => broker.sink(stream, { producer: 'p' }).send(bytes),
      'a sink of a super stream': (stream) => broker.sink(stream, { superStream: true, routing }).send(bytes),
      publishTo: (stream) => of(bytes).pipe(broker.publishTo(stream, { onError: 'throw' })),
      publishFrom: (stream) => broker.publishFrom(stream, [bytes], { onError: 'throw' }),
      forget: (stream) => broker.forget(stream, { durable: 'd' }),
      streamStats: (stream) => broker.streamStats(stream),
      queryOffset: (stream) => broker.queryOffset('reference', stream),
      storeOffset: (stream) => broker.storeOffset('reference', stream, 1),
      lag: (stream) => broker.lag('reference', stream),
      lastPublishingId: (stream) => broker.lastPublishingId('producer', stream),
      partitions: (stream) => broker.partitions(stream),
      deleteStream: (stream) => broker.deleteStream(stream),
      deleteSuperStream: (stream) => broker.deleteSuperStream(stream),
    };
    for (const [title, call] of Object.entries(calls)) {
      it(`is told by ${title}`, async () => {
        const stream = unique('nowhere');
        const error = await refuses(() => call(stream), StreamNotFoundError, `'${stream}'`);
        expect(error.retriable).to.equal(false);
        expect(error.broker).to.equal('rabbitmq-stream');
      });
    }

    it('does not exist, and can be deleted where that is fine', async () => {
      const stream = unique('nowhere');
      expect(await broker.streamExists(stream)).to.equal(false);
      await broker.deleteStream(stream, { ifExists: true });
      await broker.deleteSuperStream(stream, { ifExists: true });
    });

    it('can be made afterwards, and the same sink publishes to it', async () => {
      const stream = unique('late');
      const sink = broker.sink(stream);
      expect((await sink.send(bytes)).error).to.be.instanceOf(StreamNotFoundError);
      await broker.createStream(stream);
      expect((await sink.send(bytes)).ok).to.equal(true);
      sink.complete();
    });
  });

  describe('something that is there already', () => {
    it('a stream with the same arguments is fine where that was asked for', async () => {
      const stream = await newStream(broker, { maxLengthBytes: 1_000_000 });
      await refuses(() => broker.createStream(stream, { maxLengthBytes: 1_000_000 }), StreamExistsError, `'${stream}'`);
      await broker.createStream(stream, { maxLengthBytes: 1_000_000, ifNotExists: true });
    });

    it('a stream with other arguments is not', async () => {
      const stream = await newStream(broker, { maxLengthBytes: 1_000_000 });
      for (const options of [{}, { maxLengthBytes: 2_000_000 }, { maxAge: '1D' }]) {
        await refuses(
          () => broker.createStream(stream, options),
          StreamExistsError,
          `'${stream}'`,
          /PRECONDITION_FAILED/,
        );
        const call = (): unknown => broker.createStream(stream, { ...options, ifNotExists: true });
        await refuses(call, StreamExistsError, `'${stream}'`, 'with other arguments');
      }
    });

    it('a queue is no stream', async () => {
      const queue = unique('queue');
      await server.management.request('PUT', `/api/queues/%2F/${queue}`, { durable: true });
      await refuses(() => broker.createStream(queue, { ifNotExists: true }), StreamExistsError, `'${queue}'`);
      await refuses(() => broker.messages(queue), StreamNotFoundError, `'${queue}'`);
      await refuses(() => broker.publish(queue, bytes), StreamNotFoundError, `'${queue}'`);
      expect(await broker.streamExists(queue)).to.equal(false);
    });

    it('a super stream with other partitions is not', async () => {
      const name = unique('super');
      await broker.createSuperStream(name, { partitions: 2 });
      await broker.createSuperStream(name, { partitions: 2, ifNotExists: true });
      await refuses(() => broker.createSuperStream(name, { partitions: 2 }), StreamExistsError, `'${name}'`);
      const call = (): unknown => broker.createSuperStream(name, { partitions: 3, ifNotExists: true });
      await refuses(call, StreamExistsError, `'${name}'`, `${name}-0`);
      await broker.deleteSuperStream(name);
    });

    it('a stream with the name of a partition is not', async () => {
      const name = unique('super');
      await broker.createStream(`${name}-1`);
      await refuses(() => broker.createSuperStream(name, { partitions: 2 }), StreamExistsError, `'${name}'`);
      await refuses(() => broker.partitions(name), StreamNotFoundError, `'${name}'`);
    });
  });

  describe('who connects', () => {
    it('a wrong password is final, and the handle works once it is right', async () => {
      const wrong = unique('wrong');
      const user = unique('bob');
      await server.management.addUser(user, password);
      const handle = make({ username: user, password: wrong });
      const calls = [
        () => handle.connect(),
        () => handle.publish('orders', bytes),
        () => handle.messages('orders'),
        () => handle.streamExists('orders'),
      ];
      await Promise.all(
        calls.map(async (call) => {
          const words = [
            `${server.host}:${server.port}`,
            /AUTHENTICATION_FAILURE \(8\)/,
            'check username and password',
          ];
          const error = await refusal(call, AuthenticationError, words, [wrong, password]);
          expect(error.retriable).to.equal(false);
        }),
      );
      expect(everythingOf(handle)).to.not.include(wrong);
      await server.management.addUser(user, wrong);
      await works(handle);
      expect(log.lines.join('\n')).to.not.include(wrong);
    });

    it('a user whom nobody knows is refused in the same way', async () => {
      const handle = make({ username: unique('nobody') });
      await refuses(() => handle.connect(), AuthenticationError, /AUTHENTICATION_FAILURE \(8\)/);
    });

    it('a time that is too short for the refusal is told as what it is', async () => {
      const handle = make({ password: 'wrong', connectTimeout: 500 });
      await refuses(() => handle.connect(), BrokerTimeoutError, 'SaslAuthenticate', '500 ms', 'connectTimeout');
    });

    it('a virtual host that is not there, or not theirs', async () => {
      const vhost = unique('vhost');
      const handle = make({ vhost });
      const words = [`'${vhost}'`, `${server.host}:${server.port}`, /VIRTUAL_HOST_ACCESS_FAILURE \(12\)/];
      await refuses(() => handle.connect(), AuthorizationError, ...words);
      await refuses(() => handle.publish('orders', bytes), AuthorizationError, ...words);
      await server.management.addVhost(vhost);
      await refuses(() => handle.messages('orders'), AuthorizationError, ...words);
      await server.management.setPermissions(username, { vhost });
      await works(handle);
      await server.management.deleteVhost(vhost);
    });
  });

  describe('permissions', () => {
    const user = unique('carol');
    let handle: RabbitMqStreamBroker;
    let stream: string;

    before(async () => {
      await server.management.addUser(user, password);
      handle = make({ username: user });
      stream = await newStream(broker);
      await broker.publish(stream, bytes);
    });

    async function without(right: 'configure' | 'write' | 'read', calls: (() => unknown)[]): Promise<void> {
      await server.management.setPermissions(user, { [right]: '^$' });
      for (const call of calls) {
        const error = await refuses(call, AuthorizationError, stream, /ACCESS_REFUSED \(16\)/, 'permission');
        expect(error.retriable).to.equal(false);
      }
      await server.management.setPermissions(user);
      await works(handle);
    }

    it('without configure nothing is made or deleted', () =>
      without('configure', [
        () => handle.createStream(`${stream}-other`),
        () => handle.createStream(stream, { ifNotExists: true }),
        () => handle.createSuperStream(`${stream}-super`, { partitions: 2 }),
        () => handle.deleteStream(stream),
        () => handle.deleteStream(stream, { ifExists: true }),
      ]));

    it('without write nothing is published', () =>
      without('write', [
        () => handle.publish(stream, bytes),
        () => handle.sink(stream, { producer: 'p' }).send(bytes),
        () => handle.publishFrom(stream, [bytes], { onError: 'throw' }),
      ]));

    it('without read nothing is read', () =>
      without('read', [
        () => handle.messages(stream),
        () => handle.messages(stream, { start: earliest(), until: untilNow() }),
        () => handle.messages(stream, { durable: 'd' }),
        () => handle.messages(stream, { queue: 'q' }),
        () => handle.queryOffset('reference', stream),
        () => handle.storeOffset('reference', stream, 1),
        () => handle.lag('reference', stream),
        () => handle.streamStats(stream),
      ]));
  });

  it('a reference that nothing is stored under is OffsetNotFoundError', async () => {
    const stream = await newStream(broker);
    for (const call of [() => broker.queryOffset('nobody', stream), () => broker.lag('nobody', stream)]) {
      await refuses(call, OffsetNotFoundError, "'nobody'", `'${stream}'`, /NO_OFFSET \(19\)/);
    }
    await broker.storeOffset('somebody', stream, 5);
    expect(await broker.queryOffset('somebody', stream)).to.equal(5n);
    await broker.forget(stream, { durable: 'somebody' });
    await refuses(() => broker.queryOffset('somebody', stream), OffsetNotFoundError, "'somebody'", 'forgotten');
    // what was never stored can be forgotten
    await broker.forget(stream, { durable: 'nobody' });
  });

  describe('addresses and TLS', () => {
    const everyCall = (handle: RabbitMqStreamBroker): (() => unknown)[] => [
      () => handle.connect(),
      () => handle.publish('orders', bytes),
      () => handle.messages('orders'),
    ];

    it('works over TLS where the authority is trusted', async () => {
      const tls = { ca: server.certificates!.pem.ca };
      await works(make({ port: server.tlsPort, tls }));
    });

    it('an authority that is not trusted', async () => {
      const handle = make({ port: server.tlsPort, tls: true });
      for (const call of everyCall(handle)) {
        const where = `${server.host}:${server.tlsPort}`;
        const error = await refuses(call, ConnectionError, where, 'an authority that is not trusted', 'tls.ca');
        expect(error.retriable).to.equal(false);
      }
    });

    it('a certificate for another host', async () => {
      const tls = { ca: server.certificates!.pem.ca, servername: 'rabbit.example' };
      const handle = make({ port: server.tlsPort, tls });
      for (const call of everyCall(handle)) {
        await refuses(call, ConnectionError, 'its certificate is for another host', 'tls.servername');
      }
    });

    it('TLS to the port without, and the other way round', async () => {
      const tls = { ca: server.certificates!.pem.ca };
      const secure = make({ tls, connectTimeout: 1_000 });
      const error = await failureOf(() => secure.connect());
      expect(error.code).to.be.oneOf(['CONNECTION', 'TIMEOUT']);
      expect(error.message)
        .to.include(`${server.host}:${server.port}`)
        .and.match(/TLS port|5551/);
      const plain = make({ port: server.tlsPort });
      await refuses(() => plain.connect(), ConnectionError, `${server.host}:${server.tlsPort}`, 'set tls');
    });

    it('a port at which nobody listens', async () => {
      const port = await freePort();
      for (const call of everyCall(make({ port }))) {
        await refuses(call, ConnectionError, `${server.host}:${port}`, 'nobody listens there', 'ECONNREFUSED');
      }
    });

    it('a port at which something else listens', async () => {
      const amqpHandle = make({ port: server.amqpPort });
      await refuses(() => amqpHandle.connect(), ConnectionError, `${server.host}:${server.amqpPort}`, 'AMQP');
      const web = make({ port: Number(new URL(server.monitorUrl!).port) });
      await refuses(() => web.connect(), ConnectionError, 'check that this is the stream port');
    });

    it('a host that has no address', async () => {
      await refuses(
        () => make({ host: 'nowhere.invalid' }).connect(),
        ConnectionError,
        'nowhere.invalid',
        'check the host',
      );
    });

    it('one of several hosts is enough', async () => {
      await works(make({ host: ['nowhere.invalid', server.host] }));
    });
  });

  describe('messages that cannot go out', () => {
    const limit = 2 ** 20;
    const room: Record<string, RabbitMqStreamSinkOptions> = {
      'plain ones': {},
      'those of a named producer': { producer: 'p' },
      'those with a filter value': { filterValue: () => 'colour' },
      'those in batches': { subEntry: { size: 10 } },
    };
    for (const [title, options] of Object.entries(room)) {
      it(`${title} fit a frame of 1 MiB to the byte, and no byte more`, async () => {
        const stream = await newStream(broker);
        const sink = broker.sink(stream, options);
        const { error } = await sink.send(new Uint8Array(limit));
        expect(error).to.be.instanceOf(FrameTooLargeError);
        expect(error!.message).to.include(`'${stream}'`).and.include(String(limit)).and.include('frameMax');
        const { size, limit: most } = error!.detail as { size: number; limit: number };
        const largest = limit - (size - most);
        expect((await sink.send(new Uint8Array(largest + 1))).error).to.be.instanceOf(FrameTooLargeError);
        expect((await sink.send(new Uint8Array(largest).fill(7))).ok).to.equal(true);
        expect((await sink.send(bytes)).ok).to.equal(true);
        sink.complete();
        const stored = await lastValueFrom(
          broker.values(stream, { start: earliest(), until: untilNow() }).pipe(toArray()),
        );
        expect(stored.map(({ length }) => length)).to.deep.equal([largest, 3]);
      });
    }

    it('a key that no partition is bound with, and the others arrive', async () => {
      const name = unique('super');
      await broker.createSuperStream(name, { bindingKeys: ['eu', 'us'] });
      const sink = broker.sink(name, { superStream: true, routing: routeByKey((key: string) => key), codec: text });
      const receipts = await Promise.all(['eu', 'mars', 'us', 'mars'].map((key) => sink.send(key)));
      expect(receipts.map(({ ok }) => ok)).to.deep.equal([true, false, true, false]);
      for (const { error } of receipts.filter(({ ok }) => !ok)) {
        expect(error).to.be.instanceOf(RoutingError);
        expect(error!.message).to.include("'mars'").and.include(`'${name}'`);
      }
      sink.complete();
      await broker.deleteSuperStream(name);
    });

    it('a routing function that throws, or gives no string', async () => {
      const name = unique('super');
      await broker.createSuperStream(name, { partitions: 2 });
      const keyOf = (value: string): string => {
        if (value === 'throws') throw new Error('no key today');
        return value === 'none' ? (undefined as unknown as string) : value;
      };
      const sink = broker.sink(name, { superStream: true, routing: routeByHash(keyOf), codec: text });
      const [threw, none, fine] = await Promise.all(['throws', 'none', 'fine'].map((key) => sink.send(key)));
      expect(threw!.error?.message).to.include('no key today').and.include(name);
      expect(none!.error).to.be.instanceOf(InvalidOptionError);
      expect(fine!.ok).to.equal(true);
      sink.complete();
      await broker.deleteSuperStream(name);
    });

    const badMessages: Record<string, [message: object, ...words: (string | RegExp)[]]> = {
      'a header that is a function': [{ headers: { f: () => 1 } }, 'headers.f must be', 'cannot publish to'],
      'a header that is a symbol': [{ headers: { s: Symbol('s') } }, 'headers.s must be'],
      'a header that is an object of a class': [{ headers: { o: new WeakMap() } }, 'headers.o'],
      'a header with such a thing inside': [{ headers: { list: [1, { f: () => 1 }] } }, 'headers.list[1].f must be'],
      'headers that contain themselves': [{ headers: circle() }, 'headers'],
      'headers that are none': [{ headers: 5 }, 'headers must be'],
      'a property that AMQP has not': [{ properties: { colour: 'red' } }, 'colour'],
      'a property of the wrong kind': [{ properties: { subject: 5 } }, 'subject'],
      'an annotation that is no ASCII': [{ annotations: { 'x-ü': 1 } }, 'x-ü'],
      'a key': [{ key: 'k' }, 'key is not accepted'],
      'an id that is no bigint': [{ id: 5 }, 'id must be'],
      'an id beyond 64 bits': [{ id: 2n ** 64n }, 'id must be'],
      'a negative id': [{ id: -1n }, 'id must be'],
      'a filter value that is none': [{ filterValue: 5 }, 'filterValue must be'],
      'a filter value that is too long': [{ filterValue: 'x'.repeat(40_000) }, 'filter value', '40000'],
      'a field that nobody knows': [{ header: {} }, "'header'", "'headers'"],
    };
    for (const [title, [fields, ...words]] of Object.entries(badMessages)) {
      it(`${title} from message is a failed receipt between good ones`, async () => {
        const stream = await newStream(broker);
        const message = (value: Uint8Array): { readonly value: Uint8Array } =>
          value[0] === 9 ? { value, ...fields } : { value };
        const sink = broker.sink(stream, { message });
        const receipts = await Promise.all([bytes, new Uint8Array([9]), bytes].map((value) => sink.send(value)));
        expect(receipts.map(({ ok }) => ok)).to.deep.equal([true, false, true]);
        expect(receipts[1]!.error).to.be.instanceOf(InvalidOptionError);
        for (const each of words)
          expect(receipts[1]!.error!.message).to.match(each instanceof RegExp ? each : quoted(each));
        sink.complete();
        const direct = await failureOf(() => loose.publish(stream, bytes, fields));
        expect(direct).to.be.instanceOf(InvalidOptionError);
      });
    }

    it('ids that do not increase', async () => {
      const stream = await newStream(broker);
      const sink = broker.sink(stream, { producer: 'p', message: (id: bigint) => ({ value: bytes, id }) });
      const receipts = await Promise.all([5n, 5n, 4n, 6n].map((id) => sink.send(id)));
      expect(receipts.map(({ ok }) => ok)).to.deep.equal([true, false, false, true]);
      expect(receipts[2]!.error).to.be.instanceOf(InvalidOptionError);
      expect(receipts[2]!.error!.message).to.include('4 comes after 5').and.include(`'${stream}'`);
      sink.complete();
      expect(await broker.lastPublishingId('p', stream)).to.equal(6n);
    });

    it('a message function that throws, or gives nothing', async () => {
      const stream = await newStream(broker);
      const message = (value: string): { readonly value: Uint8Array } => {
        if (value === 'throws') throw new Error('not this one');
        return (value === 'none' ? undefined : { value: bytes }) as { readonly value: Uint8Array };
      };
      const sink = broker.sink(stream, { message });
      const [threw, none, fine] = await Promise.all(['throws', 'none', 'fine'].map((value) => sink.send(value)));
      expect(threw!.error).to.be.instanceOf(WeirError);
      expect(threw!.error!.message).to.include('not this one');
      expect(none!.error).to.be.instanceOf(WeirError);
      expect(fine!.ok).to.equal(true);
      sink.complete();
    });

    it('values that are no bytes, and no AMQP message', async () => {
      const stream = await newStream(broker);
      for (const value of ['text', 5, null, undefined, { a: 1 }, [1, 2]]) {
        await refuses(() => loose.publish(stream, value), WeirError, 'codec');
      }
      for (const value of ['text', null, { body: 5n ** 40n }, { body: { kind: 'data', data: 'text' } }]) {
        await refuses(() => loose.publish(stream, value, { codec: amqp() }), WeirError, /body|message/);
      }
      const both = { codec: amqp(), headers: { a: 1 } };
      await refuses(() => loose.publish(stream, { body: bytes }, both), InvalidOptionError, 'applicationProperties');
    });
  });

  describe('options', () => {
    const source: [options: object, ...words: (string | RegExp)[]][] = [
      [{ maxInflight: 1 }, "'maxInflight'", "'maxInFlight'"],
      [{ maxInFlight: 0 }, 'maxInFlight'],
      [{ maxInFlight: 1.5 }, 'maxInFlight'],
      [{ start: 'earliest' }, 'start', 'call earliest()'],
      [{ start: { kind: 'fromPartition' } }, 'start'],
      [{ until: fromOffset(1) }, 'until', 'untilOffset'],
      [{ durable: '' }, 'durable'],
      [{ durable: 'x'.repeat(256) }, 'durable', '256 bytes'],
      [{ queue: 'ü'.repeat(128) }, 'queue', '256 bytes'],
      [{ durable: 'd', queue: 'q' }, 'durable and queue'],
      [{ storeEvery: { messages: 10 } }, 'storeEvery'],
      [{ durable: 'd', storeEvery: { messages: 0 } }, 'storeEvery.messages'],
      [{ durable: 'd', storeEvery: { count: 1 } }, 'storeEvery.count'],
      [{ durable: 'd', storeEvery: 5 }, 'storeEvery'],
      [{ filter: { matchUnfiltered: true } }, 'filter.matchUnfiltered', 'filter.values'],
      [{ filter: { values: [] } }, 'filter.values'],
      [{ filter: { values: ['x'.repeat(256)] } }, 'filter.values[0]'],
      [{ filter: { values: 'red' } }, 'filter.values'],
      [{ filter: { postFilter: 'red' } }, 'filter.postFilter'],
      [{ filter: { values: ['red'] }, until: untilNow() }, 'untilNow()', 'filter.values'],
      [{ superStream: 'yes' }, 'superStream'],
      [{ ackWait: 0 }, 'ackWait'],
      [{ onDecodeError: 'ignore' }, 'onDecodeError'],
      [{ codec: {} }, 'codec'],
      [{ codec: text.decode }, 'codec'],
      [{ signal: {} }, 'signal'],
    ];
    for (const [options, ...words] of source) {
      it(`messages refuses ${short(options)}`, async () => {
        for (const method of ['messages', 'values', 'hot'] as const) {
          await refuses(() => loose[method]('orders', options), InvalidOptionError, `${method}('orders')`, ...words);
        }
      });
    }

    const sink: [options: object, ...words: (string | RegExp)[]][] = [
      [{ producers: 'p' }, "'producers'", "'producer'"],
      [{ producer: '' }, 'producer'],
      [{ producer: 'x'.repeat(256) }, 'producer', '256 bytes'],
      [{ linger: -1 }, 'linger'],
      [{ batchSize: 0 }, 'batchSize'],
      [{ batchSize: 70_000 }, 'batchSize'],
      [{ subEntry: true }, 'subEntry'],
      [{ subEntry: {} }, 'subEntry.size is required'],
      [{ subEntry: { size: 0 } }, 'subEntry.size'],
      [{ subEntry: { size: 10, compression: 'brotli' } }, 'subEntry.compression', "'gzip'"],
      [{ subEntry: { size: 10 }, filterValue: () => 'a' }, 'subEntry and filterValue'],
      [{ filterValue: 'red' }, 'filterValue'],
      [{ superStream: true }, 'routing', 'routeByHash'],
      [{ routing: routeByHash(() => 'k') }, 'superStream: true'],
      [{ superStream: true, routing: () => 'k' }, 'routing'],
      [{ confirmTimeout: 0 }, 'confirmTimeout'],
      [{ maxInFlight: 0 }, 'maxInFlight'],
      [{ buffer: -1 }, 'buffer'],
      [{ overflow: 'block' }, 'overflow'],
      [{ resend: 'yes' }, 'resend'],
      [{ message: 'x' }, 'message'],
      [{ durable: 'd' }, "'durable'"],
    ];
    for (const [options, ...words] of sink) {
      it(`a sink refuses ${short(options)}`, async () => {
        await refuses(() => loose.sink('orders', options), InvalidOptionError, "sink('orders')", ...words);
        await refuses(() => loose.publishTo('orders', options), InvalidOptionError, "publishTo('orders')", ...words);
        const call = (): unknown => loose.publishFrom('orders', [], options);
        await refuses(call, InvalidOptionError, "publishFrom('orders')", ...words);
      });
    }

    it('one producer twice in a handle', async () => {
      const stream = await newStream(broker);
      const first = broker.sink(stream, { producer: 'p' });
      await refuses(() => broker.sink(stream, { producer: 'p' }), InvalidOptionError, "'p'", `'${stream}'`);
      await refuses(() => of(bytes).pipe(broker.publishTo(stream, { producer: 'p' })), InvalidOptionError, "'p'");
      await refuses(() => broker.publishFrom(stream, [bytes], { producer: 'p' }), InvalidOptionError, "'p'");
      expect((await first.send(bytes)).ok).to.equal(true);
      first.complete();
      await first.flush();
      const second = broker.sink(stream, { producer: 'p' });
      expect((await second.send(bytes)).ok).to.equal(true);
      second.complete();
    });

    it('names that no stream can have', async () => {
      const bad: [name: unknown, problem: string | RegExp][] = [
        ['', 'non-empty'],
        ['a\nb', 'line break'],
        ['a\ud800', 'surrogate'],
        ['é'.repeat(128), '256 bytes'],
        [5, 'got 5'],
        [undefined, 'undefined'],
        [{}, 'an object'],
      ];
      for (const [name, problem] of bad) {
        for (const call of [
          () => loose.messages(name),
          () => loose.publish(name, bytes),
          () => loose.sink(name),
          () => loose.forget(name, { durable: 'd' }),
          () => loose.createStream(name),
          () => loose.createSuperStream(name, { partitions: 1 }),
          () => loose.streamStats(name),
          () => loose.queryOffset('reference', name),
        ]) {
          await refuses(call, InvalidOptionError, problem);
        }
      }
    });

    it('names that the broker keeps to itself', async () => {
      await refuses(() => broker.createStream('amq.orders'), InvalidOptionError, "'amq.orders'", "'amq.'");
      await refuses(() => broker.createSuperStream('amq.orders', { partitions: 1 }), InvalidOptionError, "'amq.'");
      // an exchange that is always there, and is no super stream
      await refuses(() => broker.partitions('amq.topic'), StreamNotFoundError, "'amq.topic'");
      await refuses(() => broker.deleteSuperStream('amq.topic'), StreamNotFoundError, "'amq.topic'");
      await refuses(() => broker.messages('amq.topic', { superStream: true }), StreamNotFoundError, "'amq.topic'");
      expect(await server.monitor('/api/exchanges/%2F/amq.topic')).to.have.property('name');
    });

    it('the administration refuses what it does not know', async () => {
      const stream = await newStream(broker);
      const calls: [() => unknown, string][] = [
        [() => loose.createStream(stream, { maxLength: 5 }), "'maxLength'"],
        [() => loose.createStream(stream, { maxAge: '5 days' }), 'maxAge'],
        [() => loose.createSuperStream(stream, {}), 'partitions'],
        [() => loose.createSuperStream(stream, { partitions: 1, bindingKeys: ['a'] }), 'both given'],
        [() => loose.createSuperStream(stream, { bindingKeys: ['a', 'a'] }), 'twice'],
        [() => loose.deleteStream(stream, { force: true }), "'force'"],
        [() => loose.storeOffset('', stream, 1), 'reference'],
        [() => loose.storeOffset('r', stream, -1), 'offset'],
        [() => loose.queryOffset('r'.repeat(256), stream), '256'],
        [() => loose.lastPublishingId('', stream), 'producer'],
        [() => loose.forget(stream, {}), 'durable'],
        [() => loose.connect({ timeout: 5 }), "'timeout'"],
        [() => routeByHash('key' as never), 'routeByHash'],
      ];
      for (const [call, word] of calls) await refuses(call, InvalidOptionError, word);
    });
  });

  it('a closed handle says so', async () => {
    const stream = await newStream(broker);
    const closed = make();
    const sink = closed.sink(stream);
    await closed.connect();
    await closed.close();
    for (const call of [
      () => closed.connect(),
      () => closed.publish(stream, bytes),
      () => closed.messages(stream),
      () => closed.hot(stream),
      () => sink.send(bytes),
      () => closed.publishFrom(stream, [bytes], { onError: 'throw' }),
      () => closed.forget(stream, { durable: 'd' }),
      () => closed.createStream(stream),
      () => closed.streamExists(stream),
      () => closed.queryOffset('r', stream),
    ]) {
      await refuses(call, ClosedError);
    }
  });
});

function circle(): object {
  const headers: Record<string, unknown> = {};
  headers['self'] = headers;
  return headers;
}
