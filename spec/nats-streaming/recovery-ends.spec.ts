import { expect } from 'chai';
import { connect, type NatsConnection } from 'nats';
import { ClosedError, ConnectionError, PublishUncertainError, WeirError } from '../../lib/core/errors.js';
import { earliest } from '../../lib/core/starts.js';
import { encodeCloseRequest } from '../../lib/nats-streaming/codec/close.js';
import type { NatsStreamingBroker } from '../../lib/nats-streaming/index.js';
import { startNatsServer, startNatsStreaming, type NatsStreamingServer } from '../support/brokers/index.js';
import { unique } from '../support/names.js';
import { startProxy, type Proxy } from '../support/proxy.js';
import { until } from '../support/wait.js';
import { bytes, failureOf, listen, put, range, subscriptionsOf, textsOf, work } from './acceptance-kit.js';
import { Handles, Told } from './support.js';

describe('NATS Streaming: ends of recovery', () => {
  const handles = new Handles();
  let server: NatsStreamingServer;
  let proxy: Proxy;

  before(async () => {
    server = await startNatsStreaming({ limits: { channels: 0 } });
  });

  after(() => server.stop());

  beforeEach(async () => {
    proxy = await startProxy(server);
  });

  afterEach(async () => {
    await handles.close();
    await proxy.stop();
  });

  const unacked = async (where: NatsStreamingServer, channel: string): Promise<number> =>
    (await subscriptionsOf(where, channel)).reduce((sum, { pending_count }) => sum + pending_count, 0);

  /** Closes twice, in the middle of it, and sees that all who waited are told. */
  async function closes(broker: NatsStreamingBroker, told: Told): Promise<void> {
    const channel = unique('closing');
    const before = told.states.at(-1);
    const tap = listen(broker, channel, { start: earliest() });
    const values = broker.publishFrom(channel, range(1, 5).map(bytes));
    const receipts: unknown[] = [];
    values.subscribe(({ error }) => receipts.push(error));
    const published = failureOf(() => broker.publish(channel, bytes('x')));
    await Promise.all([broker.close(), broker.close()]);
    expect(await published).to.be.instanceOf(WeirError);
    for (const error of receipts) expect(error).to.be.instanceOf(ClosedError);
    await tap.complete();
    // whoever came while it was reconnecting, it was that until it closed
    expect(told.states.slice(-2)).to.deep.equal([before, 'closed']);
    expect(told.of('abandoned')).to.have.lengthOf(1);
    expect(await failureOf(() => broker.connect())).to.be.instanceOf(ClosedError);
  }

  describe('close()', () => {
    const options = { closeTimeout: 100, pingInterval: 1_000, pingMaxOut: 1 };

    it('while the link is down', async () => {
      const broker = handles.make(server, { ...options, servers: proxy.url });
      const told = new Told(broker);
      await broker.connect();
      await proxy.refuse(true);
      proxy.cut();
      await until(() => told.states.at(-1) === 'reconnecting');
      await closes(broker, told);
    });

    it('while it asks a silent server whether it knows the session', async () => {
      const broker = handles.make(server, { ...options, servers: proxy.url });
      const told = new Told(broker);
      await broker.connect();
      proxy.stallToClient(true);
      await until(() => told.states.at(-1) === 'reconnecting');
      await closes(broker, told);
    });

    it('while it waits for the first connection, which may take its time', async () => {
      await proxy.refuse(true);
      const patient = { servers: proxy.url, reconnect: { initial: true, initialDelay: 50 } };
      const broker = handles.make(server, { ...options, ...patient });
      const told = new Told(broker);
      const connecting = failureOf(() => broker.connect());
      await until(() => told.states.at(-1) === 'connecting');
      await closes(broker, told);
      expect(await connecting).to.be.instanceOf(ClosedError);
    });

    it('while it registers anew, and the client id is free', async () => {
      const broker = handles.make(server, { ...options, servers: proxy.url });
      const told = new Told(broker);
      await broker.connect();
      const neighbour = await connect({ servers: server.url });
      // what the server answers to its registration does not come through
      broker.status.subscribe(({ state }) => {
        proxy.stallToClient(state === 'reconnecting');
      });
      await neighbour.request(`_STAN.close.${server.cluster}`, encodeCloseRequest({ clientId: broker.clientId }));
      await until(() => told.states.at(-1) === 'reconnecting');
      await closes(broker, told);
      const next = handles.make(server, { clientId: broker.clientId });
      await put(next, unique('next'), '1');
      await neighbour.close();
    });
  });

  it('errors the sources when the attempts are used up, and connects anew when it is used again', async () => {
    const channel = unique('given-up');
    const broker = handles.make(server, {
      servers: proxy.url,
      reconnect: { initialDelay: 10, maxDelay: 20, maxAttempts: 3 },
    });
    const told = new Told(broker);
    await put(broker, channel, '1');
    const taps = [
      work(broker, channel, { start: earliest() }),
      work(broker, channel, { durable: 'd', start: earliest() }),
    ];
    for (const tap of taps) await tap.first(1);
    await proxy.refuse(true);
    proxy.cut();
    const waiting = failureOf(() => broker.publish(channel, bytes('lost')));
    for (const tap of taps) {
      const error = await tap.failed();
      expect(error).to.be.instanceOf(ConnectionError).with.property('retriable', false);
      expect((error as Error).message).to.include('3 attempts');
    }
    expect(await waiting).to.be.instanceOf(WeirError);
    expect(told.states.at(-1)).to.equal('idle');
    await proxy.refuse(false);
    await put(broker, channel, '2');
    expect(textsOf(await work(broker, channel, { durable: 'd' }).first(1))).to.deep.equal(['2']);
    expect(textsOf(await work(broker, channel, { start: earliest() }).first(2))).to.deep.equal(['1', '2']);
  });

  it('does not connect again where it was told not to', async () => {
    const channel = unique('never-again');
    const broker = handles.make(server, { servers: proxy.url, reconnect: false });
    const tap = work(broker, channel, { start: earliest() });
    await put(broker, channel, '1');
    await tap.first(1);
    proxy.cut();
    expect(await tap.failed()).to.be.instanceOf(ConnectionError);
    await put(broker, channel, '2');
    expect(textsOf(await work(broker, channel, { start: earliest() }).first(2))).to.deep.equal(['1', '2']);
  });

  describe('a borrowed connection', () => {
    it('carries two handles that know nothing of each other, and outlives both', async () => {
      const nats = await connect({ servers: server.url });
      const [one, two] = [handles.make(server, { nats }), handles.make(server, { nats })];
      const channel = unique('shared');
      const told = new Told(two);
      const taps = [one, two].map((broker) => work(broker, channel, { start: earliest() }));
      await put(one, channel, '1');
      await put(two, channel, '2');
      for (const tap of taps) expect(textsOf(await tap.first(2))).to.deep.equal(['1', '2']);
      await one.close();
      await put(two, channel, '3');
      expect(textsOf(await taps[1]!.first(3))).to.deep.equal(range(1, 3));
      expect(told.states).to.deep.equal(['idle', 'connecting', 'connected']);
      await two.close();
      expect(nats.isClosed()).to.equal(false);
      await nats.flush();
      await nats.close();
    });

    it('that its owner closes ends the sources, typed; one that a function makes is replaced', async () => {
      const channel = unique('lent');
      const lent: NatsConnection[] = [await connect({ servers: server.url })];
      const only = handles.make(server, { nats: lent[0]! });
      const replaced = handles.make(server, {
        nats: async () => {
          const nats = await connect({ servers: server.url });
          lent.push(nats);
          return nats;
        },
      });
      const told = new Told(replaced);
      await put(only, channel, '1');
      const ends = work(only, channel, { start: earliest() });
      const goesOn = work(replaced, channel, { start: earliest() });
      await Promise.all([ends.first(1), goesOn.first(1)]);
      await Promise.all(lent.map((nats) => nats.close()));
      expect(await ends.failed()).to.be.instanceOf(ConnectionError);
      expect(await failureOf(() => only.publish(channel, bytes('x')))).to.be.instanceOf(ConnectionError);
      await put(replaced, channel, '2');
      expect(textsOf(await goesOn.first(2))).to.deep.equal(['1', '2']);
      expect(lent).to.have.lengthOf(3);
      expect(told.of('reconnected').map(({ session }) => session)).to.deep.equal(['renewed']);
      await handles.close();
      expect(lent[2]!.isClosed()).to.equal(false);
      await lent[2]!.close();
    });
  });

  it('lets no ack of a message that is gone settle the one that has its sequence in the new channel', async () => {
    const own = await startNatsStreaming({ needs: 'control' });
    const channel = unique('sequences');
    const broker = handles.make(own, { closeTimeout: 50 });
    const told = new Told(broker);
    const taps = [
      listen(broker, channel, { start: earliest() }),
      listen(broker, channel, { start: earliest(), durable: 'd' }),
    ];
    await put(broker, channel, 'old 1', 'old 2');
    const old = (await Promise.all(taps.map((tap) => tap.first(2)))).flat();
    await own.restart();
    await until(() => told.of('reconnected').length === 1);
    await put(broker, channel, 'new 1', 'new 2');
    for (const tap of taps) expect(textsOf(await tap.first(4))).to.deep.equal(['old 1', 'old 2', 'new 1', 'new 2']);
    for (const delivery of old) delivery.ack();
    const fresh = taps.flatMap((tap) => tap.all.slice(2));
    expect(fresh.map(({ settled }) => settled)).to.deep.equal([false, false, false, false]);
    // the subscription that read the new channel from its middle may take a moment to end
    await until(async () => (await unacked(own, channel)) === 4);
    for (const delivery of fresh) delivery.ack();
    await until(async () => (await unacked(own, channel)) === 0);
    expect(told.of('reset').map(({ channel: where, last }) => [where, last])).to.deep.include([channel, 2n]);
    await handles.close();
    await own.stop();
  });

  it('keeps the session over a NATS server that is restarted while the streaming server runs on', async () => {
    const nats = await startNatsServer();
    const own = await startNatsStreaming({ externalNats: nats, needs: 'control' });
    const channel = unique('between');
    const broker = handles.make(own);
    const told = new Told(broker);
    const tap = work(broker, channel, { start: earliest(), ackWait: 1_000 });
    await put(broker, channel, '1');
    await tap.first(1);
    await nats.restart();
    await until(() => told.of('reconnected').length > 0, { timeout: 20_000 });
    const outcome = await broker.publish(channel, bytes('2')).catch((error: unknown) => error);
    if (outcome instanceof WeirError) expect(outcome).to.be.instanceOf(PublishUncertainError);
    await put(broker, channel, '3');
    await until(() => textsOf(tap.all).includes('3'));
    expect(told.of('reconnected').every(({ session }) => session === 'kept')).to.equal(true);
    expect(tap.error).to.equal(undefined);
    await handles.close();
    await own.stop();
    await nats.stop();
  });
});
