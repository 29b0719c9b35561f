import { expect } from 'chai';
import { lastValueFrom, of } from 'rxjs';
import {
  BrokerTimeoutError,
  ClosedError,
  ConnectionError,
  FrameTooLargeError,
  InUseError,
  InvalidOptionError,
  PublishError,
  WeirError,
} from '../../lib/core/errors.js';
import { earliest, untilNow } from '../../lib/core/starts.js';
import type { NatsStreamingBroker } from '../../lib/nats-streaming/index.js';
import { startNatsStreaming, type NatsStreamingServer } from '../support/brokers/index.js';
import { clientName, unique } from '../support/names.js';
import { bytes, failureOf, LentConnection, listen, put, textsOf, work } from './acceptance-kit.js';
import { Handles, Told } from './support.js';

type Method = 'messages' | 'publish' | 'sink' | 'publishTo' | 'publishFrom' | 'forget';
type Loose = Record<Method, (...given: unknown[]) => unknown>;

const maxPayload = 65_536;

describe('NATS Streaming: bad input on a handle at work', () => {
  const handles = new Handles();
  let server: NatsStreamingServer;
  let lent: LentConnection;
  let broker: NatsStreamingBroker;
  let loose: Loose;

  before(async () => {
    server = await startNatsStreaming({ config: `max_payload: ${maxPayload}`, limits: { channels: 0 } });
    lent = await LentConnection.to(server.url);
    broker = handles.make(server, { nats: lent.like });
    loose = broker as unknown as Loose;
    await broker.connect();
  });

  after(async () => {
    await handles.close();
    await lent.real.close();
    await server.stop();
  });

  async function works(handle: NatsStreamingBroker): Promise<void> {
    const channel = unique('works');
    await put(handle, channel, 'still here');
    const tap = work(handle, channel, { start: earliest() });
    expect(textsOf(await tap.first(1))).to.deep.equal(['still here']);
    tap.unsubscribe();
  }

  /** The call fails with that error, which names these things; nothing is said to the server, and the handle works on. */
  async function refuses(
    call: () => unknown,
    type: abstract new (...args: never[]) => WeirError,
    ...names: string[]
  ): Promise<WeirError> {
    const before = lent.said.length;
    const error = await failureOf(call);
    expect(error).to.be.instanceOf(type);
    for (const name of names) expect(error.message).to.include(name);
    expect(lent.said.slice(before)).to.deep.equal([]);
    await works(broker);
    return error;
  }

  const badChannels: readonly [channel: unknown, problem: string][] = [
    ['', 'empty'],
    ['a..b', "'..'"],
    ['a.*.b', "wildcard '*'"],
    ['a>', "wildcard '>'"],
    ['a/b', "'/'"],
    ['a\tb', 'white space'],
    ['a\r\nPUB x 0\r\n\r\n', 'white space'],
    ['a\u0000b', 'control character'],
    ['a\ud800', 'surrogate'],
    ['a'.repeat(2_000), 'longer than'],
    [5, 'got 5'],
  ];
  for (const [channel, problem] of badChannels) {
    it(`says nothing on the wire for the channel ${JSON.stringify(channel).slice(0, 40)}`, async () => {
      await refuses(() => loose.publish(channel, bytes('x')), InvalidOptionError, 'channel', problem);
      await refuses(() => loose.messages(channel), InvalidOptionError, 'channel', problem);
      await refuses(() => loose.sink(channel), InvalidOptionError, 'channel', problem);
      await refuses(() => loose.forget(channel, { durable: 'd' }), InvalidOptionError, 'channel', problem);
    });
  }

  const badOptions: readonly [what: string, options: object, ...names: string[]][] = [
    ["':' in a durable with a queue", { durable: 'a:b', queue: 'q' }, 'durable', "':'", 'a:b'],
    ['an unknown option', { maxInflight: 5 }, 'maxInflight', 'maxInFlight'],
    ['a start of another broker', { start: { kind: 'fromTimestampIndex' } }, 'start', 'earliest()'],
    ['untilNow(), which the protocol cannot tell', { until: untilNow() }, 'until', 'untilOffset'],
    ['a negative window', { maxInFlight: -1 }, 'maxInFlight', '-1'],
    ['a window that the wire cannot hold', { maxInFlight: 2 ** 31 }, 'maxInFlight', '2147483648'],
    ['an ackWait that the wire cannot hold', { ackWait: 2 ** 31 * 1_000 }, 'ackWait', 'milliseconds'],
  ];
  for (const [what, options, ...names] of badOptions) {
    it(`says nothing on the wire for ${what}`, async () => {
      await refuses(() => loose.messages('orders', options), InvalidOptionError, "messages('orders')", ...names);
    });
  }

  it("takes ':' in a durable of its own, and the largest window that the wire can hold", async () => {
    const channel = unique('colon');
    await put(broker, channel, '1');
    const tap = work(broker, channel, { durable: 'a:b', start: earliest(), maxInFlight: 2 ** 31 - 1 });
    expect(textsOf(await tap.first(1))).to.deep.equal(['1']);
    tap.unsubscribe();
  });

  it('refuses keys and headers, which the protocol does not carry, also one by one in a stream', async () => {
    for (const options of [{ key: 'k' }, { headers: { h: 1 } }]) {
      const carried = `carries no ${Object.keys(options)[0]!}`;
      await refuses(() => loose.publish('orders', bytes('x'), options), InvalidOptionError, carried);
      const receipts = loose.publishTo('orders', {
        message: (value: Uint8Array) => ({ value, ...options }),
      }) as ReturnType<typeof broker.publishTo>;
      const { error } = await lastValueFrom(of(bytes('x')).pipe(receipts));
      expect(error).to.be.instanceOf(InvalidOptionError);
      expect(error!.message).to.include(carried);
    }
  });

  it('refuses unknown fields, bad ids, and values that are no bytes', async () => {
    await refuses(() => loose.publish('orders', bytes('x'), { reply: 'a' }), InvalidOptionError, 'reply', 'replyTo');
    await refuses(() => loose.publish('orders', bytes('x'), { id: 5 }), InvalidOptionError, 'id');
    for (const value of ['text', 5, null, undefined, { a: 1 }, [1, 2]]) {
      await refuses(() => loose.publish('orders', value), WeirError, 'codec');
    }
  });

  it('refuses an id that waits for its confirmation already', async () => {
    const channel = unique('ids');
    const [first, second] = await Promise.allSettled([
      broker.publish(channel, bytes('1'), { id: 'same' }),
      broker.publish(channel, bytes('2'), { id: 'same' }),
    ]);
    expect(first.status).to.equal('fulfilled');
    const { reason } = second as PromiseRejectedResult;
    expect(reason).to.be.instanceOf(PublishError);
    expect((reason as Error).message).to.include("'same'");
    expect((await broker.publish(channel, bytes('3'), { id: 'same' })).id).to.equal('same');
  });

  it('refuses a payload over max_payload before anything is sent, and takes one of exactly that size', async () => {
    const channel = unique('large');
    const error = await refuses(
      () => broker.publish(channel, new Uint8Array(maxPayload)),
      FrameTooLargeError,
      ...[`publish('${channel}')`, 'max_payload', String(maxPayload)],
    );
    const envelope = (error.detail!['size'] as number) - maxPayload;
    const largest = new Uint8Array(maxPayload - envelope).map((_, index) => index);
    const tap = work(broker, channel, { start: earliest() });
    await broker.publish(channel, largest);
    expect(Buffer.compare((await tap.at(0)).value, largest)).to.equal(0);
    tap.unsubscribe();
    await refuses(() => broker.publish(channel, new Uint8Array(largest.length + 1)), FrameTooLargeError);
    await refuses(() => broker.publish(channel, largest, { replyTo: 'r' }), FrameTooLargeError);
    // in a sink it is a receipt, and the sink goes on
    const sink = broker.sink(channel);
    const [tooLarge, small] = await Promise.all([sink.send(new Uint8Array(maxPayload)), sink.send(bytes('small'))]);
    expect(tooLarge.error).to.be.instanceOf(FrameTooLargeError);
    expect(small.ok).to.equal(true);
  });

  it('names a cluster of which no server is there to all who ask, and works once there is one', async () => {
    const cluster = unique('late');
    const handle = handles.make({ url: server.url, cluster }, { connectTimeout: 2_000 });
    const told = new Told(handle);
    const errors = await Promise.all([
      failureOf(() => handle.connect()),
      failureOf(() => handle.publish('orders', bytes('x'))),
      failureOf(() => handle.messages('orders')),
    ]);
    for (const error of errors) {
      expect(error).to.be.instanceOf(ConnectionError);
      expect(error.message).to.include(`'${cluster}'`).and.include(`_STAN.discover.${cluster}`);
    }
    expect(told.states).to.deep.equal(['idle', 'connecting', 'idle']);
    const late = await startNatsStreaming({ cluster, externalNats: server });
    await works(handle);
    await handle.close();
    await late.stop();
  });

  it('names a cluster that does not answer and the time it had, and works once it does', async () => {
    const cluster = unique('mute');
    const mute = lent.real.subscribe(`_STAN.discover.${cluster}`);
    const handle = handles.make({ url: server.url, cluster }, { connectTimeout: 1_000 });
    const error = await failureOf(() => handle.connect());
    expect(error).to.be.instanceOf(BrokerTimeoutError);
    expect(error.message).to.include(`'${cluster}'`).and.include('1000 ms');
    mute.unsubscribe();
    const late = await startNatsStreaming({ cluster, externalNats: server });
    await works(handle);
    await handle.close();
    await late.stop();
  });

  it('refuses a client id that another process holds, and the owner goes on', async () => {
    const clientId = clientName();
    const owner = handles.make(server, { clientId });
    const channel = unique('owned');
    const tap = work(owner, channel, { start: earliest() });
    await put(owner, channel, '1');
    await tap.first(1);
    const told = new Told(owner);
    const second = handles.make(server, { clientId });
    const error = await failureOf(() => second.connect());
    expect(error).to.be.instanceOf(InUseError);
    expect(error.message).to.include(`'${clientId}'`).and.include(server.cluster);
    await put(owner, channel, '2');
    expect(textsOf(await tap.first(2))).to.deep.equal(['1', '2']);
    // closing the one that was refused does not end the owner's session
    await second.close();
    await put(owner, channel, '3');
    await tap.first(3);
    expect(told.events).to.deep.equal([]);
    // and the id is free as soon as its owner has gone
    await owner.close();
    await works(handles.make(server, { clientId }));
  });

  it('refuses everything after close', async () => {
    const handle = handles.make(server);
    const tap = listen(handle, 'orders');
    const sink = handle.sink('orders');
    await handle.connect();
    await handle.close();
    await tap.complete();
    expect((await sink.send(bytes('x'))).error).to.be.instanceOf(ClosedError);
    for (const call of [
      () => handle.values('orders'),
      () => handle.hot('orders'),
      () => of(bytes('x')).pipe(handle.publishTo('orders', { onError: 'throw' })),
    ]) {
      const error = await failureOf(call);
      expect(error).to.be.instanceOf(ClosedError);
      expect(error.message).to.include('closed');
    }
    await handle.close();
  });
});
