import { expect } from 'chai';
import { cursorPartition } from '../../lib/liftbridge/codec/cursor-key.js';
import { grpcStatus } from '../../lib/liftbridge/codec/grpc-status.js';
import { Cursors } from '../../lib/liftbridge/cursors.js';
import {
  startLiftbridge,
  startLiftbridgeCluster,
  type LiftbridgeCluster,
  type LiftbridgeServer,
} from '../support/brokers/index.js';
import { unique } from '../support/names.js';
import { until } from '../support/wait.js';
import { administer, optionsFor, type Administration } from './admin-kit.js';
import { failureOf, type FakeChannel, Refusal, Watched } from './session/session-kit.js';

describe('cursors of Liftbridge: routing', () => {
  let watched: Watched;
  let cursors: Cursors;
  const asked = (): string[] =>
    watched.cluster.channels.flatMap(({ at, asked }) =>
      asked.filter(({ method }) => method.endsWith('Cursor')).map(({ method }) => `${method} ${at}`),
    );

  beforeEach(async () => {
    watched = Watched.ofThree();
    watched.cluster.streams.set('__cursors', { leaders: ['n1', 'n2', 'n3'] });
    watched.cluster.answers.set('FetchCursor', () => ({ offset: 42n }));
    watched.cluster.answers.set('SetCursor', () => undefined);
    await watched.started();
    cursors = new Cursors(watched.session);
  });
  afterEach(() => watched.close());

  it('is to the leader of the partition that the key belongs to', async () => {
    for (const partition of [0, 1, 2, 3, 4, 5]) {
      for (const channel of watched.cluster.channels) channel.asked.length = 0;
      expect(await cursors.fetch('s', partition, 'me')).to.equal(42);
      await cursors.set('s', partition, 'me', 42n);
      const at = `${'abc'[cursorPartition('me', 's', partition, 3)]}:9292`;
      expect(asked()).to.deep.equal([`FetchCursor ${at}`, `SetCursor ${at}`]);
    }
  });

  it('tells what is unset from offset 0, and large offsets exactly', async () => {
    const stored = async (offset: bigint): Promise<unknown> => {
      watched.cluster.answers.set('FetchCursor', () => ({ offset }));
      return cursors.fetch('s', 0, 'me');
    };
    expect(await stored(-1n)).to.equal(undefined);
    expect(await stored(0n)).to.equal(0);
    expect(await stored(2n ** 62n)).to.equal(2n ** 62n);
  });

  it('looks for the leader again where it has moved', async () => {
    const keeper = cursorPartition('me', 's', 0, 3);
    let moved = false;
    watched.cluster.answers.set('FetchCursor', ({ at }: FakeChannel) =>
      moved && at === 'c:9292'
        ? { offset: 7n }
        : new Refusal(grpcStatus.failedPrecondition, `Server not leader for cursors partition ${keeper}`),
    );
    const fetched = cursors.fetch('s', 0, 'me');
    await watched.clock.pass(200);
    moved = true;
    watched.cluster.streams.set('__cursors', { leaders: ['n3', 'n3', 'n3'] });
    await watched.clock.pass(2_000);
    expect(await fetched).to.equal(7);
  });

  it('tells where the servers store none', async () => {
    watched.cluster.streams.delete('__cursors');
    watched.session.forgetStream('__cursors');
    const failed = failureOf(cursors.fetch('s', 0, 'me'));
    await watched.clock.pass(1_000);
    const error = await failed;
    expect(error.code).to.equal('UNSUPPORTED');
    expect(error.message).to.equal(
      "cannot fetch the cursor 'me' of partition 0 of the stream 's': this Liftbridge stores no cursors; " +
        'set cursors.stream.partitions in its configuration to 1 or more',
    );
  });
});

describe('cursors of Liftbridge', function () {
  this.timeout(60_000);
  let server: LiftbridgeServer;
  let all: Administration;

  before(async () => {
    server = await startLiftbridge();
    all = administer(optionsFor(server));
  });
  after(async () => {
    await all.close();
    await server.stop();
  });

  it('are undefined until they are stored, and can be lowered', async () => {
    const { admin } = all;
    const [stream, id] = [unique('stream'), unique('cursor')];
    const fetch = (partition?: number): Promise<bigint | undefined> => admin.fetchCursor({ stream, id, partition });
    expect(await fetch()).to.equal(undefined);
    await admin.setCursor({ stream, id, offset: 42 });
    expect(await fetch()).to.equal(42n);
    expect(await fetch(1)).to.equal(undefined);
    await admin.setCursor({ stream, id, partition: 1, offset: 0n });
    expect(await fetch(1)).to.equal(0n);
    await admin.setCursor({ stream, id, offset: 7n });
    expect(await fetch()).to.equal(7n);
    const largest = 2n ** 63n - 1n;
    await admin.setCursor({ stream, id, offset: largest });
    expect(await fetch()).to.equal(largest);
    await all.cursors.set(stream, 0, id, -1n);
    expect(await fetch()).to.equal(undefined);
    expect(await fetch(1)).to.equal(0n);
  });

  it('may be called anything', async () => {
    for (const id of ['a,b', 'with space', '__group:g', '日本', 'é'.repeat(500)]) {
      const stream = unique('stream');
      await all.admin.setCursor({ stream, id, offset: 3 });
      expect(await all.admin.fetchCursor({ stream, id })).to.equal(3n);
    }
  });

  it('are said to be switched off where they are', async () => {
    const bare = await startLiftbridge({ cursors: false });
    const { admin, close } = administer(optionsFor(bare));
    for (const call of [
      () => admin.fetchCursor({ stream: 's', id: 'me' }),
      () => admin.setCursor({ stream: 's', id: 'me', offset: 1 }),
    ]) {
      const error = await failureOf(call());
      expect(error.code).to.equal('UNSUPPORTED');
      expect(error.message).to.match(/set cursors\.stream\.partitions in its configuration to 1 or more$/);
    }
    await close();
    await bare.stop();
  });
});

describe('administration of a Liftbridge cluster', function () {
  this.timeout(120_000);
  let cluster: LiftbridgeCluster;
  let all: Administration;

  before(async () => {
    cluster = await startLiftbridgeCluster();
    // one address is enough
    all = administer({ brokers: cluster.urls[0] as string });
  });
  after(async () => {
    await all.close();
    await cluster.stop();
  });

  it('finds the keeper of each cursor, and makes streams on all nodes', async () => {
    const { admin, session } = all;
    const stream = unique('spread');
    await admin.createStream({ name: stream, partitions: 3, maxReplication: true });
    const { brokers, streams } = await admin.metadata({ streams: [stream, '__cursors'] });
    expect(brokers.map(({ id }) => id)).to.deep.equal(['n1', 'n2', 'n3']);
    const leaders = new Set(streams.flatMap(({ partitions }) => partitions.map(({ leader }) => leader)));
    expect(leaders.size, 'nodes that lead something').to.be.greaterThan(1);
    for (let partition = 0; partition < 3; partition++) {
      expect((await admin.partitionMetadata(stream, partition)).replicas).to.have.members(['n1', 'n2', 'n3']);
      await admin.setCursor({ stream, partition, id: 'me', offset: partition });
      expect(await admin.fetchCursor({ stream, partition, id: 'me' })).to.equal(BigInt(partition));
      expect(await session.replica(stream, partition)).not.to.equal(await session.leader(stream, partition));
    }
  });

  it('goes on when a node dies: the main one, the leader, the keeper of a cursor', async () => {
    const { admin, session } = all;
    const stream = unique('survivor');
    await admin.createStream({ name: stream, maxReplication: true });
    const ids = Array.from({ length: 6 }, (_, index) => `me-${index}`);
    await Promise.all(ids.map((id) => admin.setCursor({ stream, id, offset: 5 })));
    const { port } = session.main!.address;
    const index = cluster.nodes.findIndex((node) => node.url.endsWith(`:${port}`));
    await cluster.kill(index);
    const fetched = await Promise.all(ids.map((id) => admin.fetchCursor({ stream, id })));
    expect(fetched).to.deep.equal(ids.map(() => 5n));
    expect(session.main?.address.port).not.to.equal(port);
    const { leader } = await admin.partitionMetadata(stream);
    expect(leader).to.be.a('string').and.not.to.equal(cluster.idOf(index));
    await cluster.restart(index);
  });

  it('moves on from a node that hangs', async () => {
    const options = { pingInterval: 200, pingTimeout: 500, requestTimeout: 2_000 };
    const patient = administer({ brokers: [...cluster.urls], ...options });
    const { admin, session } = patient;
    await admin.metadata();
    const { port } = session.main!.address;
    const index = cluster.nodes.findIndex((node) => node.url.endsWith(`:${port}`));
    await cluster.pause(index);
    try {
      await until(() => session.main !== undefined && session.main.address.port !== port);
      // where it led the cluster, the others pass requests on to it until they have elected one of them; and a new stream can
      // be given to it
      const works = async (): Promise<boolean> => {
        const stream = unique('after');
        await admin.createStream({ name: stream });
        return (await admin.partitionMetadata(stream)).newestOffset === undefined;
      };
      await until(() => works().catch(() => false), { timeout: 45_000 });
    } finally {
      await cluster.resume(index);
      await patient.close();
    }
  });

  it('waits for a leader of the cluster, and says so where none comes in time', async () => {
    await all.admin.metadata();
    const { port } = all.session.main!.address;
    const others = cluster.nodes.filter(({ url }) => !url.endsWith(`:${port}`));
    await Promise.all(others.map(({ id }) => cluster.kill(id)));
    const hasty = administer({ brokers: `127.0.0.1:${port}`, requestTimeout: 500 });
    const patient = administer({ brokers: `127.0.0.1:${port}`, requestTimeout: 60_000 });
    try {
      const error = await failureOf(hasty.admin.createStream({ name: unique('headless') }));
      expect(error.code, error.message).to.be.oneOf(['TIMEOUT', 'STREAM_UNAVAILABLE']);
      expect(error.retriable, error.message).to.equal(true);
      const created = patient.admin.createStream({ name: unique('late') });
      await Promise.all([created, ...others.map(({ id }) => cluster.restart(id))]);
    } finally {
      await Promise.all([hasty.close(), patient.close()]);
    }
  });
});
