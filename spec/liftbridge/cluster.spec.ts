import { expect } from 'chai';
import { text } from '../../lib/codec/text.js';
import { PublishUncertainError } from '../../lib/core/errors.js';
import type { LiftbridgeBroker, LiftbridgeOptions } from '../../lib/liftbridge/index.js';
import { startLiftbridgeCluster, type LiftbridgeCluster } from '../support/brokers/index.js';
import { startProxy, type Proxy } from '../support/proxy.js';
import { until } from '../support/wait.js';
import {
  countEach,
  expectToldOfAll,
  expectUnbroken,
  fill,
  Flow,
  Handles,
  Load,
  named,
  newStream,
  oneOutage,
  readBack,
  Told,
  untilInterrupted,
  untilRecovered,
  Worker,
} from './support.js';

describe('liftbridge: a cluster of three', function () {
  this.timeout(90_000);
  let cluster: LiftbridgeCluster;
  const handles = new Handles();

  before(async () => {
    cluster = await startLiftbridgeCluster();
  });
  after(() => cluster.stop());
  afterEach(async () => {
    await handles.close();
    for (const node of cluster.nodes) if (node.pid === undefined) await cluster.restart(node.id);
  });

  const make = (options: LiftbridgeOptions = {}): LiftbridgeBroker =>
    handles.make(cluster.nodes[0]!, { brokers: cluster.urls, ackTimeout: 1_000, ...options });

  /** Makes a stream of which each node has a copy, and waits until they all know it and are up to date. */
  const copied = async (broker: LiftbridgeBroker): Promise<string> => {
    const stream = await newStream(broker, { replicationFactor: 3 });
    await cluster.untilKnown(stream);
    return stream;
  };

  const leaderOf = async (broker: LiftbridgeBroker, stream: string): Promise<string> => {
    const { streams } = await broker.metadata({ streams: [stream] });
    return streams[0]!.partitions[0]!.leader!;
  };

  /** Waits until it goes through, and kills the leader. */
  const killLeader = async (broker: LiftbridgeBroker, stream: string, load: Load, worker: Worker, count: number) => {
    const leader = await leaderOf(broker, stream);
    await until(() => load.confirmed.size > count / 5 && worker.acked.size > count / 20, { timeout: 40_000, every: 1 });
    await cluster.kill(leader);
    expect(load.confirmed.size, 'it is in the middle of it').to.be.below(count);
  };

  const expectWell = (told: Told): void => {
    expect(told.has('gap') || told.has('reset') || told.has('protocol')).to.equal(false);
    expect(told.of('disconnected').length).to.equal(told.of('reconnected').length);
  };

  it('the leader is killed while 50 000 messages go through: all are stored and arrive in their order', async () => {
    const count = 50_000;
    const [publisher, consumer] = [make(), make()];
    const stream = await copied(publisher);
    const [toldPublisher, toldConsumer] = [new Told(publisher), new Told(consumer)];
    const worker = new Worker(consumer, stream, { durable: 'worker' });
    const load = new Load(publisher, stream, count, { ackPolicy: 'all', resend: true, maxInFlight: 1024 });
    await killLeader(publisher, stream, load, worker, count);
    await untilInterrupted(toldConsumer);
    await load.done;
    expect(load.failed).to.deep.equal([]);
    await worker.hasAll(load.confirmed);

    const all = await readBack(make(), stream);
    expect(countEach(all).size).to.equal(count);
    await expectUnbroken(worker, '0', all);
    await untilRecovered(toldConsumer);
    expect(toldConsumer.states).to.deep.equal(oneOutage);
    // the publisher need not have had a connection to that node
    await untilRecovered(toldPublisher, toldPublisher.of('disconnected').length);
    for (const told of [toldPublisher, toldConsumer]) expectWell(told);
    // the position outlives the leader, too
    worker.stop();
    const last = all.at(-1)!.offset;
    await until(async () => (await consumer.fetchCursor({ stream, id: 'worker' })) === last);
  });

  it('without resend: what is uncertain is told, and all else is stored once', async () => {
    const count = 10_000;
    const maker = make();
    const stream = await copied(maker);
    const leader = await leaderOf(maker, stream);
    // the only address that it was given is that of the one that dies
    const broker = make({ brokers: cluster.node(leader).url });
    const told = new Told(broker);
    const worker = new Worker(broker, stream, { durable: 'worker' });
    const load = new Load(broker, stream, count, { ackPolicy: 'all', maxInFlight: 256 });
    await killLeader(maker, stream, load, worker, count);
    await load.done;
    await worker.hasAll(load.confirmed);

    const all = await readBack(make(), stream);
    const stored = countEach(all);
    expectToldOfAll(load, count, stored);
    for (const { error } of load.failed) expect(error).to.be.instanceOf(PublishUncertainError);
    expect(load.failed.length).to.be.greaterThan(0);
    expect(stored.size, 'nothing is stored twice').to.equal(all.length);
    await expectUnbroken(worker, '0', all);
    await untilRecovered(told);
    expect(told.states).to.deep.equal(oneOutage);
    expectWell(told);
  });

  it('a replica that is read from is killed: the source goes on from another', async () => {
    const maker = make();
    const stream = await copied(maker);
    const leader = await leaderOf(maker, stream);
    const proxies = new Map<string, Proxy>();
    for (const node of cluster.nodes) proxies.set(node.id, await startProxy(node));
    try {
      const resolveAddress = (_: string, port: number): Proxy =>
        proxies.get(cluster.nodes.find((node) => node.port === port)!.id)!;
      const seed = proxies.get(leader)!;
      const broker = make({ brokers: `${seed.host}:${seed.port}`, resolveAddress });
      const told = new Told(broker);
      const worker = new Worker(broker, stream, { readIsrReplica: true });
      // what is published goes through the leader as well, which stays
      const flow = new Flow(make({ brokers: cluster.node(leader).url }), stream);
      await until(() => worker.acked.size > 500);
      // requests go to the leader, so that any other connection is for reading
      const readFrom = [...proxies].flatMap(([id, { connections }]) => (id !== leader && connections > 0 ? [id] : []));
      expect(readFrom).to.have.length(1);
      await cluster.kill(readFrom[0]!);
      await untilInterrupted(told);
      await untilRecovered(told);
      const { offered } = flow;
      await until(() => flow.confirmed.has(`value ${offered}`));
      await flow.stop();
      expect(flow.failed, 'the leader is alive').to.deep.equal([]);
      await worker.hasAll(flow.confirmed);
      await expectUnbroken(worker, '0', await readBack(maker, stream));
      expectWell(told);
    } finally {
      await handles.close();
      await Promise.all([...proxies.values()].map((proxy) => proxy.stop()));
    }
  });

  it('all are killed and started again: what was published meanwhile is stored, and the source goes on', async () => {
    const [publisher, consumer] = [make({ ackTimeout: 2_000 }), make()];
    const stream = await copied(publisher);
    const [toldPublisher, toldConsumer] = [new Told(publisher), new Told(consumer)];
    const worker = new Worker(consumer, stream, { durable: 'worker' });
    await fill(publisher, stream, named('before', 100));
    await worker.hasAll(named('before', 100));
    await Promise.all(cluster.nodes.map(({ id }) => cluster.kill(id)));
    await Promise.all([untilInterrupted(toldPublisher), untilInterrupted(toldConsumer)]);
    const sink = publisher.sink(stream, { codec: text, ackPolicy: 'all', resend: true });
    const sent = named('meanwhile', 100).map((value) => sink.send(value));
    await Promise.all(cluster.nodes.map(({ id }) => cluster.restart(id)));
    for (const receipt of await Promise.all(sent)) expect(receipt.ok).to.equal(true);
    await worker.hasAll([...named('before', 100), ...named('meanwhile', 100)]);
    await Promise.all([untilRecovered(toldPublisher), untilRecovered(toldConsumer)]);
    const all = await readBack(make(), stream);
    expect(countEach(all).size).to.equal(200);
    await expectUnbroken(worker, '0', all);
    expect(toldConsumer.states).to.deep.equal(oneOutage);
    for (const told of [toldPublisher, toldConsumer]) expectWell(told);
  });
});
