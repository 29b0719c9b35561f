import { expect } from 'chai';
import { BrokerTimeoutError, ConnectionError, InUseError, ProtocolError } from '../../../lib/core/errors.js';
import { decodeConnectRequest, encodeConnectResponse } from '../../../lib/nats-streaming/codec/connect.js';
import type { FakeMessage, FakeNats } from '../../support/fake-nats.js';
import { until, within } from '../../support/wait.js';
import {
  accepted,
  connectSession,
  inUse,
  startScripted,
  startSession,
  type FakeStan,
  type HandClock,
} from '../session-kit.js';

const none = new Uint8Array(0);

describe('nats-streaming session, connecting to a scripted server', () => {
  let fake: FakeNats;
  let stan: FakeStan;
  let clock: HandClock;
  let options: () => { servers: string; clock: HandClock };
  let end: () => Promise<void>;

  beforeEach(async () => {
    ({ fake, stan, clock, options, end } = await startScripted());
  });

  afterEach(() => end());

  it('registers with live inboxes, and takes the subjects from the answer', async () => {
    let request: ReturnType<typeof decodeConnectRequest> | undefined;
    let inboxes: readonly string[] = [];
    stan.connect = (message) => {
      request = decodeConnectRequest(message.data);
      inboxes = fake.subscriptions.map(({ subject }) => subject);
      message.respond(encodeConnectResponse(accepted));
    };
    const { session, story } = await connectSession({
      ...options(),
      clientId: 'me',
      pingInterval: 1_500,
      pingMaxOut: 2,
    });
    expect(story).to.deep.equal(['connected first']);
    expect(request).to.deep.include({ clientId: 'me', protocol: 1, pingInterval: 2, pingMaxOut: 2 });
    expect(inboxes).to.include(request?.heartbeatInbox).and.to.include(session.ackInbox);
    expect(session.connId).to.deep.equal(new Uint8Array(request?.connId ?? none));
    expect(session.subjects).to.include({ pubPrefix: '_STAN.pub.weir', subCloseRequests: '_STAN.subclose.weir' });
    expect(session).to.include({ connected: true, epoch: 1, clientId: 'me' });
  });

  it('uses the prefixes it is told to', async () => {
    fake.onPublish('find.me.weir', (message) => message.respond(encodeConnectResponse(accepted)));
    const { session } = await connectSession({ ...options(), discoverPrefix: 'find.me', inboxPrefix: 'my.inbox' });
    expect(session.ackInbox).to.match(/^my\.inbox\.[A-Za-z0-9]{22}$/);
    for (const { subject } of fake.subscriptions) expect(subject).to.match(/^my\.inbox\./);
  });

  it('answers heartbeats at once, with nothing in them', async () => {
    let inbox = '';
    stan.connect = (message) => {
      inbox = decodeConnectRequest(message.data).heartbeatInbox;
      message.respond(encodeConnectResponse(accepted));
    };
    await connectSession(options());
    const answer = new Promise<FakeMessage>((resolve) => fake.onPublish('_INBOX.server', resolve));
    fake.publish(inbox, none, '_INBOX.server');
    expect((await within(answer, 5_000)).data).to.have.length(0);
  });

  it('fails at once, with a name for it, where nobody listens', async () => {
    const { failure, session, story } = startSession({ ...options(), clusterId: 'elsewhere' });
    const error = await failure();
    expect(error).to.be.instanceOf(ConnectionError);
    expect(error.message).to.include("'elsewhere'").and.to.include('_STAN.discover.elsewhere');
    expect(error.cause).to.be.instanceOf(ConnectionError);
    expect(error.detail).to.include({ noResponders: true });
    expect(story).to.deep.equal(['failed CONNECTION']);
    expect(session.connected).to.equal(false);
  });

  it('fails in time where the answer does not come, and leaves no subscription behind', async () => {
    stan.connect = () => undefined;
    const { failure } = startSession({ ...options(), connectTimeout: 1_000 });
    await until(() => stan.asked.connect === 1);
    clock.advance(1_000);
    const error = await failure();
    expect(error).to.be.instanceOf(BrokerTimeoutError);
    expect(error.message).to.include('_STAN.discover.weir').and.to.include('1000 ms');
    await until(() => fake.connections === 0);
    expect(clock.waiting).to.be.lessThan(2);
  });

  for (const [what, bytes] of [
    ['bytes that are no frame', Buffer.from('ff'.repeat(40), 'hex')],
    ['an empty answer', none],
    ['a subject that would cut the wire', encodeConnectResponse({ ...accepted, pubPrefix: 'a b\r\nPUB x 0' })],
    ['a wildcard', encodeConnectResponse({ ...accepted, pingRequests: 'a.>' })],
  ] as const) {
    it(`fails on ${what} as the answer, once and for all`, async () => {
      stan.connect = (message) => message.respond(bytes);
      const { failure } = startSession({ ...options(), reconnect: { initial: true } });
      expect(await failure()).to.be.instanceOf(ProtocolError);
      await until(() => fake.connections === 0);
    });
  }

  it('names the owner of a client id that is taken, and does not end the owner', async () => {
    stan.connect = (message) => message.respond(inUse);
    const { failure } = startSession({ ...options(), clientId: 'taken', reconnect: { initial: true } });
    const error = await failure();
    expect(error).to.be.instanceOf(InUseError);
    expect(error.message).to.include("'taken'").and.to.include('stan: clientID already registered');
    await until(() => fake.connections === 0);
    expect(stan.asked.close).to.equal(0);
  });

  it('can be started again after a failure', async () => {
    const good = stan.connect;
    stan.connect = (message) => message.noResponders();
    const watched = startSession(options());
    await watched.failure();
    stan.connect = good;
    watched.session.start();
    await watched.until('connected first');
    expect(watched.story).to.deep.equal(['failed CONNECTION', 'connected first']);
  });

  it('goes on trying where the first connect may take its time', async () => {
    const good = stan.connect;
    stan.connect = (message) => message.noResponders();
    const watched = startSession({ ...options(), reconnect: { initial: true, initialDelay: 100, jitter: 0 } });
    for (const [index, wait] of [100, 200, 400].entries()) {
      // the timer of a request that is not answered yet is another one
      await until(() => stan.asked.connect === index + 1 && clock.next === wait);
      clock.advance(wait - 1);
      expect(stan.asked.connect).to.equal(index + 1);
      clock.advance(1);
    }
    stan.connect = good;
    await until(() => {
      clock.advance(100);
      return watched.session.connected;
    });
    expect(watched.story).to.deep.equal(['connected first']);
  });

  it('drops a late answer', async () => {
    const asked: FakeMessage[] = [];
    stan.connect = (message) => void asked.push(message);
    const watched = startSession({ ...options(), connectTimeout: 1_000, reconnect: { initial: true, jitter: 0 } });
    await until(() => asked.length === 1);
    clock.advance(1_000);
    await until(() => {
      clock.advance(250);
      return asked.length === 2;
    });
    asked[0]?.respond(encodeConnectResponse(accepted));
    asked[1]?.respond(encodeConnectResponse({ ...accepted, pubPrefix: 'second' }));
    await watched.until('connected first');
    expect(watched.session.subjects.pubPrefix).to.equal('second');
  });

  it('begins only once, and not after close', async () => {
    const watched = await connectSession(options());
    watched.session.start();
    await watched.session.close();
    watched.session.start();
    expect(watched.session.connected).to.equal(false);
    expect(stan.asked.connect).to.equal(1);
  });
});
