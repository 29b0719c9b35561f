import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { expect } from 'chai';
import { of } from 'rxjs';
import { text } from '../../lib/codec/text.js';
import {
  AuthenticationError,
  AuthorizationError,
  BrokerTimeoutError,
  ClosedError,
  ConnectionError,
  FrameTooLargeError,
  InvalidOptionError,
  OffsetMismatchError,
  StreamExistsError,
  StreamNotFoundError,
  StreamUnavailableError,
  UnsupportedError,
  WeirError,
} from '../../lib/core/errors.js';
import { earliest, fromOffset, untilNow } from '../../lib/core/starts.js';
import {
  byKey,
  liftbridge,
  roundRobin,
  type LiftbridgeBroker,
  type LiftbridgeOptions,
  type Partitioner,
} from '../../lib/liftbridge/index.js';
import { startLiftbridge, type LiftbridgeServer } from '../support/brokers/index.js';
import { unique } from '../support/names.js';
import { freePort } from '../support/ports.js';
import { resources, untilResources } from '../support/resources.js';
import { within } from '../support/wait.js';
import { everythingOf, failureOf, Log, quoted, refuses as refusal, short, works } from './refusal-kit.js';
import { Handles, newStream } from './support.js';

const bytes = new Uint8Array([1, 2, 3]);

/** The methods without their types, for what a program in JavaScript could give. */
type Loose = Record<keyof LiftbridgeBroker & string, (...given: unknown[]) => unknown>;
type Words = readonly (string | RegExp)[];

describe('liftbridge: bad input', function () {
  this.timeout(60_000);
  const handles = new Handles();
  const log = new Log();
  const token = unique('token');
  let server: LiftbridgeServer;
  let broker: LiftbridgeBroker;
  let loose: Loose;

  const refuses = (
    call: () => unknown,
    type: abstract new (...args: never[]) => WeirError,
    ...words: Words
  ): Promise<WeirError> => refusal(call, type, words, [token]);

  /** What calls come to that are made side by side: what is not found is looked for again for a second. */
  const sideBySide = (
    calls: Readonly<Record<string, (stream: string) => unknown>>,
    stream: () => string | Promise<string>,
    ...words: Words
  ): ((title: string) => Promise<WeirError>) => {
    const outcomes = new Map<string, Promise<WeirError>>();
    before(() => {
      for (const [title, call] of Object.entries(calls)) {
        const outcome = (async () => {
          const name = await stream();
          return refuses(() => call(name), StreamNotFoundError, name, ...words);
        })();
        // it is looked at in a spec of its own
        outcome.catch(() => undefined);
        outcomes.set(title, outcome);
      }
    });
    return (title) => outcomes.get(title)!;
  };

  const make = (more: LiftbridgeOptions = {}): LiftbridgeBroker =>
    handles.make(server, { credentials: { authorization: `Bearer ${token}` }, logger: log, ...more });

  before(async () => {
    server = await startLiftbridge({ needs: 'control' });
    broker = make();
    loose = broker as unknown as Loose;
  });

  // whatever was refused, the handle works
  afterEach(() => works(broker));

  after(async () => {
    expect(everythingOf(broker)).to.not.include(token);
    await handles.close();
    expect(log.lines.join('\n')).to.not.include(token);
    await server.stop();
  });

  describe('a stream that is not there', () => {
    const calls: Record<string, (stream: string) => unknown> = {
      messages: (stream) => broker.messages(stream),
      'messages of one partition': (stream) => broker.messages(stream, { partition: 0 }),
      'messages of a time': (stream) => broker.messages(stream, { start: earliest(), until: untilNow() }),
      'messages with a durable': (stream) => broker.messages(stream, { durable: 'd' }),
      'messages with a queue': (stream) => broker.messages(stream, { queue: unique('queue') }),
      'messages from a replica': (stream) => broker.messages(stream, { readIsrReplica: true }),
      values: (stream) => broker.values(stream),
      hot: (stream) => broker.hot(stream),
      publish: (stream) => broker.publish(stream, bytes),
      'a sink': (stream) => broker.sink(stream).send(bytes),
      'a sink with a partitioner': (stream) => broker.sink(stream, { partition: roundRobin() }).send(bytes),
      publishTo: (stream) => of(bytes).pipe(broker.publishTo(stream, { onError: 'throw' })),
      publishFrom: (stream) => broker.publishFrom(stream, [bytes], { onError: 'throw' }),
      forget: (stream) => broker.forget(stream, { durable: 'd' }),
      pauseStream: (stream) => broker.pauseStream(stream),
      setStreamReadonly: (stream) => broker.setStreamReadonly(stream),
      partitionMetadata: (stream) => broker.partitionMetadata(stream),
      deleteStream: (stream) => broker.deleteStream(stream),
    };
    const told = sideBySide(calls, () => unique('nowhere'));
    for (const title of Object.keys(calls)) {
      it(`is told by ${title}`, async () => {
        const error = await told(title);
        expect(error.retriable).to.equal(false);
        expect(error.broker).to.equal('liftbridge');
        expect(error.code).to.equal('STREAM_NOT_FOUND');
      });
    }

    it('can be deleted where that is fine, and asked for', async () => {
      const stream = unique('nowhere');
      await broker.deleteStream(stream, { ifExists: true });
      expect((await broker.metadata({ streams: [stream] })).streams).to.deep.equal([]);
    });

    it('can be made afterwards, and the same sink publishes to it', async () => {
      const stream = unique('late');
      const sink = broker.sink(stream);
      expect((await sink.send(bytes)).error).to.be.instanceOf(StreamNotFoundError);
      await broker.createStream({ name: stream });
      expect((await sink.send(bytes)).ok).to.equal(true);
      sink.complete();
    });
  });

  describe('a partition that is not there', () => {
    const calls: Record<string, (stream: string) => unknown> = {
      messages: (stream) => broker.messages(stream, { partition: 7 }),
      'messages of several': (stream) => broker.messages(stream, { partition: [0, 7] }),
      'messages with a durable': (stream) => broker.messages(stream, { partition: 7, durable: 'd' }),
      publish: (stream) => broker.publish(stream, bytes, { partition: 7 }),
      'a sink': (stream) => broker.sink(stream, { partition: 7 }).send(bytes),
      pauseStream: (stream) => broker.pauseStream(stream, { partitions: [7] }),
      setStreamReadonly: (stream) => broker.setStreamReadonly(stream, { partitions: [7] }),
      partitionMetadata: (stream) => broker.partitionMetadata(stream, 7),
    };
    const told = sideBySide(calls, () => newStream(broker, { partitions: 2 }), 'partition');
    for (const title of Object.keys(calls)) {
      it(`is told by ${title}`, async () => {
        expect((await told(title)).retriable).to.equal(false);
      });
    }
  });

  it('a stream that is there already', async () => {
    const name = await newStream(broker);
    await refuses(() => broker.createStream({ name }), StreamExistsError, `'${name}'`);
    await broker.createStream({ name, ifNotExists: true });
    const other = (): unknown => broker.createStream({ name, partitions: 3, ifNotExists: true });
    await refuses(other, StreamExistsError, `'${name}'`, '1 partitions');
  });

  it('more replicas than there are brokers', async () => {
    const name = unique('stream');
    const call = (): unknown => broker.createStream({ name, replicationFactor: 3 });
    await refuses(call, InvalidOptionError, `'${name}'`, 'replicationFactor', 'maxReplication');
  });

  it('an expected offset that is stale', async () => {
    const stream = await newStream(broker, { optimisticConcurrencyControl: true });
    expect((await broker.publish(stream, bytes, { expectedOffset: 0 })).ok).to.equal(true);
    for (const expectedOffset of [0, 0n, 2, 2n ** 62n]) {
      await refuses(() => broker.publish(stream, bytes, { expectedOffset }), OffsetMismatchError, `'${stream}'`);
    }
    expect((await broker.publish(stream, bytes, { expectedOffset: 1n })).ok).to.equal(true);
    const none = { ackPolicy: 'none', expectedOffset: 2 } as const;
    await refuses(() => broker.publish(stream, bytes, none), InvalidOptionError, 'expectedOffset', 'ackPolicy');
  });

  it('a partition that is paused, or read-only', async () => {
    const stream = await newStream(broker);
    await broker.pauseStream(stream);
    await refuses(() => broker.messages(stream), StreamUnavailableError, stream, 'is paused', 'resume: true');
    await refuses(() => broker.partitionMetadata(stream), StreamUnavailableError, stream, 'paused');
    const readonly = await newStream(broker);
    await broker.setStreamReadonly(readonly);
    await refuses(() => broker.publish(readonly, bytes), StreamUnavailableError, readonly, 'setStreamReadonly()');
  });

  it('cursors of a server that stores none, and encryption without a key', async () => {
    const bare = await startLiftbridge({ cursors: false });
    try {
      const handle = handles.make(bare);
      const stream = await newStream(handle);
      for (const call of [
        () => handle.setCursor({ stream, id: 'd', offset: 1 }),
        () => handle.fetchCursor({ stream, id: 'd' }),
        () => handle.messages(stream, { durable: 'd' }),
        () => handle.messages(stream, { queue: 'q' }),
        () => handle.forget(stream, { durable: 'd' }),
      ]) {
        const error = await refuses(call, UnsupportedError, 'cursors.stream.partitions');
        expect(error.retriable).to.equal(false);
      }
      const encrypted = (): unknown => handle.createStream({ name: unique('stream'), encryption: true });
      await refuses(encrypted, UnsupportedError, 'LIFTBRIDGE_ENCRYPTION_KEY');
      await works(handle);
    } finally {
      await bare.stop();
    }
  });

  describe('addresses', () => {
    const everyCall = (handle: LiftbridgeBroker): (() => unknown)[] => [
      () => handle.connect(),
      () => handle.publish('orders', bytes),
      () => handle.messages('orders'),
      () => handle.messages('orders', { queue: 'q' }),
      () => handle.createStream({ name: 'orders' }),
      () => handle.fetchCursor({ stream: 'orders', id: 'd' }),
      () => handle.publishToSubject('orders', bytes),
    ];

    /** All calls at once fail so, in time, and nothing of the handle is left when it is closed. */
    async function allRefuse(
      options: LiftbridgeOptions,
      type: abstract new (...args: never[]) => WeirError,
      ...words: Words
    ): Promise<void> {
      await Promise.resolve(); // mocha starts its own timer when the spec waits for the first time
      const before = resources();
      const handle = make(options);
      const all = Promise.all(everyCall(handle).map((call) => refuses(call, type, ...words)));
      await within(all, 15_000, 'every call to fail');
      await handle.close();
      await untilResources(before);
    }

    it('a port at which nobody listens', async () => {
      const port = await freePort();
      const words = [`127.0.0.1:${port}`, 'nobody listens there', 'ECONNREFUSED'];
      await allRefuse({ brokers: `127.0.0.1:${port}`, connectTimeout: 1_000 }, ConnectionError, ...words);
    });

    it('a host that has no address', async () => {
      const options = { brokers: 'nowhere.invalid', connectTimeout: 1_000 };
      await allRefuse(options, WeirError, 'nowhere.invalid:9292');
    });

    it('a port that swallows everything', async () => {
      const hole = await listen(() => undefined);
      try {
        const options = { brokers: hole.url, connectTimeout: 400 };
        await allRefuse(options, BrokerTimeoutError, hole.url, '400 ms', 'connectTimeout');
        await allRefuse({ ...options, tls: true }, BrokerTimeoutError, hole.url, '400 ms', 'connectTimeout');
      } finally {
        await hole.stop();
      }
    });

    it('a port at which something else listens', async () => {
      const web = await listen((socket) => socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n'));
      try {
        await allRefuse({ brokers: web.url, connectTimeout: 1_000 }, ConnectionError, web.url, 'gRPC port');
      } finally {
        await web.stop();
      }
      const nats = server.natsUrl!.replace('nats://', '');
      await allRefuse({ brokers: nats, connectTimeout: 1_000 }, ConnectionError, nats, 'gRPC port');
    });

    it('one of several is enough', async () => {
      const port = await freePort();
      await works(make({ brokers: ['nowhere.invalid', `127.0.0.1:${port}`, server.url] }));
    });

    it('a broker that stops to answer', async () => {
      const handle = make({ requestTimeout: 300, ackTimeout: 300, pingTimeout: 200, reconnect: false });
      const stream = await newStream(handle);
      await server.pause();
      try {
        const calls = [
          () => handle.createStream({ name: unique('stream') }),
          () => handle.partitionMetadata(stream),
          () => handle.messages(stream, { start: earliest() }),
          () => handle.publish(stream, bytes),
          () => handle.publishToSubject(stream, bytes),
        ];
        const failures = await within(Promise.all(calls.map(failureOf)), 20_000, 'every call to fail');
        for (const error of failures) expect(error.code).to.be.oneOf(['TIMEOUT', 'CONNECTION', 'PUBLISH_UNCERTAIN']);
      } finally {
        await server.resume();
      }
      await handle.close();
    });
  });

  describe('TLS and access', () => {
    const allowed = unique('allowed');
    const denied = unique('denied');
    const passphrase = unique('passphrase');
    let secured: LiftbridgeServer;
    let secrets: string[];

    before(async () => {
      const policy = [
        '*, FetchMetadata',
        ...['CreateStream', 'Publish', 'Subscribe', 'FetchPartitionMetadata'].map((each) => `${allowed}, ${each}`),
        `${denied}, CreateStream`,
      ];
      secured = await startLiftbridge({ acl: policy.map((line) => `client, ${line}`) });
      // lines of the key, without what all keys have
      secrets = secured.certificates!.pem.clientKey.split('\n').filter((line) => line.length > 40);
      expect(secrets).to.not.deep.equal([]);
    });

    after(async () => {
      const lines = log.lines.join('\n');
      for (const secret of [...secrets, passphrase]) expect(lines).to.not.include(secret);
      await secured.stop();
    });

    const tlsOf = (): { ca: string; cert: string; key: string } => {
      const { ca, clientCert: cert, clientKey: key } = secured.certificates!.pem;
      return { ca, cert, key };
    };
    const open = (options: LiftbridgeOptions): LiftbridgeBroker =>
      make({ brokers: secured.url, connectTimeout: 5_000, ...options });

    async function allRefuse(
      options: LiftbridgeOptions,
      type: abstract new (...args: never[]) => WeirError,
      ...words: Words
    ): Promise<void> {
      const handle = open(options);
      for (const call of [
        () => handle.connect(),
        () => handle.publish(allowed, bytes),
        () => handle.messages(allowed),
        () => handle.metadata(),
      ]) {
        const error = await refusal(call, type, words, [...secrets, passphrase, token]);
        expect(error.retriable).to.equal(false);
      }
      const shown = everythingOf(handle);
      for (const secret of [...secrets, passphrase, token]) expect(shown).to.not.include(secret);
      await handle.close();
    }

    it('work with the right certificates', async () => {
      const handle = open({ tls: tlsOf() });
      await handle.createStream({ name: allowed, ifNotExists: true });
      expect((await handle.publish(allowed, bytes)).ok).to.equal(true);
      expect(everythingOf(handle)).to.not.include(secrets[0]);
    });

    it('no certificate', () =>
      allRefuse({ tls: { ca: tlsOf().ca } }, AuthenticationError, secured.url, 'tls.cert and tls.key'));

    it('an authority that is not trusted', () =>
      allRefuse({ tls: { ...tlsOf(), ca: undefined } }, ConnectionError, secured.url, 'not trusted', 'tls.ca'));

    it('a certificate for another host', () =>
      allRefuse({ tls: { ...tlsOf(), servername: 'bridge.example' } }, ConnectionError, 'tls.servername'));

    it('a key that does not belong to the certificate, or cannot be read', async () => {
      const other = { ...tlsOf(), cert: tlsOf().ca, passphrase };
      await allRefuse({ tls: other }, InvalidOptionError, 'tls', 'key belongs to cert');
      await allRefuse({ tls: { ...tlsOf(), key: `${passphrase} is no key` } }, InvalidOptionError, 'PEM or DER');
    });

    it('TLS to the port without', () =>
      allRefuse({ brokers: server.url, tls: tlsOf() }, ConnectionError, server.url, 'does not speak TLS'));

    it('no TLS to the port with it', async () => {
      const handle = open({ connectTimeout: 1_000 });
      await refuses(() => handle.connect(), WeirError, secured.url, 'set tls');
      await refuses(() => handle.publish(allowed, bytes), WeirError, secured.url, 'set tls');
    });

    it('what the policy does not allow', async () => {
      const handle = open({ tls: tlsOf() });
      await handle.createStream({ name: denied, ifNotExists: true });
      const calls: Record<string, () => unknown> = {
        CreateStream: () => handle.createStream({ name: unique('other') }),
        DeleteStream: () => handle.deleteStream(denied),
        PauseStream: () => handle.pauseStream(denied),
        SetStreamReadonly: () => handle.setStreamReadonly(denied),
        FetchPartitionMetadata: () => handle.messages(denied),
        Publish: () => handle.publish(denied, bytes),
        PublishToSubject: () => handle.publishToSubject(denied, bytes),
        FetchCursor: () => handle.messages(allowed, { durable: 'd' }),
        SetCursor: () => handle.setCursor({ stream: denied, id: 'd', offset: 1 }),
      };
      for (const [method, call] of Object.entries(calls)) {
        const error = await refusal(call, AuthorizationError, [method, /policy|permission/], secrets).catch(
          (reason: unknown) => {
            throw new Error(method, { cause: reason });
          },
        );
        expect(error.retriable, method).to.equal(false);
        expect(error.code, method).to.equal('AUTHORIZATION');
      }
    });
  });

  describe('messages that cannot go out', () => {
    it('one that is too large for the broker, and one that is too large for any call', async () => {
      const stream = await newStream(broker);
      const sink = broker.sink(stream);
      const sizes = [3, 1_100_000, 4_194_304, 20_000_000, 3];
      const receipts = await Promise.all(sizes.map((size) => sink.send(new Uint8Array(size))));
      expect(receipts.map(({ ok }) => ok)).to.deep.equal([true, false, false, false, true]);
      for (const { error } of receipts.slice(1, 4)) {
        expect(error).to.be.instanceOf(FrameTooLargeError);
        expect(error!.message).to.include(`'${stream}'`).and.include('send less');
      }
      sink.complete();
    });

    const badMessages: Record<string, [message: object, ...words: (string | RegExp)[]]> = {
      'a header that is a number': [{ headers: { n: 1 } }, 'headers.n must be'],
      'a header that is a function': [{ headers: { f: () => 1 } }, 'headers.f must be'],
      'a header that the server has': [{ headers: { subject: 'x' } }, "'subject'", 'take another name'],
      'the other one': [{ headers: new Map([['reply', bytes]]) }, "'reply'"],
      'headers that are none': [{ headers: 5 }, 'headers must be'],
      'headers in a list': [{ headers: [] }, 'headers must be'],
      'a key that is a number': [{ key: 5 }, 'key must be', 'a Uint8Array'],
      'a partition that is negative': [{ partition: -1 }, 'partition must be'],
      'a partition that is a word': [{ partition: 'all' }, 'partition must be'],
      'an ack policy that is none': [{ ackPolicy: 'some' }, 'ackPolicy must be', "'leader'"],
      'an offset that is none': [{ expectedOffset: -2 }, 'expectedOffset must be'],
      'an offset beyond 63 bits': [{ expectedOffset: 2n ** 63n }, 'expectedOffset must be'],
      'an empty id': [{ id: '' }, 'id must be'],
      'an id that is a number': [{ correlationId: 5 }, 'correlationId must be'],
      'two ids': [{ id: 'a', correlationId: 'b' }, 'id and correlationId'],
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
        for (const each of words) {
          expect(receipts[1]!.error!.message).to.match(each instanceof RegExp ? each : quoted(each));
        }
        sink.complete();
        const direct = await failureOf(() => loose.publish(stream, bytes, fields));
        expect(direct).to.be.instanceOf(InvalidOptionError);
      });
    }

    it('two ids that wait for their acks, and are the same', async () => {
      const stream = await newStream(broker);
      const sink = broker.sink(stream, { message: (id: string) => ({ value: bytes, id }) });
      const [first, second, third] = await Promise.all(['a', 'a', 'b'].map((id) => sink.send(id)));
      expect([first!.ok, third!.ok]).to.deep.equal([true, true]);
      expect(second!.error).to.be.instanceOf(InvalidOptionError);
      expect(second!.error!.message).to.include("'a'").and.include('another message');
      sink.complete();
    });

    it('a partitioner that throws, or gives no partition', async () => {
      const stream = await newStream(broker, { partitions: 2 });
      const partition: Partitioner = ({ value }) => {
        const [number] = value as Uint8Array;
        if (number === 1) throw new Error('no partition today');
        return [0, 0, 7, -1, 0.5, NaN][number!]!;
      };
      const sink = broker.sink(stream, { partition });
      const receipts = await Promise.all([0, 1, 2, 3, 4, 5, 0].map((n) => sink.send(new Uint8Array([n]))));
      expect(receipts.map(({ ok }) => ok)).to.deep.equal([true, false, false, false, false, false, true]);
      expect(receipts[1]!.error!.message).to.include('no partition today');
      for (const { error } of receipts.slice(1, 6)) expect(error).to.be.instanceOf(WeirError);
      sink.complete();
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

    it('values that are no bytes', async () => {
      const stream = await newStream(broker);
      for (const value of ['text', 5, null, undefined, { a: 1 }, [1, 2]]) {
        await refuses(() => loose.publish(stream, value), WeirError, 'codec');
        await refuses(() => loose.publishToSubject(stream, value), InvalidOptionError, 'value must be', 'encode it');
      }
    });

    it('subjects that name no one place, and options that are none', async () => {
      for (const subject of ['', 'a b', 'a..b', 'a.*', '>', 5, undefined]) {
        await refuses(() => loose.publishToSubject(subject, bytes), InvalidOptionError, 'subject must be');
      }
      const wrong: [object, string][] = [
        [{ ackTimeout: 0 }, 'ackTimeout must be'],
        [{ ackPolicy: 1 }, 'ackPolicy must be'],
        [{ key: 1 }, 'key must be'],
        [{ expectedOffset: 1 }, "'expectedOffset'"],
      ];
      for (const [options, word] of wrong) {
        await refuses(() => loose.publishToSubject('orders', bytes, options), InvalidOptionError, word);
      }
    });
  });

  describe('options', () => {
    const source: [options: object, ...words: Words][] = [
      [{ maxInflight: 1 }, "'maxInflight'", "'maxInFlight'"],
      [{ maxInFlight: 0 }, 'maxInFlight must be'],
      [{ maxInFlight: 1.5 }, 'maxInFlight must be'],
      [{ start: 'earliest' }, 'start', 'call earliest()'],
      [{ start: { kind: 'fromPartition' } }, 'start'],
      [{ start: fromOffset(2n ** 63n) }, 'start', '2^63 - 1'],
      [{ until: fromOffset(1) }, 'until', 'untilOffset'],
      [{ durable: '' }, 'durable must be a non-empty string'],
      [{ durable: 5 }, 'durable must be'],
      [{ durable: 'x'.repeat(1025) }, 'durable must be', '1024 are the most'],
      [{ queue: '' }, 'queue must be a non-empty string'],
      [{ durable: 'd', queue: 'q' }, 'durable and queue'],
      [{ queue: 'q', readIsrReplica: true }, 'readIsrReplica', 'queue'],
      [{ queue: 'q', partition: 1 }, 'partition', 'queue'],
      [{ partition: -1 }, 'partition must be'],
      [{ partition: 1.5 }, 'partition must be'],
      [{ partition: 'some' }, 'partition must be', "'all'"],
      [{ partition: [] }, 'partition must be'],
      [{ partition: [1, 1] }, 'partition names one twice'],
      [{ partition: 2 ** 31 }, 'partition must be'],
      [{ storeEvery: { messages: 10 } }, 'storeEvery', 'durable or queue'],
      [{ durable: 'd', storeEvery: { messages: 0 } }, 'storeEvery.messages must be'],
      [{ durable: 'd', storeEvery: { count: 1 } }, 'storeEvery.count'],
      [{ durable: 'd', storeEvery: 5 }, 'storeEvery must be'],
      [{ readIsrReplica: 'yes' }, 'readIsrReplica must be'],
      [{ resume: 1 }, 'resume must be'],
      [{ ackWait: 0 }, 'ackWait must be'],
      [{ onDecodeError: 'ignore' }, 'onDecodeError must be'],
      [{ codec: {} }, 'codec must be'],
      [{ codec: text.decode }, 'codec must be'],
      [{ signal: {} }, 'signal must be'],
    ];
    for (const [options, ...words] of source) {
      it(`messages refuses ${short(options)}`, async () => {
        for (const method of ['messages', 'values', 'hot'] as const) {
          await refuses(() => loose[method]('orders', options), InvalidOptionError, `${method}('orders')`, ...words);
        }
      });
    }

    const sink: [options: object, ...words: Words][] = [
      [{ ackpolicy: 'all' }, "'ackpolicy'", "'ackPolicy'"],
      [{ ackPolicy: 'quorum' }, 'ackPolicy must be', "'all'"],
      [{ ackTimeout: 0 }, 'ackTimeout must be'],
      [{ partition: -1 }, 'partition must be'],
      [{ partition: 'all' }, 'partition must be'],
      [{ partition: byKey }, 'partition', 'byKey()'],
      [{ partition: roundRobin }, 'partition', 'roundRobin()'],
      [{ maxInFlight: 0 }, 'maxInFlight must be'],
      [{ buffer: -1 }, 'buffer must be'],
      [{ overflow: 'block' }, 'overflow must be'],
      [{ resend: 'yes' }, 'resend must be'],
      [{ message: 'x' }, 'message must be'],
      [{ codec: 5 }, 'codec must be'],
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

    const factory: [options: object, ...words: Words][] = [
      [{ broker: 'h' }, "'broker'", "'brokers'"],
      [{ brokers: 5 }, 'brokers must be'],
      [{ brokers: [] }, 'brokers must be'],
      [{ brokers: 'h:0' }, 'brokers must', '65535'],
      [{ brokers: 'http://h' }, 'brokers begins with', 'liftbridge://'],
      [{ brokers: 'liftbridge://h', tls: true }, 'tls is given', 'liftbridge+tls://'],
      [{ tls: 'yes' }, 'tls must be'],
      [{ tls: { cafile: 'x' } }, 'tls.cafile'],
      [{ tls: { cert: 'x' } }, 'tls.cert', 'tls.key'],
      [{ credentials: 'secret' }, 'credentials must be'],
      [{ resolveAddress: 'x' }, 'resolveAddress must be a function'],
      [{ requestTimeout: 0 }, 'requestTimeout must be'],
      [{ connectTimeout: '5s' }, 'connectTimeout must be'],
      [{ closeTimeout: -1 }, 'closeTimeout must be'],
      [{ ackTimeout: 0 }, 'ackTimeout must be'],
      [{ pingInterval: 0 }, 'pingInterval must be'],
      [{ pingTimeout: 0 }, 'pingTimeout must be'],
      [{ maxMessageBytes: 10 }, 'maxMessageBytes must be'],
      [{ windowBytes: 10 }, 'windowBytes must be'],
      [{ reconnect: true }, 'reconnect must be'],
      [{ reconnect: { delay: 5 } }, 'reconnect.delay'],
      [{ logger: console.log }, 'logger must be'],
    ];
    for (const [options, ...words] of factory) {
      it(`the factory refuses ${short(options)}`, async () => {
        await refuses(() => liftbridge(options), InvalidOptionError, 'liftbridge()', ...words);
      });
    }

    it('names that no stream can have', async () => {
      const bad: [name: unknown, problem: string | RegExp][] = [
        ['', 'non-empty'],
        ['a b', 'white space'],
        ['a\nb', 'white space'],
        ['a\0b', 'control character'],
        ['a/b', 'slash'],
        ['../x', 'slash'],
        ['.', 'dot'],
        ['a..b', 'dot'],
        ['a.*', 'wildcard'],
        ['a\ud800', 'surrogate'],
        ['é'.repeat(101), '200 are the most'],
        [5, 'got 5'],
        [undefined, /undefined|required/],
        [{}, 'an object'],
      ];
      for (const [name, problem] of bad) {
        for (const call of [
          () => loose.messages(name),
          () => loose.publish(name, bytes),
          () => loose.sink(name),
          () => loose.forget(name, { durable: 'd' }),
          () => loose.createStream({ name }),
          () => loose.deleteStream(name),
          () => loose.pauseStream(name),
          () => loose.setStreamReadonly(name),
          () => loose.partitionMetadata(name),
          () => loose.setCursor({ stream: name, id: 'd', offset: 1 }),
        ]) {
          await refuses(call, InvalidOptionError, problem);
        }
      }
      for (const name of ['__cursors', '__activity']) {
        await refuses(() => broker.createStream({ name }), InvalidOptionError, 'to itself');
        await refuses(() => broker.deleteStream(name), InvalidOptionError, 'to itself');
      }
    });

    it('the administration refuses what it does not know', async () => {
      const stream = await newStream(broker);
      const calls: [() => unknown, string][] = [
        [() => loose.createStream(), 'name is required'],
        [() => loose.createStream(stream), 'options must be an object'],
        [() => loose.createStream({ name: stream, partition: 5 }), "'partitions'"],
        [() => loose.createStream({ name: stream, partitions: -1 }), 'partitions must be'],
        [() => loose.createStream({ name: stream, replicationFactor: -2 }), 'replicationFactor must be'],
        [() => loose.createStream({ name: stream, replicationFactor: 0 }), 'replicationFactor must be'],
        [() => loose.createStream({ name: stream, subject: 'a..b' }), 'subject must be'],
        [() => loose.createStream({ name: stream, subject: 'a.>', partitions: 2 }), 'partitions must be 1'],
        [() => loose.createStream({ name: stream, retentionMaxAge: 1.5 }), 'retentionMaxAge must be'],
        [() => loose.deleteStream(stream, { force: true }), "'force'"],
        [() => loose.pauseStream(stream, { partitions: [] }), 'partitions must be'],
        [() => loose.setStreamReadonly(stream, { readonly: 'yes' }), 'readonly must be'],
        [() => loose.metadata({ stream }), "'streams'"],
        [() => loose.partitionMetadata(stream, -1), 'partition must be'],
        [() => loose.setCursor({ stream, id: '', offset: 1 }), 'id must be a non-empty string'],
        [() => loose.fetchCursor({ stream, id: '' }), 'id must be a non-empty string'],
        [() => loose.setCursor({ stream, id: 'd', offset: -1 }), 'offset must be'],
        [() => loose.setCursor({ stream, id: 'd' }), 'offset is required'],
        [() => loose.fetchCursor({ stream }), 'id is required'],
        [() => loose.forget(stream, {}), 'durable'],
        [() => loose.connect({ timeout: 5 }), "'timeout'"],
      ];
      for (const [call, word] of calls) await refuses(call, InvalidOptionError, word);
    });
  });

  it('secrets are in nothing that is printed', async () => {
    const key = unique('key');
    const passphrase = unique('passphrase');
    const options = { ca: 'x', cert: 'x', key, passphrase };
    const handle = handles.make(server, { tls: options, credentials: () => ({ token }), logger: log });
    const secrets = [key, passphrase, token];
    for (const call of [
      () => handle.connect(),
      () => handle.publish('orders', bytes),
      () => handle.messages('orders'),
    ]) {
      await refusal(call, InvalidOptionError, ['tls'], secrets);
    }
    const failing = (): never => {
      throw new Error('no token');
    };
    const bare = handles.make(server, { credentials: failing, logger: log });
    await refusal(() => bare.metadata(), AuthenticationError, ['credentials'], secrets);
    const shown = [handle, bare].map(everythingOf).join('\n') + log.lines.join('\n');
    for (const secret of secrets) expect(shown).to.not.include(secret);
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
      () => closed.messages(stream, { queue: 'q' }),
      () => closed.hot(stream),
      () => sink.send(bytes),
      () => closed.publishFrom(stream, [bytes], { onError: 'throw' }),
      () => closed.publishToSubject(stream, bytes),
      () => closed.forget(stream, { durable: 'd' }),
      () => closed.createStream({ name: stream }),
      () => closed.metadata(),
      () => closed.partitionMetadata(stream),
      () => closed.fetchCursor({ stream, id: 'd' }),
    ]) {
      await refuses(call, ClosedError);
    }
  });
});

/** Something that is no broker. */
async function listen(serve: (socket: Socket) => void): Promise<{ readonly url: string; stop(): Promise<void> }> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    // it would not see the end of a connection that it does not read
    socket.resume();
    socket.on('close', () => sockets.delete(socket));
    serve(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
