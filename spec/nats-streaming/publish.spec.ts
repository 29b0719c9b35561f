import { expect } from 'chai';
import { connect } from 'nats';
import { lastValueFrom, toArray } from 'rxjs';
import { BrokerTimeoutError, InvalidOptionError, PublishError, PublishUncertainError } from '../../lib/core/errors.js';
import { earliest, untilOffset } from '../../lib/core/starts.js';
import { encodeCloseRequest } from '../../lib/nats-streaming/codec/close.js';
import type { NatsStreamingBroker } from '../../lib/nats-streaming/index.js';
import { startNatsServer, startNatsStreaming, type NatsStreamingServer } from '../support/brokers/index.js';
import { unique } from '../support/names.js';
import { startProxy } from '../support/proxy.js';
import { until } from '../support/wait.js';
import { bytes, failureOf, put, range, storedIn, textsOf, work } from './acceptance-kit.js';
import { Handles, Told } from './support.js';

describe('NATS Streaming: publishing', () => {
  const handles = new Handles();
  let server: NatsStreamingServer;

  before(async () => {
    server = await startNatsStreaming({ limits: { channels: 0 } });
  });

  after(() => server.stop());

  afterEach(() => handles.close());

  /** All that the channel holds, in its order. */
  async function contents(broker: NatsStreamingBroker, channel: string): Promise<string[]> {
    const count = await storedIn(server, channel);
    return textsOf(await work(broker, channel, { start: earliest(), until: untilOffset(count) }).complete());
  }

  it('keeps the order, whichever way and however small the window', async () => {
    const broker = handles.make(server);
    const texts = range(1, 2_000);
    for (const maxInFlight of [1, 10, 1_024]) {
      const channel = unique('order');
      const values = texts.map(bytes);
      const receipts = await lastValueFrom(broker.publishFrom(channel, values, { maxInFlight }).pipe(toArray()));
      expect(receipts.map(({ value }) => value)).to.deep.equal(values);
      expect(await contents(broker, channel)).to.deep.equal(texts);
    }
    const channel = unique('order');
    const sink = broker.sink(channel, { maxInFlight: 7 });
    for (const text of texts) sink.next(bytes(text));
    await sink.flush();
    expect(await contents(broker, channel)).to.deep.equal(texts);
  });

  it('carries nothing, all bytes, ids of the user, and a replyTo', async () => {
    const channel = unique('fields');
    const broker = handles.make(server);
    const all = Uint8Array.from({ length: 256 }, (_, index) => index);
    expect((await broker.publish(channel, new Uint8Array(0), { replyTo: 'a.b' })).id).to.match(/^\S{20,}$/);
    const odd = 'ein "Umlaut": ü\u0000';
    expect(await broker.publish(channel, all, { id: odd, replyTo: odd })).to.deep.equal({
      ok: true,
      confirmed: true,
      value: all,
      channel,
      id: odd,
    });
    const [empty, full] = await work(broker, channel, { start: earliest() }).first(2);
    expect([empty!.value.length, empty!.replyTo]).to.deep.equal([0, 'a.b']);
    expect([Buffer.compare(full!.value, all), full!.replyTo]).to.deep.equal([0, odd]);
  });

  it('tells what the server refuses, each with its reason, and goes on', async () => {
    const own = await startNatsStreaming({ limits: { channels: 2 } });
    const broker = handles.make(own);
    await put(broker, 'one', '1');
    await put(broker, 'two', '1');
    const refusals: [channel: string, reason: RegExp][] = [
      ['three', /^too many channels$/],
      ['ONE', /^rejecting channel "ONE" because channel "one" .*different cases not allowed/],
    ];
    for (const [channel, reason] of refusals) {
      const error = await failureOf(() => broker.publish(channel, bytes('x')));
      expect(error).to.be.instanceOf(PublishError).and.not.instanceOf(PublishUncertainError);
      expect(error.detail!['error']).to.match(reason);
      expect(error.message).to.include(`'${channel}'`).and.include(error.detail!['error']);
      // in a stream, one refusal in the middle is a receipt among the others
      const [first, second] = await lastValueFrom(
        broker.publishFrom(channel, [bytes('1'), bytes('2')], { maxInFlight: 1 }).pipe(toArray()),
      );
      expect([first!.error, second!.error].every((each) => each instanceof PublishError)).to.equal(true);
    }
    await put(broker, 'one', '2');
    await handles.close();
    await own.stop();
  });

  it('gives up on a confirmation that does not come in time, frees its place, and ignores it when it comes late', async () => {
    const channel = unique('late');
    const proxy = await startProxy(server);
    const broker = handles.make(server, { servers: proxy.url, ackTimeout: 300 });
    const told = new Told(broker);
    await broker.connect();
    const sink = broker.sink(channel, { maxInFlight: 1 });
    proxy.stallToClient(true);
    const [first, second] = await Promise.all([sink.send(bytes('1')), sink.send(bytes('2'))]);
    for (const receipt of [first, second]) {
      expect(receipt.error).to.be.instanceOf(PublishUncertainError);
      expect(receipt.error!.cause).to.be.instanceOf(BrokerTimeoutError);
      expect(receipt.error!.message).to.include(channel).and.include('300 ms');
    }
    await until(async () => (await storedIn(server, channel)) === 2);
    proxy.stallToClient(false);
    expect((await sink.send(bytes('3'))).ok).to.equal(true);
    expect(await storedIn(server, channel)).to.equal(3);
    expect(told.events).to.deep.equal([]);
    await handles.close();
    await proxy.stop();
  });

  it('sends what was published while the connection was down when it is back, once and in order', async () => {
    const channel = unique('down');
    const proxy = await startProxy(server);
    const broker = handles.make(server, { servers: proxy.url });
    const told = new Told(broker);
    await put(broker, channel, ...range(1, 3));
    await proxy.refuse(true);
    proxy.cut();
    await until(() => told.states.at(-1) === 'reconnecting');
    const waiting = put(broker, channel, ...range(4, 2_000));
    const abort = new AbortController();
    const withdrawn = failureOf(() => broker.publish(channel, bytes('withdrawn'), { signal: abort.signal }));
    abort.abort(new Error('changed my mind'));
    expect((await withdrawn).message).to.equal('changed my mind');
    expect(await storedIn(server, channel)).to.equal(3);
    await proxy.refuse(false);
    await waiting;
    expect(await contents(handles.make(server), channel)).to.deep.equal(range(1, 2_000));
    await handles.close();
    await proxy.stop();
  });

  it('sends again what was refused because the server had forgotten the session: it is stored once', async () => {
    const channel = unique('forgotten');
    const broker = handles.make(server);
    const told = new Told(broker);
    await put(broker, channel, '1');
    // whoever knows the client id can end a session
    const other = await connect({ servers: server.url });
    const close = encodeCloseRequest({ clientId: broker.clientId });
    await other.request(`_STAN.close.${server.cluster}`, close);
    await put(broker, channel, ...range(2, 100));
    expect(told.of('reconnected').map(({ session }) => session)).to.deep.equal(['renewed']);
    expect(await contents(broker, channel)).to.deep.equal(range(1, 100));
    await other.close();
  });

  it('takes the silence behind a NATS server for no confirmation, and says when it gives up', async () => {
    const nats = await startNatsServer();
    const own = await startNatsStreaming({ externalNats: nats, store: 'file', needs: 'control' });
    const broker = handles.make(own, { ackTimeout: 1_000, pingInterval: 1_000 });
    const told = new Told(broker);
    await put(broker, 'orders', '1');
    await own.kill();
    // nobody listens: the NATS server answers with a 503, which is empty, as a good answer to a ping is
    const error = await failureOf(() => broker.publish('orders', bytes('2')));
    expect(error).to.be.instanceOf(PublishUncertainError);
    await until(() => told.states.at(-1) === 'reconnecting');
    const waiting = broker.publish('orders', bytes('3'));
    await own.restart();
    expect((await waiting).confirmed).to.equal(true);
    expect(textsOf(await work(broker, 'orders', { start: earliest() }).first(2))).to.deep.equal(['1', '3']);
    await handles.close();
    await own.stop();
    await nats.stop();
  });

  it('takes a message function, refuses what it makes of one value, and publishes the others', async () => {
    const channel = unique('message');
    const broker = handles.make(server);
    const message = (text: string): { value: Uint8Array; replyTo?: string; id?: string } => {
      if (text === '2') throw new Error('no message for 2');
      return { value: bytes(text), replyTo: `reply.${text}`, ...(text === '3' && { id: '' }) };
    };
    const receipts = await lastValueFrom(
      broker.publishFrom(channel, range(1, 4), { message, maxInFlight: 1 }).pipe(toArray()),
    );
    const results = new Map(receipts.map(({ value, error }) => [value, error]));
    expect([results.get('1'), results.get('4')]).to.deep.equal([undefined, undefined]);
    expect(results.get('2')!.message).to.include('no message for 2');
    expect(results.get('3')).to.be.instanceOf(InvalidOptionError);
    const got = await work(broker, channel, { start: earliest() }).first(2);
    expect(got.map(({ replyTo }) => replyTo)).to.deep.equal(['reply.1', 'reply.4']);
  });
});
