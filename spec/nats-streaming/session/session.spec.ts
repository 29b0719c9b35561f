import { expect } from 'chai';
import { BrokerTimeoutError } from '../../../lib/core/errors.js';
import { decodeConnectRequest, encodeConnectResponse } from '../../../lib/nats-streaming/codec/connect.js';
import type { FakeMessage, FakeNats } from '../../support/fake-nats.js';
import { until } from '../../support/wait.js';
import {
  accepted,
  connectSession,
  gone,
  inUse,
  startScripted,
  startSession,
  watchSession,
  type FakeStan,
  type HandClock,
  type Watched,
} from '../session-kit.js';

const none = new Uint8Array(0);

describe('nats-streaming session, on a scripted server', () => {
  let fake: FakeNats;
  let stan: FakeStan;
  let clock: HandClock;
  let options: () => { servers: string; clock: HandClock };
  let end: () => Promise<void>;

  beforeEach(async () => {
    ({ fake, stan, clock, options, end } = await startScripted());
  });

  afterEach(() => end());

  /** Waits until the session has taken what the server has sent by this moment. */
  const taken = async ({ session, told }: Watched): Promise<void> => {
    const seen = told.length;
    fake.publish(session.ackInbox, 'x');
    await until(() => told.length > seen);
  };
  /** Lets one ping interval pass and waits for the ping. */
  const tick = async (): Promise<void> => {
    const count = stan.asked.ping;
    clock.advance(5_000);
    await until(() => stan.asked.ping > count, { message: 'a ping' });
  };

  describe('pings', () => {
    it('asks at each interval, and never a server of protocol 0', async () => {
      await connectSession(options());
      await tick();
      await tick();
      expect(stan.asked.ping).to.equal(2);
      stan.connect = (message) =>
        message.respond(encodeConnectResponse({ ...accepted, pingRequests: '', protocol: 0 }));
      const old = await connectSession(options());
      const count = stan.asked.ping;
      old.session.verify();
      await tick();
      expect(stan.asked.ping).to.equal(count + 1);
    });

    it('is interrupted when more than the limit stay unanswered, and goes on when one is answered', async () => {
      const answers: FakeMessage[] = [];
      stan.ping = (message) => void answers.push(message);
      const watched = await connectSession({ ...options(), pingMaxOut: 2 });
      await tick();
      await tick();
      expect(watched.story).to.deep.equal(['connected first']);
      clock.advance(5_000);
      expect(watched.story).to.deep.equal(['connected first', 'interrupted']);
      expect(watched.told[1]?.argument).to.be.instanceOf(BrokerTimeoutError);
      expect(watched.session.connected).to.equal(false);
      await until(() => answers.length === 3);
      answers.at(-1)?.respond(none);
      await watched.until('connected kept');
      expect(watched.session.epoch).to.equal(1);
    });

    it('starts counting anew after a late answer', async () => {
      const answers: FakeMessage[] = [];
      stan.ping = (message) => void answers.push(message);
      const watched = await connectSession({ ...options(), pingMaxOut: 1 });
      for (let round = 0; round < 4; round++) {
        await tick();
        const answered = answers.splice(0);
        answered[0]?.respond(none);
        await taken(watched);
      }
      expect(watched.story.filter((line) => line !== 'pubAck')).to.deep.equal(['connected first']);
    });

    it('takes a 503 on the ping inbox for the opposite of a good answer', async () => {
      stan.ping = (message) => message.noResponders();
      const watched = await connectSession(options());
      clock.advance(5_000);
      await watched.until('interrupted');
      expect(watched.told[1]?.argument).to.have.nested.property('detail.noResponders', true);
      const count = stan.asked.ping;
      await until(() => {
        clock.advance(250);
        return stan.asked.ping > count + 3;
      });
      expect(watched.story).to.deep.equal(['connected first', 'interrupted']);
      stan.ping = (message) => message.respond(none);
      await until(() => {
        clock.advance(250);
        return watched.session.connected;
      });
      expect(watched.story).to.deep.equal(['connected first', 'interrupted', 'connected kept']);
    });

    it('registers anew, on inboxes of its own, when the server knows it no more', async () => {
      const requests: ReturnType<typeof decodeConnectRequest>[] = [];
      let live: readonly string[] = [];
      stan.connect = (message) => {
        requests.push(decodeConnectRequest(message.data));
        live = fake.subscriptions.map(({ subject }) => subject);
        message.respond(encodeConnectResponse(accepted));
      };
      const watched = await connectSession(options());
      const before = { ackInbox: watched.session.ackInbox, connId: watched.session.connId };
      stan.ping = (message) => message.respond(gone);
      watched.session.verify();
      await watched.until('connected renewed');
      expect(watched.story).to.deep.equal(['connected first', 'lost', 'connected renewed']);
      expect(watched.session.epoch).to.equal(2);
      expect(watched.session.ackInbox).to.not.equal(before.ackInbox);
      expect(watched.session.connId).to.not.deep.equal(before.connId);
      expect(live).to.not.include(requests[0]?.heartbeatInbox);
      expect(live).to.include(requests[1]?.heartbeatInbox);
      watched.endAcks();
      await until(() => fake.subscriptions.length === 4);
      expect(fake.subscriptions.map(({ subject }) => subject)).to.not.include(before.ackInbox);
      expect(stan.asked.close).to.equal(0);
    });

    it('still hears what became of what it has published when the server knows it no more, until that is ended', async () => {
      const watched = await connectSession(options());
      const inboxes = [watched.session.ackInbox];
      const listening = (): boolean[] =>
        inboxes.map((inbox) => fake.subscriptions.some(({ subject }) => subject === inbox));
      const renew = async (): Promise<void> => {
        const renewals = watched.session.epoch;
        stan.ping = (message) => message.respond(gone);
        watched.session.verify();
        await watched.until('connected renewed', renewals);
        inboxes.push(watched.session.ackInbox);
      };
      await renew();
      for (const inbox of inboxes) fake.publish(inbox, 'x');
      await watched.until('pubAck');
      expect(watched.story.slice(-2)).to.deep.equal(['lateAck', 'pubAck']);
      expect(listening()).to.deep.equal([true, true]);
      watched.endAcks();
      watched.endAcks();
      await until(() => !listening()[0]);
      // the next loss ends what the one before has left, too
      await renew();
      expect(listening()).to.deep.equal([false, true, true]);
      await renew();
      await until(() => !listening()[1]);
      expect(listening()).to.deep.equal([false, false, true, true]);
      const { endAcks } = watched;
      await watched.session.close();
      endAcks();
      await until(() => fake.connections === 0);
    });

    it('pings at once when asked to, and once however often', async () => {
      const watched = await connectSession(options());
      for (let i = 0; i < 10; i++) watched.session.verify();
      await until(() => stan.asked.ping > 0);
      await tick();
      expect(stan.asked.ping).to.equal(2);
    });

    it('tells of a garbled answer, and counts it as none', async () => {
      stan.ping = (message) => message.respond(Buffer.from('0aff', 'hex'));
      const watched = await connectSession(options());
      watched.session.verify();
      await watched.until('fault PROTOCOL');
      expect(watched.session.connected).to.equal(true);
    });

    it('pings when nobody listens to a publish', async () => {
      const watched = await connectSession(options());
      watched.session.link.publish('_STAN.nobody', none, watched.session.ackInbox);
      await until(() => stan.asked.ping === 1);
      expect(watched.story).to.not.include('pubAck');
    });
  });

  describe('a lost client id', () => {
    it('is given up after three refusals, and the winner is left alone', async () => {
      const watched = await connectSession({ ...options(), reconnect: { jitter: 0 } });
      stan.ping = (message) => message.respond(gone);
      stan.connect = (message) => message.respond(inUse);
      watched.session.verify();
      await watched.until('lost');
      await until(() => {
        clock.advance(250);
        return watched.story.includes('failed IN_USE');
      });
      expect(watched.story).to.deep.equal(['connected first', 'lost', 'replaced', 'failed IN_USE']);
      expect(stan.asked.connect).to.equal(4);
      await watched.session.close();
      expect(stan.asked.close).to.equal(0);
    });

    it('fails at once when nothing is to be connected again', async () => {
      const watched = await connectSession({ ...options(), reconnect: false });
      stan.ping = (message) => message.respond(gone);
      watched.session.verify();
      await watched.failure();
      expect(watched.story).to.deep.equal(['connected first', 'failed CONNECTION']);
    });

    it('gives up when the attempts are used up', async () => {
      const watched = await connectSession({ ...options(), reconnect: { maxAttempts: 3, initialDelay: 10 } });
      stan.ping = (message) => message.respond(gone);
      stan.connect = (message) => message.noResponders();
      watched.session.verify();
      await until(() => {
        clock.advance(10);
        return watched.story.length === 3;
      });
      const error = await watched.failure();
      expect(error.message).to.include('3 attempts').and.to.include('nobody listens');
      expect(stan.asked.connect).to.equal(1 + 1 + 3);
    });
  });

  describe('requests', () => {
    /** The length of the reply, or what became of the request. */
    const ask = ({ session }: Watched, subject: string): Promise<string> =>
      new Promise((resolve) => {
        let returned = false;
        session.request(subject, none, 1_000, (error, reply) => {
          if (!returned) resolve('called too early');
          else if (error) resolve(error.detail?.['noResponders'] === true ? 'nobody' : error.code);
          else resolve(String(reply?.length));
        });
        returned = true;
      });

    it('hands over a reply before the messages behind it', async () => {
      const watched = await connectSession(options());
      const order: string[] = [];
      watched.session.link.subscribe('inbox.of.mine', (data) => void order.push(`message ${data.length}`));
      fake.onPublish('ask', (message) => {
        message.respond('abc');
        fake.publish('inbox.of.mine', 'one');
      });
      await until(() => fake.subscriptions.some(({ subject }) => subject === 'inbox.of.mine'));
      watched.session.request('ask', none, 1_000, (_error, reply) => void order.push(`reply ${reply?.length}`));
      await until(() => order.length === 2);
      expect(order).to.deep.equal(['reply 3', 'message 3']);
    });

    it('ends each with a reply, by time, where nobody listens, or with the session', async () => {
      const watched = await connectSession(options());
      fake.onPublish('ask', (message) => message.respond('abc'));
      fake.onPublish('silent', () => undefined);
      expect(await ask(watched, 'ask')).to.equal('3');
      expect(await ask(watched, 'nobody')).to.equal('nobody');
      const late = ask(watched, 'silent');
      clock.advance(1_000);
      expect(await late).to.equal('TIMEOUT');
      const lost = ask(watched, 'silent');
      stan.ping = (message) => message.respond(gone);
      watched.session.verify();
      expect(await lost).to.equal('CONNECTION');
      stan.ping = (message) => message.respond(none);
      await watched.until('connected renewed');
      const cut = ask(watched, 'silent');
      fake.cut();
      expect(await cut).to.equal('CONNECTION');
      const down = ask(watched, 'silent');
      expect(await down).to.equal('CONNECTION');
      await watched.session.close();
      expect(await ask(watched, 'silent')).to.equal('CONNECTION');
    });

    it('is never heard of again once cancelled', async () => {
      const watched = await connectSession(options());
      let called = 0;
      const message = new Promise<FakeMessage>((resolve) => fake.onPublish('ask', resolve));
      const cancel = watched.session.request('ask', none, 1_000, () => called++);
      cancel();
      (await message).respond('late');
      clock.advance(2_000);
      await taken(watched);
      expect(called).to.equal(0);
    });
  });

  describe('close', () => {
    it('says goodbye once the server has said that the session is its own', async () => {
      const order: string[] = [];
      stan.ping = (message) => {
        order.push('ping');
        message.respond(none);
      };
      stan.close = (message) => {
        order.push('close');
        message.respond(none);
      };
      const { session, story } = await connectSession(options());
      const closing = session.close();
      expect(session.close()).to.equal(closing);
      await closing;
      expect(order).to.deep.equal(['ping', 'close']);
      await until(() => fake.connections === 0);
      expect(clock.waiting).to.equal(0);
      expect(story).to.deep.equal(['connected first']);
    });

    it('sends no goodbye for a session that another process has taken', async () => {
      const { session } = await connectSession(options());
      stan.ping = (message) => message.respond(gone);
      await session.close();
      expect(stan.asked).to.include({ ping: 1, close: 0 });
      await until(() => fake.connections === 0);
    });

    it('resolves in time where the server is silent', async () => {
      const { session } = await connectSession(options());
      stan.ping = () => undefined;
      fake.answersPings = false;
      let closed = false;
      void session.close(3_000).then(() => (closed = true));
      await until(() => stan.asked.ping === 1);
      clock.advance(2_999);
      expect(closed).to.equal(false);
      await until(() => {
        clock.advance(1);
        return closed;
      });
      await until(() => fake.connections === 0);
      expect(clock.waiting).to.equal(0);
    });

    it('resolves when nothing was started, while connecting, and while trying again', async () => {
      await watchSession(options()).session.close();
      stan.connect = () => undefined;
      const connecting = startSession(options());
      await until(() => stan.asked.connect === 1);
      const first = connecting.session.close();
      await first;
      stan.connect = (message) => message.noResponders();
      const trying = startSession({ ...options(), reconnect: { initial: true } });
      await until(() => stan.asked.connect === 2 && clock.waiting > 0);
      await trying.session.close();
      await startSession(options()).session.close();
      await until(() => fake.connections === 0);
      expect([...connecting.story, ...trying.story]).to.deep.equal([]);
    });

    it('resolves while a lost session is being made again', async () => {
      const { session, until: heard, story } = await connectSession(options());
      stan.ping = (message) => message.respond(gone);
      stan.connect = () => undefined;
      session.verify();
      await heard('lost');
      await until(() => stan.asked.connect === 2);
      await session.close();
      await until(() => fake.connections === 0);
      expect(stan.asked.close).to.equal(0);
      expect(story).to.deep.equal(['connected first', 'lost']);
    });
  });
});
