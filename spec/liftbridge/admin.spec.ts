import { expect } from 'chai';
import type { WeirError } from '../../lib/core/errors.js';
import { decodePublishResponse } from '../../lib/liftbridge/codec/responses.js';
import { encodePublishRequest, encodeSubscribeRequest } from '../../lib/liftbridge/codec/requests.js';
import { ackPolicies, startPositions } from '../../lib/liftbridge/codec/enums.js';
import { emptyMessageScan, readMessage } from '../../lib/liftbridge/codec/message.js';
import type { Call } from '../../lib/liftbridge/connection/call.js';
import type { Channel } from '../../lib/liftbridge/connection/channel.js';
import {
  startLiftbridge,
  type LiftbridgeOptions as ServerOptions,
  type LiftbridgeServer,
} from '../support/brokers/index.js';
import { unique } from '../support/names.js';
import { until, within } from '../support/wait.js';
import { administer, Notes, optionsFor, type Administration } from './admin-kit.js';
import { failureOf } from './session/session-kit.js';

/** Publishes a message, and gives the offset that it got. */
async function publish({ session }: Administration, stream: string, value: string, partition = 0, expectedOffset = -1) {
  const request = encodePublishRequest({
    stream,
    partition,
    value: Buffer.from(value),
    ackPolicy: ackPolicies.leader,
    expectedOffset,
    correlationId: unique('message'),
  });
  const { ack } = await session.call('Publish', request, { asked: 'publish', decode: decodePublishResponse });
  return ack?.offset;
}

/** The offset of the oldest message that is kept. */
async function firstOffset({ session }: Administration, stream: string): Promise<number> {
  // without a broker it would be waited for
  const leader = await session.leader(stream, 0, { signal: AbortSignal.timeout(5_000) });
  const request = encodeSubscribeRequest({ stream, startPosition: startPositions.earliest });
  const scan = emptyMessageScan();
  let messages = 0;
  let call: Call | undefined;
  const found = new Promise<number>((resolve, reject) => {
    call = leader.call(
      'Subscribe',
      {
        message: (bytes, start, end) => {
          // the first says that the subscription is there
          if (messages++ > 0) {
            readMessage(bytes, start, end, scan);
            resolve(Number(scan.offset));
          }
          return true;
        },
        flushed: () => undefined,
        drained: () => undefined,
        ended: ({ name, message }) => reject(new Error(`${name}: ${message}`)),
      },
      request,
    );
  });
  return within(found, 5_000, 'the first message').finally(() => call?.cancel());
}

/** How many streams there are whose names begin so. */
async function countOf({ admin }: Administration, prefix: string): Promise<number> {
  return (await admin.metadata()).streams.filter(({ name }) => name.startsWith(prefix)).length;
}

describe('administration of Liftbridge', function () {
  this.timeout(60_000);
  const ending: (() => Promise<void>)[] = [];
  let all: Administration;
  let server: LiftbridgeServer;

  const start = async (options?: ServerOptions): Promise<LiftbridgeServer> => {
    const started = await startLiftbridge(options);
    ending.unshift(() => started.stop());
    return started;
  };
  const connect = (to: LiftbridgeServer, logger?: Notes): Administration => {
    const administration = administer({ ...optionsFor(to), logger });
    ending.unshift(administration.close);
    return administration;
  };
  const fails = (promise: Promise<unknown>): Promise<WeirError> => failureOf(promise);

  before(async () => {
    server = await start();
    all = connect(server);
  });
  after(async () => {
    for (const end of ending) await end();
  });

  describe('streams', () => {
    it('makes one that can be published to at once', async () => {
      const name = unique('made');
      await all.admin.createStream({ name, partitions: 3 });
      expect(await publish(all, name, 'first', 2)).to.equal(0n);
      const { streams, brokers } = await all.admin.metadata({ streams: [name] });
      expect(streams).to.have.length(1);
      const [stream] = streams;
      expect(stream?.name).to.equal(name);
      expect(stream?.subject).to.equal(name);
      expect(stream?.partitions.map(({ id }) => id)).to.deep.equal([0, 1, 2]);
      expect(Number(stream!.created / 1_000_000n)).to.be.closeTo(Date.now(), 60_000);
      const { leader, replicas, isr, paused, readonly } = stream!.partitions[1]!;
      expect(brokers.map(({ id }) => id)).to.deep.equal([leader]);
      expect([replicas, isr, paused, readonly]).to.deep.equal([[leader], [leader], false, false]);
    });

    it('takes every option', async () => {
      const name = unique('full');
      await all.admin.createStream({
        name,
        subject: `${name}.*`,
        group: 'workers',
        replicationFactor: 1,
        partitions: 1,
        retentionMaxBytes: 0,
        retentionMaxMessages: 100,
        retentionMaxAge: 3_600_000,
        cleanerInterval: 1_000,
        segmentMaxBytes: 1_000_000,
        segmentMaxAge: 0,
        compact: false,
        compactMaxGoroutines: 1,
        autoPauseTime: 0,
        autoPauseDisableIfSubscribers: true,
        minIsr: 1,
        optimisticConcurrencyControl: false,
        encryption: false,
        ifNotExists: false,
      });
      expect((await all.admin.metadata({ streams: [name] })).streams[0]?.subject).to.equal(`${name}.*`);
      await all.admin.createStream({ name: `${name}-everywhere`, maxReplication: true });
      await all.admin.createStream({ name: `${name}-anywhere`, replicationFactor: -1 });
      expect(await countOf(all, name)).to.equal(3);
    });

    it('refuses a second one of a name, whatever its subject', async () => {
      const name = unique('twice');
      await all.admin.createStream({ name });
      const error = await fails(all.admin.createStream({ name, subject: 'other' }));
      expect(error.code).to.equal('STREAM_EXISTS');
      expect(error.message).to.match(new RegExp(`^cannot create the stream '${name}' at .*: stream already exists`));
      expect(error.detail?.['name']).to.equal('ALREADY_EXISTS');
    });

    it('finds with ifNotExists that it is there, or that it is another one', async () => {
      const name = unique('ensured');
      await all.admin.createStream({ name, partitions: 2, ifNotExists: true });
      await all.admin.createStream({ name, partitions: 2, ifNotExists: true });
      await all.admin.createStream({ name, ifNotExists: true });
      const error = await fails(all.admin.createStream({ name, subject: 'other', partitions: 3, ifNotExists: true }));
      expect(error.code).to.equal('STREAM_EXISTS');
      expect(error.message).to.equal(
        `cannot create the stream '${name}': there is another one: its subject is '${name}', it has 2 partitions`,
      );
    });

    it('refuses more copies than there are brokers', async () => {
      const error = await fails(all.admin.createStream({ name: unique('many'), replicationFactor: 2 }));
      expect(error.code).to.equal('INVALID_OPTION');
      expect(error.message).to.match(/Invalid replicationFactor 2, cluster size 1; replicationFactor must not be more/);
    });

    it('warns of partitions that a wildcard leaves empty', async () => {
      const logger = new Notes();
      const warned = connect(server, logger);
      const name = unique('wild');
      await warned.admin.createStream({ name, subject: `${name}.*`, partitions: 2 });
      expect(logger.lines.filter((line) => line.startsWith('warn'))).to.have.length(1);
      expect(logger.lines.join('\n')).to.match(/the wildcard stands for comes to partition 0/);
    });

    it('deletes one, and says where there is none', async () => {
      const name = unique('gone');
      await all.admin.createStream({ name });
      expect(await publish(all, name, 'x')).to.equal(0n);
      await all.admin.deleteStream(name);
      const error = await fails(all.admin.deleteStream(name));
      expect(error.code).to.equal('STREAM_NOT_FOUND');
      expect(error.message).to.match(new RegExp(`^cannot delete the stream '${name}' at .*: stream does not exist`));
      await all.admin.deleteStream(name, { ifExists: true });
      expect((await all.admin.metadata({ streams: [name] })).streams).to.deep.equal([]);
      await all.admin.createStream({ name });
      expect(await publish(all, name, 'x'), 'a stream made anew').to.equal(0n);
    });

    it('stores values encrypted where the server has a key, and says what is missing where it has none', async () => {
      const name = unique('secret');
      const error = await fails(all.admin.createStream({ name, encryption: true }));
      expect(error.code).to.equal('UNSUPPORTED');
      expect(error.message).to.match(/Failed on preconditions.*LIFTBRIDGE_ENCRYPTION_KEY, each of them$/);
      const keyed = connect(await start({ encryptionKey: '0123456789abcdef' }));
      await keyed.admin.createStream({ name, encryption: true });
      expect(await publish(keyed, name, 'x')).to.equal(0n);
    });

    it('checks expected offsets where it was asked to', async () => {
      const name = unique('checked');
      await all.admin.createStream({ name, optimisticConcurrencyControl: true });
      expect(await publish(all, name, 'x', 0, 0)).to.equal(0n);
      expect((await fails(publish(all, name, 'x', 0, 0))).message).to.match(/incorrect expected offset/);
      expect(await publish(all, name, 'x', 0, 1)).to.equal(1n);
    });

    it('keeps no more than retention allows', async () => {
      // Liftbridge 1.9 can die where a message is read while its segment is being removed, which is to concern nobody else
      const own = await start({ needs: 'control' });
      const short = connect(own);
      const name = unique('short');
      await short.admin.createStream({ name, retentionMaxMessages: 5, segmentMaxBytes: 200, cleanerInterval: 100 });
      for (let index = 0; index < 20; index++) await publish(short, name, 'x'.repeat(50));
      let newest: bigint | undefined;
      const isShort = async (): Promise<boolean> => {
        if (!short.session.up) await own.restart();
        newest = (await short.admin.partitionMetadata(name)).newestOffset;
        return (await firstOffset(short, name)) >= 10;
      };
      await until(isShort, { every: 400, timeout: 80_000 });
      expect(newest).to.equal(19n);
    }).timeout(90_000);
  });

  describe('pausing', () => {
    it('pauses all partitions or some, twice too, until something is published', async () => {
      const name = unique('paused');
      await all.admin.createStream({ name, partitions: 2 });
      await all.admin.pauseStream(name, { partitions: [1] });
      await all.admin.pauseStream(name, { partitions: [1] });
      const paused = async (): Promise<boolean[]> =>
        (await all.admin.metadata({ streams: [name] })).streams[0]!.partitions.map((each) => each.paused);
      expect(await paused()).to.deep.equal([false, true]);
      const error = await fails(all.admin.partitionMetadata(name, 1));
      expect(error.code).to.equal('STREAM_UNAVAILABLE');
      expect(error.message).to.match(/it is paused, and has no leader until something is published to it/);
      await all.admin.pauseStream(name, { resumeAll: true });
      expect(await paused()).to.deep.equal([true, true]);
      expect(await publish(all, name, 'x', 1)).to.equal(0n);
      // the other one is at work again as well
      expect((await all.admin.partitionMetadata(name, 0)).newestOffset).to.equal(undefined);
      const { newestOffset, pauses } = await all.admin.partitionMetadata(name, 1);
      expect(newestOffset).to.equal(0n);
      expect(pauses.latest, 'when it was resumed').to.be.a('bigint');
    });

    it('pauses by itself after a while', async () => {
      const name = unique('idle');
      await all.admin.createStream({ name, autoPauseTime: 100 });
      await until(async () => (await all.admin.metadata({ streams: [name] })).streams[0]?.partitions[0]?.paused);
    });

    it('says what is not there', async () => {
      const name = unique('unpaused');
      expect((await fails(all.admin.pauseStream(name))).code).to.equal('STREAM_NOT_FOUND');
      expect((await fails(all.admin.pauseStream(name, { partitions: [0] }))).code).to.equal('STREAM_NOT_FOUND');
      await all.admin.createStream({ name });
      const error = await fails(all.admin.pauseStream(name, { partitions: [3] }));
      expect(error.code).to.equal('STREAM_NOT_FOUND');
      expect(error.message).to.match(/partition does not exist/);
    });
  });

  describe('making readonly', () => {
    it('stops publishing, and lets it go on at the next offset', async () => {
      const name = unique('readonly');
      await all.admin.createStream({ name });
      await publish(all, name, 'x');
      await all.admin.setStreamReadonly(name);
      await all.admin.setStreamReadonly(name);
      expect((await all.admin.metadata({ streams: [name] })).streams[0]?.partitions[0]?.readonly).to.equal(true);
      expect((await all.admin.partitionMetadata(name)).readonly).to.equal(true);
      await all.admin.setStreamReadonly(name, { readonly: false, partitions: [0] });
      expect(await publish(all, name, 'x')).to.equal(1n);
      const { readonly, readonlyChanges } = await all.admin.partitionMetadata(name);
      expect(readonly).to.equal(false);
      expect(readonlyChanges.latest! > readonlyChanges.first!).to.equal(true);
    });

    it('says what is not there', async () => {
      const name = unique('unwritable');
      expect((await fails(all.admin.setStreamReadonly(name))).code).to.equal('STREAM_NOT_FOUND');
      expect((await fails(all.admin.setStreamReadonly(name, { partitions: [0] }))).code).to.equal('STREAM_NOT_FOUND');
      await all.admin.createStream({ name });
      const error = await fails(all.admin.setStreamReadonly(name, { partitions: [1] }));
      expect(error.code).to.equal('STREAM_NOT_FOUND');
      expect(error.message).to.match(/^cannot make the stream '.*' readonly at .*: partition does not exist/);
    });
  });

  describe('metadata', () => {
    it('tells of all streams, or of those asked for that there are', async () => {
      const name = unique('known');
      await all.admin.createStream({ name });
      const everything = await all.admin.metadata();
      expect(everything.streams.map((stream) => stream.name)).to.include.members([name, '__cursors', '__activity']);
      expect(everything.groups).to.deep.equal([]);
      const { host, port, leaderCount } = everything.brokers[0]!;
      expect(`${host}:${port}`).to.match(/^.+:\d+$/);
      expect(leaderCount).to.be.greaterThan(0);
      const some = await all.admin.metadata({ streams: [name, unique('none')], groups: [unique('group')] });
      expect(some.streams.map((stream) => stream.name)).to.deep.equal([name]);
      expect(some.groups).to.deep.equal([]);
    });

    it('tells how a partition stands', async () => {
      const name = unique('stands');
      await all.admin.createStream({ name });
      const empty = await all.admin.partitionMetadata(name);
      expect([empty.newestOffset, empty.highWatermark]).to.deep.equal([undefined, undefined]);
      expect(empty.messagesReceived).to.deep.equal({ first: undefined, latest: undefined });
      await publish(all, name, 'x');
      await publish(all, name, 'x');
      const full = await all.admin.partitionMetadata(name, 0);
      expect([full.id, full.newestOffset, full.highWatermark]).to.deep.equal([0, 1n, 1n]);
      expect(full.messagesReceived.latest! > full.messagesReceived.first!).to.equal(true);
      const tail = await all.session.tail(name, 0);
      expect([tail.newest, tail.highWatermark, tail.latest]).to.deep.equal([1, 1, full.messagesReceived.latest]);
      expect(tail.created > 0n).to.equal(true);
    });

    it('says which partition or stream is not there', async () => {
      const name = unique('unknown');
      expect((await fails(all.admin.partitionMetadata(name))).code).to.equal('STREAM_NOT_FOUND');
      await all.admin.createStream({ name, partitions: 2 });
      const error = await fails(all.admin.partitionMetadata(name, 2));
      expect(error.code).to.equal('STREAM_NOT_FOUND');
      expect(error.message).to.equal(`the stream '${name}' has no partition 2; it has 2, numbered from 0`);
    });
  });

  describe('with access control', () => {
    it('says of each call what is not allowed', async () => {
      const allowed = unique('allowed');
      const denied = unique('denied');
      const policy = ['*, FetchMetadata', `${allowed}, CreateStream`, `${allowed}, SetCursor`];
      const { admin } = connect(await start({ acl: policy.map((line) => `client, ${line}`) }));
      await admin.createStream({ name: allowed });
      const calls: [string, () => Promise<unknown>][] = [
        ['CreateStream', () => admin.createStream({ name: denied })],
        ['DeleteStream', () => admin.deleteStream(allowed, { ifExists: true })],
        ['PauseStream', () => admin.pauseStream(allowed)],
        ['SetStreamReadonly', () => admin.setStreamReadonly(allowed)],
        ['FetchPartitionMetadata', () => admin.partitionMetadata(allowed)],
        ['FetchCursor', () => admin.fetchCursor({ stream: allowed, id: 'me' })],
        ['SetCursor', () => admin.setCursor({ stream: denied, id: 'me', offset: 1 })],
        // storing is publishing too
        ['Publish', () => admin.setCursor({ stream: allowed, id: 'me', offset: 1 })],
      ];
      for (const [method, call] of calls) {
        const error = await fails(call());
        expect(error.code, method).to.equal('AUTHORIZATION');
        expect(error.retriable, method).to.equal(false);
        expect(error.message, method).to.match(new RegExp(`not authorized to call ${method} on resource`));
      }
    });

    it('makes a stream also for those who may not look where it is', async () => {
      const name = unique('blind');
      const { admin } = connect(await start({ acl: [`client, ${name}, CreateStream`] }));
      await admin.createStream({ name });
      expect((await fails(admin.metadata())).code).to.equal('AUTHORIZATION');
      expect((await fails(admin.fetchCursor({ stream: name, id: 'me' }))).code).to.equal('AUTHORIZATION');
    });
  });

  describe('without a broker', () => {
    it('says so within its time', async () => {
      const { admin, close } = administer({ brokers: '127.0.0.1:1', connectTimeout: 2_000 });
      const error = await fails(admin.createStream({ name: 's' }));
      expect(error.code).to.equal('CONNECTION');
      expect(error.message).to.match(/127\.0\.0\.1:1/);
      await close();
    });

    it('ends what is at work when it is closed', async () => {
      const { admin, session, close } = connect(server);
      await admin.metadata();
      const { main } = session;
      await close();
      expect((main as Channel).up).to.equal(false);
      expect((await fails(session.metadata({ streams: [] }))).code).to.equal('CLOSED');
    });
  });
});
