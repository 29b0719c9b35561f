import { expect } from 'chai';
import { PublishUncertainError } from '../../lib/core/errors.js';
import { routeByHash, type RabbitMqStreamBroker } from '../../lib/rabbitmq-stream/index.js';
import { startRabbitMqCluster, type RabbitMqCluster, type RabbitMqNode } from '../support/brokers/index.js';
import { unique } from '../support/names.js';
import { until } from '../support/wait.js';
import {
  countEach,
  expectToldOfAll,
  expectUnbroken,
  holesIn,
  readBack,
  untilPlaced,
  untilRecovered,
  valuesOf,
} from './faults-kit.js';
import { Handles, Load, newStream, Told, valuesUpTo, Worker } from './support.js';

describe('rabbitmq-stream: a cluster of three', function () {
  this.timeout(90_000);
  let cluster: RabbitMqCluster;
  const handles = new Handles();

  before(async () => {
    cluster = await startRabbitMqCluster();
  });
  after(() => cluster.stop());
  afterEach(async () => {
    await handles.close();
    for (const node of cluster.nodes) if (node.pid === undefined) await node.restart();
  });

  const make = (connectionName: string): RabbitMqStreamBroker =>
    handles.make(cluster.nodes[0]!, { url: cluster.nodes.map(({ url }) => url), connectionName });

  /** Where a connection of a handle is. */
  const nodeOf = async (connectionName: string): Promise<string> =>
    (await cluster.management.untilConnected(connectionName))[0]!.node;

  /** Kills the node and waits until another one leads the stream. */
  const killLeader = async (stream: string): Promise<RabbitMqNode> => {
    const leader = await cluster.leaderOf(stream);
    await leader.kill();
    return leader;
  };

  it('the leader is killed while 100 000 messages go through: all arrive, and none is stored twice', async () => {
    const count = 100_000;
    const [one, other] = [unique('publisher'), unique('consumer')];
    const [publisher, consumer] = [make(one), make(other)];
    const stream = await newStream(publisher);
    await untilPlaced(cluster, stream);
    const [toldPublisher, toldConsumer] = [new Told(publisher), new Told(consumer)];
    const worker = new Worker(consumer, stream, { durable: 'worker' });
    // the connections are listed within two seconds: long before there is much to do for them
    const first = new Load(publisher, stream, 1, { producer: 'p' });
    await first.done;
    const { leader, members } = await cluster.management.streamMembers(stream);
    expect(members).to.have.length(3);
    expect(await nodeOf(`${one}-producer-1`)).to.equal(leader);
    expect(await nodeOf(`${other}-consumer-1`)).to.not.equal(leader);

    const load = new Load(publisher, stream, count, { producer: 'p2', maxInFlight: 1024 });
    await until(() => load.confirmed.size > count / 5 && worker.acked.size > count / 20, { timeout: 30_000, every: 1 });
    const killed = await killLeader(stream);
    expect(load.confirmed.size, 'it is in the middle of it').to.be.below(count);
    await load.done;
    expect(load.failed).to.deep.equal([]);
    expect(load.confirmed.size).to.equal(count);

    const stored = await readBack(handles.make(await cluster.leaderOf(stream)), stream);
    expect(valuesOf(stored)).to.deep.equal(['value 0', ...valuesUpTo(count)]);
    await expectUnbroken(worker, stream, stored);
    // positions are stored every 10 000 messages or 5 s
    expect(holesIn(stored).length).to.be.below(40);
    await untilRecovered(toldPublisher);
    // the consumer need not have had a connection to that node
    await untilRecovered(toldConsumer, toldConsumer.of('disconnected').length);
    for (const told of [toldPublisher, toldConsumer]) {
      expect(told.has('gap') || told.has('reset') || told.has('protocol')).to.equal(false);
      expect(told.of('disconnected').length).to.equal(told.of('reconnected').length);
    }
    await killed.restart();
    await cluster.untilOnline(stream, 3);
    // the position outlives the leader, too
    worker.stop();
    const last = stored.at(-1)!.offset;
    await until(async () => (await consumer.queryOffset('worker', stream)) >= last);
  });

  it('without a name: what is uncertain is told, and all else is stored once', async () => {
    const count = 20_000;
    const broker = make(unique('unnamed'));
    const stream = await newStream(broker);
    await untilPlaced(cluster, stream);
    const worker = new Worker(broker, stream, { durable: 'worker' });
    const load = new Load(broker, stream, count);
    await until(() => load.confirmed.size > count / 5, { timeout: 20_000, every: 1 });
    await killLeader(stream);
    await load.done;
    const stored = await readBack(broker, stream);
    const counts = countEach(stored);
    expectToldOfAll(load, count, counts);
    for (const { error } of load.failed) expect(error).to.be.instanceOf(PublishUncertainError);
    expect(counts.size).to.equal(stored.length);
    await expectUnbroken(worker, stream, stored);
  });

  it('a super stream: the leader of one partition is killed, and each message is in its partition once', async () => {
    const count = 10_000;
    const broker = make(unique('super'));
    const channel = unique('super');
    await broker.createSuperStream(channel, { partitions: 3 });
    const partitions = await broker.partitions(channel);
    for (const partition of partitions) await untilPlaced(cluster, partition);
    const worker = new Worker(broker, channel, { durable: 'worker', superStream: true });
    const load = new Load(broker, channel, count, {
      producer: 'p',
      superStream: true,
      routing: routeByHash((value: string) => value),
    });
    await until(() => load.confirmed.size > count / 5, { timeout: 20_000, every: 1 });
    await killLeader(partitions[0]!);
    await load.done;
    await worker.hasAll(valuesUpTo(count));
    expect(load.failed).to.deep.equal([]);
    const all: string[] = [];
    for (const partition of partitions) {
      const stored = await readBack(broker, partition);
      expect(stored.length).to.be.greaterThan(0);
      all.push(...valuesOf(stored));
      await expectUnbroken(worker, partition, stored);
    }
    expect(all).to.have.length(count);
    expect(new Set(all).size).to.equal(count);
    await broker.deleteSuperStream(channel);
  });
});
