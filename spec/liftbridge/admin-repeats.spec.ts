import { expect } from 'chai';
import { silent } from '../../lib/core/logger.js';
import { Admin } from '../../lib/liftbridge/admin.js';
import { grpcStatus } from '../../lib/liftbridge/codec/grpc-status.js';
import { Cursors } from '../../lib/liftbridge/cursors.js';
import { failureOf, Refusal, Watched } from './session/session-kit.js';

/** What servers say of a request that the leader of the cluster has not decided. */
const undone = [
  'no known metadata leader',
  'nats: no responders available for request',
  'Failed to replicate partition: node is not the leader',
  'Failed to replicate partition: timed out enqueuing operation',
  'Failed to replicate partition: leadership transfer in progress',
  'Failed to replicate partition: raft is already shutdown',
];
/** The same, where it may have been decided all the same. */
const unsure = [
  'Failed to replicate partition: leadership lost while committing log',
  'Failed to replicate partition: snapshot restored while committing log',
  'Failed to replicate partition: raft operation timed out',
  'nats: timeout',
  'context deadline exceeded',
];

describe('administration of Liftbridge: while the cluster elects a leader', () => {
  let watched: Watched;
  let admin: Admin;
  let asked: number;

  beforeEach(async () => {
    watched = await new Watched().started();
    asked = 0;
    const { session, clock } = watched;
    const cursors = new Cursors(session);
    const connect = (): Promise<void> => Promise.reject(new Error('connected'));
    admin = new Admin({ session, cursors, clock, log: silent, requestTimeout: 10_000, connect });
    watched.cluster.brokers.set('n1', { host: 'a', port: 9292 });
    watched.cluster.streams.set('s', { leaders: ['n1'] });
  });
  afterEach(() => watched.close());

  /** The first answer of a method is a refusal; then comes what is given, which is OK where nothing is. */
  const refuses = (method: string, message: string, then?: Refusal): void => {
    watched.cluster.answers.set(method, () => (asked++ === 0 ? new Refusal(grpcStatus.internal, message) : then));
  };
  const exists = new Refusal(grpcStatus.alreadyExists, 'stream already exists');
  const isGone = new Refusal(grpcStatus.notFound, 'stream does not exist');
  const within = async <T>(promise: Promise<T>): Promise<T> => {
    // what it rejects with is looked at below
    promise.catch(() => undefined);
    await watched.clock.pass(10_000);
    return promise;
  };

  for (const message of [...undone, ...unsure]) {
    it(`makes a stream at the second attempt after '${message}'`, async () => {
      refuses('CreateStream', message);
      await within(admin.createStream({ name: 's' }));
      expect(asked).to.equal(2);
    });
  }

  it('says so where that lasts, by an error that can be tried again', async () => {
    for (const message of [...undone, ...unsure]) {
      watched.cluster.answers.set('CreateStream', () => new Refusal(grpcStatus.internal, message));
      const error = await within(failureOf(admin.createStream({ name: 's' })));
      expect([error.code, error.retriable], error.message).to.deep.equal(['STREAM_UNAVAILABLE', true]);
      expect(error.message).to.match(/^cannot create the stream 's' at a:9292: .*electing/);
      expect(error.message).to.include(message);
    }
  });

  it('counts a stream as made that is there after an attempt of which nothing is known', async () => {
    for (const message of unsure) {
      asked = 0;
      refuses('CreateStream', message, exists);
      await within(admin.createStream({ name: 's' }));
      expect(asked).to.equal(2);
    }
  });

  it('does not count one that is another: its subject or its partitions are', async () => {
    refuses('CreateStream', unsure[0]!, exists);
    const error = await within(failureOf(admin.createStream({ name: 's', partitions: 2 })));
    expect(error.code).to.equal('STREAM_EXISTS');
    expect(error.message).to.include('it has 1 partitions');
  });

  it('does not count one that was there before: nothing had been made', async () => {
    for (const message of undone) {
      asked = 0;
      refuses('CreateStream', message, exists);
      expect((await within(failureOf(admin.createStream({ name: 's' })))).code).to.equal('STREAM_EXISTS');
    }
  });

  it('counts a stream as deleted that is gone after an attempt of which nothing is known', async () => {
    refuses('DeleteStream', 'Failed to delete stream: leadership lost while committing log', isGone);
    await within(admin.deleteStream('s'));
    asked = 0;
    refuses('DeleteStream', 'Failed to delete stream: node is not the leader', isGone);
    expect((await within(failureOf(admin.deleteStream('s')))).code).to.equal('STREAM_NOT_FOUND');
  });

  it('pauses and makes readonly at the second attempt', async () => {
    refuses('PauseStream', 'Failed to pause stream: leadership lost while committing log');
    await within(admin.pauseStream('s'));
    expect(asked).to.equal(2);
    asked = 0;
    refuses('SetStreamReadonly', 'Failed to set stream readonly flag: leadership lost while committing log');
    await within(admin.setStreamReadonly('s'));
    expect(asked).to.equal(2);
  });
});
