import { connect } from 'nats';
import { config, delay, map, of, retry, take, throwError } from 'rxjs';
import { expect } from 'chai';
import { earliest } from '../../lib/core/starts.js';
import { ackConcatMap } from '../../lib/operators/ack-concat-map.js';
import { Tap } from '../contract/tap.js';
import { startNatsStreaming, type NatsStreamingServer } from '../support/brokers/index.js';
import { unique } from '../support/names.js';
import { startProxy } from '../support/proxy.js';
import { until } from '../support/wait.js';
import { LentConnection, listen, put, range, subscriptionsOf, textsOf, work } from './acceptance-kit.js';
import { Handles, Told } from './support.js';

describe('NATS Streaming: subscriptions', () => {
  const handles = new Handles();
  let server: NatsStreamingServer;

  before(async () => {
    server = await startNatsStreaming({ limits: { channels: 0, perChannel: { 'full.house': { subscriptions: 2 } } } });
  });

  after(() => server.stop());

  afterEach(() => handles.close());

  /** Waits until the channel has that many subscriptions, with that many messages unacked in all. */
  const stands = (channel: string, count: number, unacked = 0): Promise<unknown> =>
    until(
      async () => {
        const all = await subscriptionsOf(server, channel).catch(() => []);
        return all.length === count && all.reduce((sum, { pending_count }) => sum + pending_count, 0) === unacked;
      },
      { message: `${count} subscriptions with ${unacked} unacked` },
    );

  it('stall at the server when the window is full, and go on one for one', async () => {
    const channel = unique('window');
    const broker = handles.make(server, { closeTimeout: 50 });
    await put(broker, channel, ...range(1, 20));
    const tap = listen(broker, channel, { start: earliest(), maxInFlight: 5 });
    await tap.first(5);
    await until(async () => (await subscriptionsOf(server, channel))[0]?.is_stalled);
    await stands(channel, 1, 5);
    for (let acked = 0; acked < 10; acked++) {
      (await tap.at(acked)).ack();
      await tap.first(6 + acked);
      expect(tap.all.length).to.equal(6 + acked);
    }
    await stands(channel, 1, 5);
    const [subscription] = await subscriptionsOf(server, channel);
    expect(subscription).to.include({ max_inflight: 5, last_sent: 15 });
  });

  it('give what is not acked again, counted, and one ack settles all the copies', async () => {
    const channel = unique('copies');
    const broker = handles.make(server, { closeTimeout: 50 });
    await put(broker, channel, 'acked', 'late');
    const tap = listen(broker, channel, { start: earliest(), ackWait: 1_000 });
    (await tap.at(0)).ack();
    const copies = (await tap.first(4)).slice(1);
    expect(textsOf(copies)).to.deep.equal(['late', 'late', 'late']);
    expect(copies.map(({ redelivered }) => redelivered)).to.deep.equal([false, true, true]);
    expect(copies.map(({ redeliveries }) => redeliveries)).to.deep.equal([0, 1, 2]);
    expect(copies.map(({ settled }) => settled)).to.deep.equal([false, false, false]);
    copies[1]!.ack();
    expect(copies.map(({ settled }) => settled)).to.deep.equal([true, true, true]);
    for (const copy of copies) copy.ack();
    await stands(channel, 1);
    expect(tap.all.length).to.equal(4);
  });

  it('are twice on one channel in one handle, each with its own acks', async () => {
    const channel = unique('two');
    const broker = handles.make(server, { closeTimeout: 50 });
    await put(broker, channel, ...range(1, 3));
    const [one, other] = [work(broker, channel, { start: earliest() }), listen(broker, channel, { start: earliest() })];
    expect(textsOf(await one.first(3))).to.deep.equal(range(1, 3));
    expect(textsOf(await other.first(3))).to.deep.equal(range(1, 3));
    await stands(channel, 2, 3);
    one.unsubscribe();
    await stands(channel, 1, 3);
    for (const delivery of other.all) delivery.ack();
    await put(broker, channel, '4');
    expect(textsOf(await other.first(4))).to.deep.equal(range(1, 4));
  });

  it('survive a handler that throws: its message comes again, and nobody else notices', async () => {
    const channel = unique('throws');
    const lent = await LentConnection.to(server.url);
    const broker = handles.make(server, { nats: lent.like });
    const reported: unknown[] = [];
    const before = config.onUnhandledError;
    config.onUnhandledError = (error) => reported.push(error);
    try {
      const neighbour = work(broker, channel, { start: earliest() });
      const values: string[] = [];
      broker.messages(channel, { start: earliest(), ackWait: 1_000 }).subscribe((delivery) => {
        const [value] = textsOf([delivery]);
        values.push(value!);
        if (value === '2' && !delivery.redelivered) throw new Error('thrown in next()');
        delivery.ack();
      });
      await put(broker, channel, ...range(1, 4));
      await until(() => values.length === 5);
      expect(values).to.deep.equal(['1', '2', '3', '4', '2']);
      expect(textsOf(await neighbour.first(4))).to.deep.equal(range(1, 4));
      await until(() => reported.length === 1);
      // those who share the connection go on too
      const heard = lent.real.subscribe(channel, { max: 1 });
      lent.real.publish(channel, 'plain NATS');
      for await (const message of heard) expect(message.string()).to.equal('plain NATS');
      await stands(channel, 2);
    } finally {
      config.onUnhandledError = before;
      await handles.close();
      await lent.real.close();
    }
  });

  it('end with the error of a projection, without its ack, and resume a durable with retry()', async () => {
    const channel = unique('projection');
    const broker = handles.make(server);
    await put(broker, channel, ...range(1, 4));
    const neighbour = work(broker, channel, { start: earliest() });
    let failures = 0;
    const worked = broker.messages(channel, { durable: 'd', start: earliest() }).pipe(
      ackConcatMap((delivery) => {
        const [value] = textsOf([delivery]);
        return value === '3' && failures++ < 2
          ? throwError(() => new Error('projection'))
          : of(value!).pipe(
              delay(0),
              map((text) => text),
            );
      }),
    );
    const tap = new Tap(worked.pipe(retry({ count: 2 })));
    expect(await tap.first(4)).to.deep.equal(range(1, 4));
    expect(failures).to.equal(3);
    await neighbour.first(4);
    await stands(channel, 2);
  });

  it('end at the server when they are unsubscribed before it has answered', async () => {
    const channel = unique('pending');
    const proxy = await startProxy(server);
    const broker = handles.make(server, { servers: proxy.url });
    await broker.connect();
    await put(handles.make(server), channel, ...range(1, 3));
    proxy.stallToClient(true);
    const tap = listen(broker, channel, { start: earliest() });
    const durable = listen(broker, channel, { start: earliest(), durable: 'd' });
    await stands(channel, 2, 6);
    tap.unsubscribe();
    durable.unsubscribe();
    // the durable is wanted again while the answer for its first turn is still on its way
    const again = work(broker, channel, { durable: 'd' });
    proxy.stallToClient(false);
    expect(textsOf(await again.first(3))).to.deep.equal(range(1, 3));
    await stands(channel, 1);
    expect([tap.all, durable.all]).to.deep.equal([[], []]);
    await proxy.stop();
  });

  it('are asked for again when the answer does not come in time, and are there once', async () => {
    const channel = unique('unanswered');
    const proxy = await startProxy(server);
    const broker = handles.make(server, { servers: proxy.url, connectTimeout: 1_000 });
    const told = new Told(broker);
    await broker.connect();
    await put(handles.make(server), channel, ...range(1, 3));
    const watcher = await connect({ servers: server.url });
    const closes = watcher.subscribe(`_STAN.subclose.${server.cluster}`);
    proxy.stallToClient(true);
    const taps = [
      work(broker, channel, { durable: 'd', start: earliest() }),
      work(broker, channel, { start: earliest() }),
    ];
    // given up by the handle: it says so to the server, which may have made them
    await closes[Symbol.asyncIterator]().next();
    proxy.stallToClient(false);
    for (const tap of taps) expect(textsOf(await tap.first(3))).to.deep.equal(range(1, 3));
    await stands(channel, 2);
    expect(taps.map(({ all }) => all.length)).to.deep.equal([3, 3]);
    expect(taps.map(({ error }) => error)).to.deep.equal([undefined, undefined]);
    expect(told.states).to.deep.equal(['idle', 'connecting', 'connected']);
    await watcher.close();
    await proxy.stop();
  });

  it('leave with take(n) only when their acks have left', async () => {
    const channel = unique('take');
    const broker = handles.make(server);
    await put(broker, channel, ...range(1, 10));
    const got: string[] = [];
    const taken = new Tap(broker.messages(channel, { start: earliest(), durable: 'd' }).pipe(take(4)), (delivery) => {
      got.push(...textsOf([delivery]));
    });
    const deliveries = await taken.complete();
    // what was emitted can be acked after the end; the subscription waits for that, silent
    for (const delivery of deliveries) delivery.ack();
    await until(async () => (await subscriptionsOf(server, channel))[0]?.is_offline);
    expect(got).to.deep.equal(range(1, 4));
    expect(textsOf(await work(broker, channel, { durable: 'd' }).first(6))).to.deep.equal(range(5, 10));
  });

  it('take acks after their end, after the close, and twice, for nothing', async () => {
    const channel = unique('late');
    const broker = handles.make(server, { closeTimeout: 50 });
    await put(broker, channel, ...range(1, 2));
    const tap = listen(broker, channel, { start: earliest() });
    const [one, two] = await tap.first(2);
    one!.ack();
    one!.ack();
    await broker.close();
    two!.ack();
    two!.release();
    expect(two!.settled).to.equal(true);
  });

  it('that are one too many for the server fail, and the others go on', async () => {
    const broker = handles.make(server, { closeTimeout: 50 });
    const taps = [work(broker, 'full.house'), work(broker, 'full.house')];
    await stands('full.house', 2);
    const third = listen(broker, 'full.house');
    const error = (await third.failed()) as Error;
    expect(error).to.have.property('code', 'STREAM_UNAVAILABLE');
    expect(error.message).to.include("messages('full.house')").and.include('too many subscriptions');
    await put(broker, 'full.house', '1');
    for (const tap of taps) expect(textsOf(await tap.first(1))).to.deep.equal(['1']);
  });

  it('on a name that differs in letter case alone are refused, with what the server says', async () => {
    const channel = unique('case');
    const broker = handles.make(server);
    await put(broker, channel, '1');
    const error = (await listen(broker, channel.toUpperCase()).failed()) as Error;
    expect(error).to.have.property('code', 'INVALID_OPTION');
    expect(error.message).to.include(channel.toUpperCase()).and.include('different cases not allowed');
    expect(textsOf(await work(broker, channel, { start: earliest() }).first(1))).to.deep.equal(['1']);
  });
});
