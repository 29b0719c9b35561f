import { expect } from 'chai';
import { connect, type NatsConnection } from 'nats';
import { earliest, newOnly } from '../../lib/core/starts.js';
import { encodeCloseRequest } from '../../lib/nats-streaming/codec/close.js';
import type { NatsStreamingBroker } from '../../lib/nats-streaming/index.js';
import { startNatsStreaming, type NatsStreamingServer } from '../support/brokers/index.js';
import { unique } from '../support/names.js';
import { startProxy, type Proxy } from '../support/proxy.js';
import { until } from '../support/wait.js';
import { listen, put, range, subscriptionsOf, textsOf, work } from './acceptance-kit.js';
import { Handles, Load, Told, Worker } from './support.js';

describe('NATS Streaming: a session that the server has forgotten', () => {
  const handles = new Handles();
  const limited = unique('limited');
  let server: NatsStreamingServer;
  let proxy: Proxy;
  let neighbour: NatsConnection;
  let broker: NatsStreamingBroker;
  let other: NatsStreamingBroker;
  let told: Told;

  before(async () => {
    server = await startNatsStreaming({ limits: { channels: 0, perChannel: { [limited]: { messages: 3 } } } });
    neighbour = await connect({ servers: server.url });
  });

  after(async () => {
    await neighbour.close();
    await server.stop();
  });

  beforeEach(async () => {
    proxy = await startProxy(server);
    broker = handles.make(server, { servers: proxy.url, pingInterval: 1_000, closeTimeout: 50 });
    other = handles.make(server);
    told = new Told(broker);
  });

  afterEach(async () => {
    await handles.close();
    await proxy.stop();
  });

  /** Whoever knows the client id can end its session: the server forgets it as if it had timed out. */
  async function forget(): Promise<void> {
    await neighbour.request(`_STAN.close.${server.cluster}`, encodeCloseRequest({ clientId: broker.clientId }));
  }

  /** The handle is away while the server forgets it and `meanwhile` happens, and then comes back. */
  async function away(meanwhile: () => Promise<void> = () => Promise.resolve()): Promise<void> {
    await proxy.refuse(true);
    proxy.cut();
    await until(() => told.states.at(-1) === 'reconnecting');
    await forget();
    await meanwhile();
    await proxy.refuse(false);
    await until(() => told.of('reconnected').some(({ session }) => session === 'renewed'));
  }

  const unacked = async (channel: string): Promise<number> =>
    (await subscriptionsOf(server, channel)).reduce((sum, { pending_count }) => sum + pending_count, 0);

  for (const durable of [undefined, 'd']) {
    it(`is renewed, and acks of the old one settle what comes again (${durable ?? 'no'} durable)`, async () => {
      const channel = unique('renewed');
      const tap = listen(broker, channel, { start: earliest(), ackWait: 60_000, ...(durable && { durable }) });
      await put(other, channel, ...range(1, 5));
      const old = await tap.first(5);
      await away(async () => {
        old[0]!.ack();
        old[1]!.ack();
        await put(other, channel, '6');
      });
      // what was acked meanwhile comes again from the server, and nobody sees it
      await until(() => tap.all.some(({ offset }) => offset === 6n));
      const again = tap.all.slice(5);
      expect(textsOf(again)).to.deep.equal(range(3, 6));
      await until(async () => (await unacked(channel)) === 4);
      for (const delivery of old) delivery.ack();
      expect(again.map(({ settled }) => settled)).to.deep.equal([true, true, true, false]);
      again[3]!.ack();
      await until(async () => (await unacked(channel)) === 0);
      expect(told.of('gap')).to.deep.equal([]);
      expect(tap.error).to.equal(undefined);
    });
  }

  it('leaves out what the server has removed meanwhile, and tells of it', async () => {
    const tap = work(broker, limited, { start: earliest() });
    await put(other, limited, ...range(1, 3));
    await tap.first(3);
    await away(() => put(other, limited, ...range(4, 10)));
    expect(textsOf(await tap.first(6))).to.deep.equal([...range(1, 3), ...range(8, 10)]);
    expect(told.of('gap')).to.have.lengthOf(1);
    expect(told.of('gap')[0]).to.include({ channel: limited, from: 4n, to: 7n });
  });

  it('goes back by time where nothing had come yet, and says that it cannot know', async () => {
    const channel = unique('nothing-yet');
    const tap = work(broker, channel, { start: newOnly() });
    await until(async () => (await subscriptionsOf(server, channel)).length === 1);
    await away(() => put(other, channel, '1', '2'));
    await put(other, channel, '3');
    expect(textsOf(await tap.first(3))).to.deep.equal(range(1, 3));
    expect(told.of('gap').map(({ channel: where }) => where)).to.deep.equal([channel]);
  });

  it('is found out by the next ping alone, while nothing else happens', async () => {
    const channel = unique('quiet');
    const tap = work(broker, channel, { start: earliest() });
    await put(other, channel, '1');
    await tap.first(1);
    await forget();
    await put(other, channel, '2');
    expect(textsOf(await tap.first(2))).to.deep.equal(['1', '2']);
    expect(told.states).to.deep.equal(['idle', 'connecting', 'connected', 'reconnecting', 'connected']);
    await until(async () => (await subscriptionsOf(server, channel)).length === 1);
  });

  it('loses nothing under load, when drops and forgetting follow each other', async () => {
    const channel = unique('load');
    const count = 4_000;
    const plain = new Worker(broker, channel, { ackWait: 1_000, maxInFlight: 64 });
    const durable = new Worker(broker, channel, { ackWait: 1_000, maxInFlight: 64, durable: 'd' });
    const load = new Load(other, channel, count, { maxInFlight: 64 });
    for (const reached of [500, 1_500, 2_500]) {
      await until(() => plain.acked.size > reached && durable.acked.size > reached);
      // messages are on the wire when it drops, and again when the server forgets
      proxy.cut();
      await until(() => told.states.at(-1) === 'connected');
      await forget();
    }
    await load.done;
    await plain.hasAll(load.confirmed);
    await durable.hasAll(load.confirmed);
    expect(load.confirmed.size).to.equal(count);
    for (const worker of [plain, durable]) {
      expect(worker.ackedAndEmitted).to.deep.equal([]);
      expect(worker.ended).to.equal(undefined);
    }
    expect(told.of('reconnected').filter(({ session }) => session === 'renewed').length).to.be.at.least(3);
    expect(told.has('reset')).to.equal(false);
  });
});
