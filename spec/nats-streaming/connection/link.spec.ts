import { inspect } from 'node:util';
import { connect as connectV3, wsconnect, type NatsConnection as ConnectionV3 } from '@nats-io/transport-node';
import { expect } from 'chai';
import { connect as connectV2, type NatsConnection as ConnectionV2 } from 'nats';
import { systemClock } from '../../../lib/core/clock.js';
import {
  AuthorizationError,
  ConnectionError,
  FrameTooLargeError,
  ProtocolError,
  type WeirError,
} from '../../../lib/core/errors.js';
import { Link, type NatsConnectionLike } from '../../../lib/nats-streaming/connection/link.js';
import { startFakeNats, type FakeMessage, type FakeNats } from '../../support/fake-nats.js';
import { until } from '../../support/wait.js';

// compiled only: the connections of both clients are what a link takes
const _accepted = (v2: ConnectionV2, v3: ConnectionV3): NatsConnectionLike[] => [v2, v3];
void [_accepted, wsconnect];

const connects = {
  'nats v2': (options: object): Promise<NatsConnectionLike> => connectV2(options),
  'nats v3': (options: object): Promise<NatsConnectionLike> => connectV3(options),
};

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

for (const [client, connect] of Object.entries(connects)) {
  describe(`nats-streaming link, over ${client}`, () => {
    let fake: FakeNats;
    let nc: NatsConnectionLike;
    let told: [string, unknown?][];

    beforeEach(async () => {
      fake = await startFakeNats();
      nc = await connect({
        servers: fake.url,
        pass: 'hush',
        user: 'me',
        reconnectTimeWait: 20,
        maxReconnectAttempts: -1,
      });
      told = [];
    });

    afterEach(async () => {
      await nc.close();
      await fake.stop();
    });

    const linkTo = (owned = false): Link => {
      const link = new Link(nc, { owned, renewable: false, inboxPrefix: '_INBOX' });
      link.hooks = {
        down: (cause) => told.push(['down', cause]),
        up: () => told.push(['up']),
        closed: (cause) => told.push(['closed', cause]),
        denied: (subject, error) => told.push([`denied ${subject}`, error]),
        fault: (error) => told.push(['fault', error]),
      };
      return link;
    };
    const names = (): string[] => told.map(([name]) => name);
    const subscribed = (subject: string): Promise<unknown> =>
      until(() => fake.subscriptions.some((each) => each.subject === subject), { message: `a SUB of ${subject}` });

    it('publishes bytes, with a reply subject or without', async () => {
      const link = linkTo();
      const seen: FakeMessage[] = [];
      fake.onPublish('a.>', (message) => seen.push(message));
      link.publish('a.b', bytes('one'));
      link.publish('a.c', bytes('two'), 'reply.one');
      link.publish('a.c', bytes('three'), 'reply.one');
      link.publish('a.c', bytes(''), 'reply.two');
      link.publish('a.d', bytes('five'));
      await until(() => seen.length === 5);
      expect(seen.map(({ subject, reply, data }) => [subject, reply, Buffer.from(data).toString()])).to.deep.equal([
        ['a.b', undefined, 'one'],
        ['a.c', 'reply.one', 'two'],
        ['a.c', 'reply.one', 'three'],
        ['a.c', 'reply.two', ''],
        ['a.d', undefined, 'five'],
      ]);
    });

    it('hands over messages with their subject, reply and status', async () => {
      const link = linkTo();
      const seen: unknown[] = [];
      link.subscribe('in.*', (data, status, message) => {
        seen.push([Buffer.from(data).toString(), status, message.subject, message.reply || undefined]);
      });
      await subscribed('in.*');
      fake.publish('in.a', 'hello', 'back');
      fake.publish('in.b', '');
      link.publish('nobody.there', bytes('x'), 'in.c');
      await until(() => seen.length === 3);
      expect(seen).to.deep.equal([
        ['hello', 0, 'in.a', 'back'],
        ['', 0, 'in.b', undefined],
        ['', 503, 'in.c', undefined],
      ]);
    });

    it('never throws into the client: the connection goes on for everybody', async () => {
      const link = linkTo();
      let others = 0;
      nc.subscribe('in', { callback: () => others++ });
      link.subscribe('in', () => {
        throw new Error('broken');
      });
      link.subscribe('in', () => {
        throw new ProtocolError('a bad frame');
      });
      await until(() => fake.subscriptions.length === 3);
      fake.publish('in', 'x');
      fake.publish('in', 'y');
      await until(() => told.length === 4 && others === 2);
      expect(names()).to.deep.equal(['fault', 'fault', 'fault', 'fault']);
      expect(told[0]?.[1]).to.be.instanceOf(ProtocolError).with.nested.property('cause.message', 'broken');
      expect(told[1]?.[1]).to.be.instanceOf(ProtocolError).with.property('message', 'a bad frame');
      await nc.flush();
    });

    it('survives hooks that throw', async () => {
      const link = linkTo();
      link.hooks = new Proxy(link.hooks!, {
        get: () => () => {
          throw new Error('broken hook');
        },
      });
      link.subscribe('in', () => {
        throw new Error('broken');
      });
      await subscribed('in');
      fake.publish('in', 'x');
      fake.cut();
      await until(() => fake.accepted === 2);
      await until(() => link.up);
      await nc.flush();
    });

    it('drops messages from the moment of the unsubscribe', async () => {
      const link = linkTo();
      const seen: string[] = [];
      const subscription = link.subscribe('in', (data) => {
        seen.push(Buffer.from(data).toString());
        subscription.unsubscribe();
        subscription.unsubscribe();
      });
      await subscribed('in');
      fake.publish('in', 'one');
      fake.publish('in', 'two');
      await until(() => fake.subscriptions.length === 0);
      expect(seen).to.deep.equal(['one']);
    });

    it('tells of a dropped connection and of its return, with the subscriptions alive', async () => {
      const link = linkTo();
      const seen: string[] = [];
      link.subscribe('in', (data) => void seen.push(Buffer.from(data).toString()));
      await subscribed('in');
      expect(link.up).to.equal(true);
      fake.cut();
      await until(() => names().includes('down'));
      expect(told[0]?.[1]).to.be.instanceOf(ConnectionError);
      await until(() => names().includes('up'));
      expect(names()).to.deep.equal(['down', 'up']);
      expect(link.up).to.equal(true);
      await subscribed('in');
      fake.publish('in', 'again');
      await until(() => seen.length === 1);
    });

    it('tells that the connection was closed, by whomever, and nothing after it', async () => {
      const link = linkTo();
      link.subscribe('in', () => undefined);
      await nc.close();
      await until(() => names().includes('closed'));
      expect(names()).to.deep.equal(['closed']);
      expect(told[0]?.[1]).to.be.instanceOf(ConnectionError);
      expect(link.up).to.equal(false);
      expect(() => link.publish('a', bytes('x'))).to.throw(ConnectionError);
      expect(() => link.subscribe('a', () => undefined)).to.throw(ConnectionError);
    });

    it('refuses a connection that is closed or about to be', async () => {
      const draining = await connect({ servers: fake.url });
      fake.answersPings = false;
      void (draining as ConnectionV2).drain().catch(() => undefined);
      expect(() => new Link(draining, { owned: false, renewable: false, inboxPrefix: '_INBOX' })).to.throw(
        ConnectionError,
        /draining/,
      );
      fake.answersPings = true;
      await draining.close();
      await nc.close();
      expect(() => linkTo()).to.throw(ConnectionError, /closed/);
    });

    it('refuses what is larger than the server takes', async () => {
      const link = linkTo();
      expect(link.maxPayload).to.equal(1_048_576);
      expect(() => link.publish('a', new Uint8Array(1_048_577))).to.throw(FrameTooLargeError, /1048577/);
      await nc.flush();
    });

    it('tells what the server does not allow', async () => {
      const link = linkTo();
      const own: WeirError[] = [];
      link.subscribe(
        'secret.inbox',
        () => undefined,
        (error) => own.push(error),
      );
      link.subscribe('other.inbox', () => undefined);
      fake.sendRaw(`-ERR 'Permissions Violation for Subscription to "secret.inbox"'\r\n`);
      fake.sendRaw(`-ERR 'Permissions Violation for Subscription to "other.inbox"'\r\n`);
      fake.sendRaw(`-ERR 'Permissions Violation for Publish to "secret.place"'\r\n`);
      await until(() => told.length === 2 && own.length === 1);
      expect(own[0]).to.be.instanceOf(AuthorizationError);
      expect(own[0]?.message).to.include('secret.inbox');
      expect(names()).to.have.members(['denied other.inbox', 'denied secret.place']);
      for (const [, error] of told) expect(error).to.be.instanceOf(AuthorizationError);
      expect(nc.isClosed()).to.equal(false);
    });

    it('makes inboxes that nobody else has', () => {
      const link = new Link(nc, { owned: false, renewable: false, inboxPrefix: 'my.own' });
      const inboxes = new Set(Array.from({ length: 1_000 }, () => link.inbox()));
      expect(inboxes.size).to.equal(1_000);
      for (const inbox of inboxes) expect(inbox).to.match(/^my\.own\.[A-Za-z0-9]{22}$/);
      link.release();
    });

    it('leaves a borrowed connection open and without its subscriptions', async () => {
      const link = linkTo();
      link.subscribe('a', () => undefined);
      link.subscribe('b', () => undefined);
      nc.subscribe('theirs', { callback: () => undefined });
      await until(() => fake.subscriptions.length === 3);
      await link.close(1_000, systemClock);
      await until(() => fake.subscriptions.length === 1);
      expect(nc.isClosed()).to.equal(false);
      fake.cut();
      await until(() => fake.connections === 1);
      await nc.close();
      expect(told).to.deep.equal([]);
    });

    it('leaves no status listener on a borrowed connection', async () => {
      const { listeners } = (client === 'nats v2' ? nc : (nc as never as { protocol: object }).protocol) as {
        listeners: unknown[];
      };
      const before = listeners.length;
      for (let i = 0; i < 10; i++) linkTo().release();
      await until(() => listeners.length === before);
    });

    it('closes an owned connection after all that was written has left', async () => {
      const link = linkTo(true);
      let seen = 0;
      fake.onPublish('a', () => seen++);
      for (let i = 0; i < 1_000; i++) link.publish('a', bytes('x'));
      await link.close(5_000, systemClock);
      expect(seen).to.equal(1_000);
      expect(nc.isClosed()).to.equal(true);
      expect(told).to.deep.equal([]);
    });

    it('shows nothing of the connection to who inspects it', () => {
      const link = linkTo();
      expect(inspect(link, { depth: null, showHidden: true })).to.not.include('hush');
      link.release();
    });
  });
}
