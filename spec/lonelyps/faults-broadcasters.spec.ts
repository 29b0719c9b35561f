import { join } from 'node:path';
import { expect } from 'chai';
import { ConnectionError, PublishError } from '../../lib/core/errors.js';
import { httpPaths } from '../../lib/lonelyps/codec/http-requests.js';
import { startLonelypss, type LonelypssServer } from '../support/brokers/index.js';
import { FakeBroadcaster } from '../support/fake-lonelyps/index.js';
import { removeFolder, temporaryFolder } from '../support/guard.js';
import { unique } from '../support/names.js';
import { freePort } from '../support/ports.js';
import { until } from '../support/wait.js';
import { bytesOf, Missing, reaches, rejection, Told, untilInterrupted, untilRecovered } from './faults-kit.js';
import { Handles, Heard, subscribed, transports, type Transport } from './lonelyps-kit.js';

/** Nobody listens there. */
async function nowhere(auth: LonelypssServer['auth']): Promise<Address> {
  const place = `127.0.0.1:${await freePort()}`;
  return { url: `http://${place}`, socketUrl: `ws://${place}`, auth };
}

type Address = Pick<LonelypssServer, 'url' | 'socketUrl' | 'auth'>;

const none = { toBroadcaster: { type: 'none' }, toSubscriber: { type: 'none' } } as const;

/** The first is preferred. */
const inOrder = (transport: Transport, servers: readonly Pick<Address, 'url' | 'socketUrl'>[]) => ({
  broadcasters: servers.map(({ url, socketUrl }, priority) => ({
    host: transport === 'http' ? url : socketUrl,
    priority,
  })),
});

describe('lonelyps: several broadcasters', () => {
  const handles = new Handles();
  let folder: string;
  let one: LonelypssServer;
  let other: LonelypssServer;

  before(async () => {
    folder = await temporaryFolder();
    // those of one list of subscriptions share a database
    const database = join(folder, 'subscriptions.db');
    one = await startLonelypss({ needs: 'control', database, auth: 'hmac' });
    other = await startLonelypss({ needs: 'control', database, auth: one.auth });
  });

  afterEach(async () => {
    await handles.close();
    const dead = [one, other].filter(({ pid }) => pid === undefined);
    await Promise.all(dead.map((server) => server.restart()));
  });

  after(async () => {
    await Promise.all([one.stop(), other.stop()]);
    await removeFolder(folder);
  });

  for (const transport of transports) {
    describe(`over ${transport}`, () => {
      it('the one that is used dies: all goes on over the other', async () => {
        const servers = [one, other];
        const broker = handles.open(transport, servers, inOrder(transport, servers));
        const topic = unique('topic');
        const told = new Told(broker);
        const missing = new Missing(broker);
        const heard = new Heard(broker, topic);
        await subscribed(broker);
        await reaches(broker, topic, heard);
        await one.kill();
        // a connection that is lost takes with it what came meanwhile; over HTTP there is none
        if (transport === 'websocket') {
          await untilRecovered(told);
          expect(missing.all).to.deep.equal([topic]);
        }
        const before = heard.all.length;
        const texts = ['a', 'b', 'c', 'd'];
        for (const text of texts) {
          expect((await broker.publish(topic, bytesOf(text))).ok).to.equal(true);
        }
        await until(() => texts.every((text) => heard.texts.includes(text)));
        expect(heard.texts.slice(before).filter((text) => texts.includes(text))).to.deep.equal(texts);
        if (transport === 'http') {
          expect(missing.all).to.deep.equal([]);
          expect(told.states).to.deep.equal(['idle', 'connecting', 'connected']);
        }

        // and back
        await one.restart();
        await other.kill();
        if (transport === 'websocket') await untilRecovered(told, 2);
        await reaches(broker, topic, heard);
        expect(heard.error).to.equal(undefined);
      });

      it('one that was never there is passed over', async () => {
        const servers = [await nowhere(other.auth), other];
        const broker = handles.open(transport, servers, inOrder(transport, servers));
        const topic = unique('topic');
        const heard = new Heard(broker, topic);
        await broker.connect();
        await subscribed(broker);
        await reaches(broker, topic, heard);
      });

      it('all die, and one comes back: what waited is sent, and all is subscribed', async () => {
        const broker = handles.open(transport, [one, other]);
        const topic = unique('topic');
        const told = new Told(broker);
        const heard = new Heard(broker, topic);
        await subscribed(broker);
        await reaches(broker, topic, heard);
        await Promise.all([one.kill(), other.kill()]);
        // a websocket hears of it a moment later; over HTTP nobody does before somebody asks
        if (transport === 'websocket') await untilInterrupted(told);
        const published = broker.publish(topic, bytesOf('waits'));
        await untilInterrupted(told);
        await other.restart();
        expect((await published).ok).to.equal(true);
        await untilRecovered(told);
        await reaches(broker, topic, heard);
        expect(heard.texts.filter((text) => text === 'waits')).to.have.lengthOf.at.most(1);
      });

      it('all die, and nobody waits for them for ever: a typed error ends everything', async () => {
        const reconnect = { initialDelay: 20, maxDelay: 40, maxAttempts: 3 };
        const broker = handles.open(transport, [one, other], { reconnect });
        const topic = unique('topic');
        const heard = new Heard(broker, topic);
        await subscribed(broker);
        await reaches(broker, topic, heard);
        await Promise.all([one.kill(), other.kill()]);
        const error = await rejection(broker.publish(topic, bytesOf('never')));
        expect(error).to.be.instanceOf(ConnectionError);
        await until(() => heard.error !== undefined, { timeout: 20_000 });
        expect(heard.error).to.be.instanceOf(ConnectionError);
        const first = await rejection(broker.connect());
        expect(first).to.be.instanceOf(ConnectionError);
        expect((first as Error).message).to.include('127.0.0.1');
      });
    });
  }
});

describe('lonelyps: a broadcaster that is busy', () => {
  const handles = new Handles();
  const fakes: FakeBroadcaster[] = [];
  const start = async (): Promise<FakeBroadcaster> => {
    const fake = await FakeBroadcaster.start();
    fakes.push(fake);
    return fake;
  };
  /** Nobody has to show who they are. */
  const open = (transport: Transport, of: FakeBroadcaster | FakeBroadcaster[], options: object = {}) =>
    handles.open(
      transport,
      [of].flat().map(({ url, socketUrl }) => ({ url, socketUrl, auth: none })),
      options,
    );
  const retryAfter = (seconds: number, status = 503) => ({ status, headers: { 'retry-after': String(seconds) } });

  afterEach(async () => {
    await handles.close();
    await Promise.all(fakes.splice(0).map((fake) => fake.stop()));
  });

  it('answers 503 and says until when: a message waits for that, and arrives once', async () => {
    const fake = await start();
    const broker = open('http', fake);
    const heard = new Heard(broker, 'topic');
    await subscribed(broker);
    fake.script(httpPaths.notify, retryAfter(3));
    expect((await broker.publish('topic', bytesOf('value'))).notified).to.equal(1);
    const [first, second] = fake.requestsOf(httpPaths.notify);
    // without a word it would have been 2 s at most
    expect(second!.at - first!.at).to.be.at.least(2_950);
    await until(() => heard.all.length === 1);
    expect(heard.texts).to.deep.equal(['value']);
  });

  it('answers 502, and another one takes what it does not', async () => {
    const [busy, free] = [await start(), await start()];
    const broker = open('http', [busy, free], {
      ...inOrder('http', [busy, free]),
      receive: undefined,
    });
    await broker.connect();
    busy.always('*', 502);
    for (let n = 0; n < 5; n++) await broker.publish('topic', bytesOf(`value ${n}`));
    expect(free.requestsOf(httpPaths.notify)).to.have.length(5);
  });

  it('answers 503 for ever, as all others: the message is refused, and may be tried again', async () => {
    const both = [await start(), await start()];
    const broker = open('http', both, { receive: undefined });
    await broker.connect();
    for (const fake of both) fake.always('*', 503);
    const error = await rejection(broker.publish('topic', bytesOf('never')));
    expect(error).to.be.instanceOf(PublishError);
    expect(error).to.deep.include({ retriable: true });
    expect((error as Error).message)
      .to.include('503')
      .and.to.include('the last of 4 attempts');
    for (const fake of both) expect(fake.requestsOf(httpPaths.notify)).to.have.length(2);
  });

  it('takes no subscriptions for a while: they are set as soon as it does', async () => {
    const fake = await start();
    const broker = open('http', fake);
    const told = new Told(broker);
    await broker.connect();
    fake.script(httpPaths.set, 503, 502, 504, 503);
    const heard = new Heard(broker, 'topic');
    await untilInterrupted(told);
    await subscribed(broker);
    await untilRecovered(told);
    expect(await fake.publish('topic', 'value')).to.equal(1);
    await until(() => heard.all.length === 1);
    expect(heard.error).to.equal(undefined);
  });

  it('takes no websockets for a while: it is connected to as soon as it does', async () => {
    const fake = await start();
    const broker = open('websocket', fake);
    const told = new Told(broker);
    const heard = new Heard(broker, 'topic');
    await subscribed(broker);
    fake.upgrade = 503;
    const before = fake.sockets.length;
    fake.cut();
    await until(() => fake.sockets.length >= before + 3, { message: 'three more attempts' });
    expect(told.states.at(-1)).to.equal('reconnecting');
    const published = broker.publish('topic', bytesOf('waits'));
    fake.upgrade = 'accept';
    expect((await published).ok).to.equal(true);
    await untilRecovered(told);
    await subscribed(broker);
    await fake.publish('topic', 'value');
    await until(() => heard.texts.includes('value'));
  });

  it('takes nobody at first: connect() says what it said', async () => {
    const fake = await start();
    fake.upgrade = 503;
    fake.always('*', 503);
    for (const transport of transports) {
      const error = await rejection(open(transport, fake).connect());
      expect(error).to.be.instanceOf(ConnectionError);
      expect((error as Error).message)
        .to.include('503')
        .and.to.include(`127.0.0.1:${fake.port}`);
    }
  });
});
