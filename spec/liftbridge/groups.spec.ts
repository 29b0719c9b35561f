import { expect } from 'chai';
import { text } from '../../lib/codec/text.js';
import { earliest } from '../../lib/core/starts.js';
import { roundRobin, type LiftbridgeBroker, type LiftbridgeDelivery } from '../../lib/liftbridge/index.js';
import { Tap } from '../contract/tap.js';
import {
  startLiftbridge,
  startLiftbridgeCluster,
  type LiftbridgeCluster,
  type LiftbridgeServer,
} from '../support/brokers/index.js';
import { unique } from '../support/names.js';
import { startProxy } from '../support/proxy.js';
import { until } from '../support/wait.js';
import { ForkedMember } from './forked-member.js';
import { Flow, Handles, Load, named, newStream, Told, untilRecovered, valuesUpTo, Worker } from './support.js';

const partitions = 6;
const everyPartition = [...Array(partitions).keys()];

/** Positions are stored soon, so that there is something to go on from. */
const often = { storeEvery: { ms: 20 } };

/** What the members of a group have read, by `partition offset`. */
interface Reader {
  readonly values: ReadonlyMap<string, string>;
}

/** A member that acks all. */
class Member extends Worker {
  constructor(broker: LiftbridgeBroker, stream: string, group: string) {
    super(broker, stream, { queue: group, ...often });
  }

  /** How many deliveries it has had of each partition. */
  get counts(): Map<string, number> {
    return new Map([...this.order].map(([partition, offsets]) => [partition, offsets.length]));
  }

  /** The deliveries since then. */
  since(counts: ReadonlyMap<string, number>): { readonly partition: number; readonly offset: bigint }[] {
    return [...this.order].flatMap(([partition, offsets]) =>
      offsets.slice(counts.get(partition) ?? 0).map((offset) => ({ partition: Number(partition), offset })),
    );
  }
}

/** Publishes to each partition in turn. */
function load(broker: LiftbridgeBroker, stream: string, count: number): Load {
  return new Load(broker, stream, count, { partition: roundRobin() });
}

/** Publishes rounds of one message for each partition, until all members get as many of one round as their share is. */
async function shared(broker: LiftbridgeBroker, stream: string, readers: readonly Reader[]): Promise<void> {
  const counts = (): number[] => readers.map(({ values }) => values.size);
  const total = (): number => counts().reduce((one, other) => one + other, 0);
  const share = partitions / readers.length;
  const isShared = async (): Promise<boolean> => {
    const [before, wanted] = [counts(), total() + partitions];
    await Promise.all(everyPartition.map((partition) => broker.publish(stream, 'round', { partition, codec: text })));
    await until(() => total() >= wanted, { timeout: 3_000 });
    return counts().every((count, i) => count === share + (before[i] ?? 0));
  };
  await until(isShared, {
    timeout: 20_000,
    every: 100,
    message: () => `${readers.length} members to share; they have read ${counts().join(', ')}`,
  });
}

/** Where the group stands in each partition, as go-liftbridge would read it. */
async function cursors(broker: LiftbridgeBroker, stream: string, group: string): Promise<(bigint | undefined)[]> {
  const id = `__group:${group}`;
  return Promise.all(everyPartition.map((partition) => broker.fetchCursor({ stream, partition, id })));
}

/** Waits until the group's cursors have reached the ends of all partitions. */
async function caughtUp(broker: LiftbridgeBroker, stream: string, group: string): Promise<void> {
  const ends = await Promise.all(everyPartition.map((partition) => broker.partitionMetadata(stream, partition)));
  const wanted = ends.map(({ newestOffset }) => newestOffset).join();
  await until(async () => (await cursors(broker, stream, group)).join() === wanted, {
    timeout: 20_000,
    message: `the cursors to be ${wanted}`,
  });
}

/** What all members have read, but for the rounds that showed who reads what. */
function readBy(readers: readonly Reader[]): string[] {
  return readers.flatMap(({ values }) => [...values.values()]).filter((value) => value !== 'round');
}

/** Waits until all of these values were read. */
async function allRead(readers: readonly Reader[], wanted: Iterable<string>): Promise<void> {
  const missing = (): string[] => {
    const read = new Set(readBy(readers));
    return [...wanted].filter((value) => !read.has(value));
  };
  await until(() => missing().length === 0, {
    timeout: 40_000,
    every: 50,
    message: () => `${missing().length} more values: ${missing().slice(0, 5).join(', ')} …`,
  });
}

describe('liftbridge: consumer groups', function () {
  this.timeout(60_000);
  const handles = new Handles();
  const forked: ForkedMember[] = [];
  let server: LiftbridgeServer;
  let broker: LiftbridgeBroker;
  let stream: string;
  let group: string;

  before(async () => {
    server = await startLiftbridge({ needs: 'control', groups: { consumerTimeout: 2_000, coordinatorTimeout: 2_000 } });
  });
  after(() => server.stop());
  beforeEach(async () => {
    broker = handles.make(server);
    stream = await newStream(broker, { partitions });
    group = unique('group');
  });
  afterEach(async () => {
    await Promise.all(forked.splice(0).map((member) => member.kill()));
    await handles.close();
  });

  const join = (own = handles.make(server)): Member => new Member(own, stream, group);
  const fork = (): ForkedMember => {
    const member = new ForkedMember(server.url, stream, group);
    forked.push(member);
    return member;
  };

  it('three read a stream of six partitions, two each, and every message once', async () => {
    const members = [join(), join(), join()];
    await shared(broker, stream, members);
    await load(broker, stream, 600).done;
    await caughtUp(broker, stream, group);
    expect(readBy(members).sort()).to.deep.equal(valuesUpTo(600).sort());
    for (const { order, ackedAndEmitted } of members) {
      expect(ackedAndEmitted).to.deep.equal([]);
      for (const offsets of order.values()) expect(offsets).to.deep.equal([...offsets].sort((a, b) => Number(a - b)));
    }
  });

  it('one that leaves has stored what it acked: nobody reads that again', async () => {
    const members = [join(), join(), join()] as const;
    const [one, other, third] = members;
    await shared(broker, stream, members);
    await load(broker, stream, 300).done;
    third.stop();
    await shared(broker, stream, [one, other]);
    await caughtUp(broker, stream, group);
    expect(readBy(members).sort()).to.deep.equal(valuesUpTo(300).sort());
  });

  it('one of three is killed: the others read what comes then, and nothing again that was stored', async () => {
    const [lost, ...members] = [fork(), join(), join()] as const;
    await shared(broker, stream, [lost, ...members]);
    await caughtUp(broker, stream, group);
    const [done, before] = [await cursors(broker, stream, group), members.map(({ counts }) => counts)];
    await lost.kill();
    await load(broker, stream, 600).done;
    await caughtUp(broker, stream, group);
    expect(readBy(members).sort()).to.deep.equal(valuesUpTo(600).sort());
    const later = members.flatMap((member, i) => member.since(before[i]!));
    expect(later).to.have.length(600);
    for (const { partition, offset } of later)
      expect(offset > done[partition]!, `${partition}: ${offset}`).to.equal(true);
  });

  it('one of three is killed in the middle of it: every message is read, and nothing again that was stored', async () => {
    const [lost, ...members] = [fork(), join(), join()] as const;
    await shared(broker, stream, [lost, ...members]);
    const flow = new Flow(broker, stream, { partition: roundRobin(), maxInFlight: 20 });
    await until(() => [lost, ...members].every(({ values }) => values.size > 500), { timeout: 20_000 });
    const [done, before] = [await cursors(broker, stream, group), members.map(({ counts }) => counts)];
    await lost.kill();
    const theirs = new Set([...lost.values.keys()].map((key) => Number(key.split(' ')[0])));
    const later = (): { readonly partition: number; readonly offset: bigint }[] =>
      members.flatMap((member, i) => member.since(before[i]!));
    await until(
      () => {
        const taken = new Set(later().map(({ partition }) => partition));
        return [...theirs].every((partition) => taken.has(partition));
      },
      { timeout: 20_000, every: 50, message: `the others to take ${[...theirs].join(', ')}` },
    );
    await flow.stop();
    await allRead([lost, ...members], flow.confirmed);
    expect(flow.failed).to.deep.equal([]);
    for (const { partition, offset } of later()) {
      expect(offset > done[partition]!, `${partition}: ${offset} is behind ${done[partition]}`).to.equal(true);
    }
  });

  it('members come and go while it is published to: whoever takes a partition goes on where it stands', async () => {
    const own = handles.make(server);
    const told = new Told(own);
    const staying = join(own);
    const flow = new Flow(broker, stream, { partition: roundRobin(), maxInFlight: 20 });
    const readers = [staying];
    await until(() => staying.order.size === partitions);
    for (let times = 0; times < 3; times++) {
      const passing = join(own);
      readers.push(passing);
      await until(() => passing.order.size === partitions / 2);
      const before = staying.counts;
      passing.stop();
      await until(() => new Set(staying.since(before).map(({ partition }) => partition)).size === partitions);
    }
    await flow.stop();
    await allRead(readers, flow.confirmed);
    // they ack at once, and in one handle nothing that was acked comes again, to whomever
    const emitted = readers.flatMap((reader) =>
      reader.since(new Map()).map((each) => `${each.partition} ${each.offset}`),
    );
    expect(emitted).to.have.length(new Set(emitted).size);
    expect(told.of('reset')).to.deep.equal([]);
    expect(readers.map(({ ended }) => ended)).to.deep.equal(readers.map(() => undefined));
  });

  it('one that is cut off has nothing, says so, and takes part again later', async () => {
    const proxy = await startProxy(server);
    const own = handles.make({ url: `${proxy.host}:${proxy.port}` }, { pingInterval: 500, pingTimeout: 500 });
    const told = new Told(own);
    const [one, other] = [join(), join(own)];
    await shared(broker, stream, [one, other]);
    proxy.stall(true);
    await until(() => told.states.at(-1) === 'reconnecting');
    await load(broker, stream, 300).done;
    await allRead([one, other], valuesUpTo(300));
    proxy.stall(false);
    await untilRecovered(told);
    await shared(broker, stream, [one, other]);
    expect(other.ended).to.equal(undefined);
    other.stop();
    await own.close();
    await proxy.stop();
  });

  it('keeps its position as go-liftbridge does: the last offset up to which all is acked, in the cursor __group:<group>', async () => {
    const id = `__group:${group}`;
    await Promise.all(
      named('message', 10).map((value) => broker.publish(stream, value, { partition: 3, codec: text })),
    );
    const kept: LiftbridgeDelivery<string>[] = [];
    const tap = new Tap(
      broker.messages(stream, { queue: group, start: earliest(), codec: text, ...often }),
      (delivery) => {
        if (delivery.offset === 4n) kept.push(delivery);
        else delivery.ack();
      },
    );
    await tap.first(10);
    await until(async () => (await broker.fetchCursor({ stream, partition: 3, id })) === 3n);
    kept[0]!.ack();
    await until(async () => (await broker.fetchCursor({ stream, partition: 3, id })) === 9n);
    tap.unsubscribe();
  });

  it('begins behind a cursor that go-liftbridge has left', async () => {
    await Promise.all(
      named('message', 10).map((value) => broker.publish(stream, value, { partition: 3, codec: text })),
    );
    await broker.setCursor({ stream, partition: 3, id: `__group:${group}`, offset: 6n });
    const tap = new Tap(broker.messages(stream, { queue: group, start: earliest(), codec: text }), (delivery) => {
      delivery.ack();
    });
    await tap.first(3);
    expect(tap.all.map(({ offset }) => offset)).to.deep.equal([7n, 8n, 9n]);
    tap.unsubscribe();
  });
});

describe('liftbridge: consumer groups in a cluster', function () {
  this.timeout(120_000);
  const handles = new Handles();
  let cluster: LiftbridgeCluster;

  before(async () => {
    cluster = await startLiftbridgeCluster({ groups: { consumerTimeout: 4_000, coordinatorTimeout: 2_000 } });
  });
  after(() => cluster.stop());
  afterEach(() => handles.close());

  const make = (): LiftbridgeBroker => handles.make(cluster.nodes[0]!, { brokers: cluster.urls });

  it('the coordinator is killed while three read: every message arrives', async () => {
    const broker = make();
    const stream = await newStream(broker, { partitions, replicationFactor: 3 });
    await cluster.untilKnown(stream);
    const group = unique('group');
    const members = [1, 2, 3].map(() => new Member(make(), stream, group));
    const flow = new Flow(broker, stream, { partition: roundRobin(), ackPolicy: 'all', resend: true });
    await until(() => members.every(({ acked }) => acked.size > 100), { timeout: 20_000 });
    const { groups } = await broker.metadata({ streams: [stream], groups: [group] });
    const { coordinator, epoch } = groups[0]!;
    await cluster.kill(coordinator);
    const replaced = async (): Promise<boolean> => {
      const now = await broker.metadata({ streams: [stream], groups: [group] });
      return now.groups[0]!.coordinator !== coordinator && now.groups[0]!.epoch > epoch;
    };
    await until(replaced, { timeout: 60_000, every: 100 });
    await flow.stop();
    await allRead(members, flow.confirmed);
    expect(members.map(({ ended }) => ended)).to.deep.equal([undefined, undefined, undefined]);
  });
});
