import { expect } from 'chai';
import { Connecting } from '../../lib/core/connecting.js';
import { silent } from '../../lib/core/logger.js';
import { Admin } from '../../lib/liftbridge/admin.js';
import { Cursors } from '../../lib/liftbridge/cursors.js';
import { failureOf, settled, Watched } from './session/session-kit.js';

/** All that administration asks. */
const calls: Readonly<Record<string, (admin: Admin) => Promise<unknown>>> = {
  createStream: (admin) => admin.createStream({ name: 's' }),
  'createStream, if there is none': (admin) => admin.createStream({ name: 's', ifNotExists: true }),
  deleteStream: (admin) => admin.deleteStream('s'),
  pauseStream: (admin) => admin.pauseStream('s'),
  setStreamReadonly: (admin) => admin.setStreamReadonly('s'),
  metadata: (admin) => admin.metadata(),
  partitionMetadata: (admin) => admin.partitionMetadata('s'),
  setCursor: (admin) => admin.setCursor({ stream: 's', id: 'me', offset: 1 }),
  fetchCursor: (admin) => admin.fetchCursor({ stream: 's', id: 'me' }),
};

describe('administration of Liftbridge: without a broker', () => {
  /** What nobody waits longer for: the time for a connection, and that of the requests that one call can consist of. */
  const patience = 35_000;
  let watched: Watched;
  let admin: Admin;

  beforeEach(async () => {
    watched = await new Watched({ brokers: 'a', requestTimeout: 5_000, connectTimeout: 5_000 }).started();
    watched.cluster.brokers.set('n1', { host: 'a', port: 9292 });
    watched.cluster.streams.set('s', { leaders: ['n1'] }).set('__cursors', { leaders: ['n1'] });
    const { session, clock } = watched;
    const connecting = new Connecting();
    admin = new Admin({
      session,
      cursors: new Cursors(session),
      clock,
      log: silent,
      requestTimeout: 5_000,
      // as a handle's, which waits as long as it is not given up
      connect: (signal) => {
        const connected = connecting.wait(signal);
        session.start();
        return connected;
      },
    });
    await settled();
  });
  afterEach(() => watched.close());

  for (const [name, call] of Object.entries(calls)) {
    it(`${name} fails in time when the connection was lost before`, async () => {
      watched.cluster.kill('a:9292');
      await settled();
      const failed = failureOf(call(admin));
      await watched.clock.pass(patience);
      const error = await failed;
      expect([error.code, error.retriable]).to.deep.equal(['TIMEOUT', true]);
      expect(error.message).to.match(/^there was no connection to Liftbridge at a:9292 within 5000 ms: nobody listens/);
    });

    it(`${name} ends in time when the connection is lost in the midst of it`, async () => {
      const { cluster } = watched;
      let over = false;
      cluster.hanging.add('a:9292');
      const ended = call(admin).then(
        () => (over = true),
        () => (over = true),
      );
      await settled();
      cluster.kill('a:9292');
      await watched.clock.pass(patience);
      expect(over).to.equal(true);
      await ended;
    });

    it(`${name} ends in time when the connection is lost after its first answer`, async () => {
      const { cluster } = watched;
      let over = false;
      for (const method of ['CreateStream', 'DeleteStream', 'PauseStream', 'SetStreamReadonly', 'FetchMetadata']) {
        const answer = cluster.answers.get(method);
        cluster.answers.set(method, (channel, request) => {
          // the answer is here, and what comes after it is not asked of anybody
          setImmediate(() => cluster.kill('a:9292'));
          return answer?.(channel, request);
        });
      }
      watched.session.forgetStream('s');
      watched.session.forgetStream('__cursors');
      const ended = call(admin).then(
        () => (over = true),
        () => (over = true),
      );
      await watched.clock.pass(patience);
      expect(over).to.equal(true);
      await ended;
    });
  }
});
