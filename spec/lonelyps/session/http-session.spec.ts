import { createServer } from 'node:http';
import { expect } from 'chai';
import {
  AuthenticationError,
  BrokerTimeoutError,
  ClosedError,
  ConnectionError,
  InUseError,
  InvalidOptionError,
  ProtocolError,
  PublishError,
  PublishUncertainError,
} from '../../../lib/core/errors.js';
import type { Clock } from '../../../lib/core/clock.js';
import { silent } from '../../../lib/core/logger.js';
import { httpPaths } from '../../../lib/lonelyps/codec/http-requests.js';
import type { LonelypsOptions } from '../../../lib/lonelyps/options.js';
import { FakeBroadcaster, contentOf, type FakeAnswer } from '../../support/fake-lonelyps/index.js';
import { ManualClock } from '../../support/manual-clock.js';
import { freePort } from '../../support/ports.js';
import { resources, untilResources } from '../../support/resources.js';
import { until } from '../../support/wait.js';
import { SessionRun, exact, glob, passUntil, type Outcome } from './session-kit.js';

const reconnect = { initialDelay: 5, maxDelay: 20, jitter: 0 };

describe('lonelyps http session', () => {
  let fake: FakeBroadcaster;
  let before: Record<string, number>;
  let runs: SessionRun[];

  beforeEach(async () => {
    // from here on mocha's own timer is among them
    await Promise.resolve();
    before = resources();
    fake = await FakeBroadcaster.start();
    runs = [];
  });

  afterEach(async () => {
    await Promise.all(runs.map((run) => run.session.close(1_000)));
    await fake.stop();
    await untilResources(before);
  });

  function make(options: Partial<LonelypsOptions> = {}, clock?: Clock): SessionRun {
    const run = new SessionRun(
      { broadcasters: fake.url, receive: { listen: {} }, reconnect, retries: 1, ...options },
      clock,
    );
    runs.push(run);
    return run;
  }

  /** The topics and globs that the broadcaster has. */
  function registered(at = fake): string[] {
    return at.registrations
      .list()
      .map(({ pattern }) => ('topic' in pattern ? `=${new TextDecoder().decode(pattern.topic)}` : `*${pattern.glob}`))
      .sort();
  }

  it('connects, subscribes, receives and publishes', async () => {
    const run = make();
    run.session.want(exact('foo'));
    run.session.want(glob('a/*'));
    expect(run.session.up).to.equal(false);
    await run.connect();
    await run.session.settled();
    expect(run.told).to.deep.equal(['located', 'connected']);
    expect(registered()).to.deep.equal(['*a/*', '=foo']);
    const [{ url, recovery } = { url: '', recovery: '' }] = fake.registrations.list();
    expect(url).to.match(/^http:\/\/127\.0\.0\.1:\d+\/v1\/receive$/);
    expect(recovery).to.equal(url.replace('receive', 'recover'));
    const outcome = await run.publish('foo', 'hello');
    expect(outcome).to.include({ kind: 'confirmed', notified: 1, mayBeDuplicate: false });
    expect(outcome.id).to.match(/^[0-9a-f]{16}$/);
    expect(run.arrivals.map(({ body }) => body.length)).to.deep.equal([5]);
  });

  it('publishes without receiving', async () => {
    const run = make({ receive: undefined });
    await run.connect();
    expect(await run.publish('foo', '')).to.include({ kind: 'confirmed', notified: 0 });
    await run.session.settled();
    await run.session.close(1_000);
    expect(fake.requestsOf(httpPaths.set)).to.have.length(0);
  });

  for (const type of ['token', 'hmac'] as const) {
    it(`authorizes itself with ${type}, and verifies`, async () => {
      const side = (fill: number) =>
        type === 'token' ? { type, token: `t${fill}` } : { type, secret: new Uint8Array(64).fill(fill) };
      const auth = { toBroadcaster: side(1), toSubscriber: side(2) };
      const strict = await FakeBroadcaster.start({ auth });
      const run = make({ broadcasters: strict.url, auth: Promise.resolve(auth) });
      run.session.want(exact('foo'));
      await run.connect();
      await run.session.settled();
      expect(await run.publish('foo', 'x')).to.include({ kind: 'confirmed', notified: 1 });
      const wrong = make({ broadcasters: strict.url, auth: { ...auth, toBroadcaster: side(3) } });
      const error = await wrong.fail();
      expect(error).to.be.instanceOf(AuthenticationError);
      expect(error.message).to.match(/403.*auth\.toBroadcaster/);
      const deceived = await make({ broadcasters: strict.url, auth: { ...auth, toSubscriber: side(3) } }).fail();
      expect(deceived).to.be.instanceOf(AuthenticationError);
      expect(deceived.message).to.match(/auth\.toSubscriber/);
      await Promise.all(runs.map(({ session }) => session.close(1_000)));
      await strict.stop();
    });
  }

  it('fails with what the promise of auth was rejected with, or resolved to', async () => {
    const own = new InvalidOptionError('no such file');
    expect(await make({ auth: Promise.reject(own) }).fail()).to.equal(own);
    const other = await make({ auth: Promise.reject(new Error('boom')) }).fail();
    expect(other).to.be.instanceOf(AuthenticationError);
    const wrong = make({ auth: Promise.resolve({ toBroadcaster: { type: 'token', token: '' } }) });
    expect(await wrong.fail()).to.be.instanceOf(InvalidOptionError);
  });

  it('leaves nothing behind where it cannot connect, and can be started again', async () => {
    const port = await freePort();
    const run = make({ receive: { listen: { port } }, broadcasters: 'http://127.0.0.1:1' });
    const error = await run.fail();
    expect(error).to.be.instanceOf(ConnectionError);
    expect(run.told).to.deep.equal(['failed']);
    const server = createServer();
    // a port in use is an error of its own
    await until(
      () =>
        new Promise<boolean>((resolve) => {
          server.once('error', () => {
            resolve(false);
          });
          server.listen(port, '127.0.0.1', () => {
            resolve(true);
          });
        }),
    );
    const taken = make({ receive: { listen: { port } } });
    expect(await taken.fail()).to.be.instanceOf(InUseError);
    await new Promise((resolve) => server.close(resolve));
    taken.told.length = 0;
    await taken.connect();
  });

  it('gives up connecting after connectTimeout, and with reconnect.initial does not', async () => {
    fake.always(httpPaths.check, 'hang');
    const error = await make({ connectTimeout: 60 }).fail();
    expect(error).to.be.instanceOf(BrokerTimeoutError);
    expect(error.message)
      .to.include(fake.url)
      .and.match(/within 60 ms \(connectTimeout\)/);
    const patient = make({ connectTimeout: 60, reconnect: { ...reconnect, initial: true } });
    patient.session.start();
    await fake.request(httpPaths.check, 3);
    fake.always(httpPaths.check, 'ok');
    await patient.until('connected');
    expect(patient.told).to.deep.equal(['located', 'connected']);
  });

  it('says what has failed where the time is over before the next attempt', async () => {
    const port = await freePort();
    const broadcasters = `http://127.0.0.1:${port}`;
    const clock = new ManualClock();
    let hasFailed = false;
    const debug = (said: string): void => {
      hasFailed ||= said.includes(`an attempt at ${broadcasters} has failed`);
    };
    const run = make({ broadcasters, connectTimeout: 500, retries: 2, logger: { ...silent, debug } }, clock);
    const failing = run.fail();
    await until(() => hasFailed);
    await clock.pass(500);
    const error = await failing;
    expect(error).to.be.instanceOf(BrokerTimeoutError);
    expect(error.cause).to.be.instanceOf(ConnectionError);
    expect(error.message)
      .to.match(/within 500 ms \(connectTimeout\); the last attempt: /)
      .and.include('ECONNREFUSED')
      .and.not.include('firewall');
  });

  it('takes a server that is no broadcaster for one that is none', async () => {
    fake.script(httpPaths.check, { body: new TextEncoder().encode('<html>') });
    expect(await make().fail()).to.be.instanceOf(ProtocolError);
    fake.script(httpPaths.check, 404);
    expect((await make().fail()).message).to.match(/404.*check the address/);
  });

  it('sets a list in the order of its bytes', async () => {
    const run = make();
    for (const topic of ['\u{10000}', '\uffff', 'z', 'a']) run.session.want(exact(topic));
    await run.connect();
    await run.session.settled();
    const content = contentOf(await fake.request(httpPaths.set));
    if (content?.kind !== 'set') throw new Error('no list');
    expect(content.exact.map(({ topic }) => new TextDecoder().decode(topic))).to.deep.equal([
      'a',
      'z',
      '\uffff',
      '\u{10000}',
    ]);
  });

  it('takes changes of a turn together, and changes meanwhile', async () => {
    const run = make();
    await run.connect();
    run.session.want(exact('a'));
    run.session.want(exact('b'));
    await run.session.settled();
    expect(fake.requestsOf(httpPaths.set)).to.have.length(1);
    let release: () => void = () => undefined;
    fake.script(httpPaths.set, async (): Promise<FakeAnswer> => {
      await new Promise<void>((resolve) => (release = resolve));
      return 'ok';
    });
    run.session.want(exact('c'));
    await fake.request(httpPaths.set, 2);
    run.session.unwant(exact('a'));
    run.session.want(exact('d'));
    const settled = run.session.settled();
    release();
    await settled;
    expect(registered()).to.deep.equal(['=b', '=c', '=d']);
    expect(fake.requestsOf(httpPaths.set)).to.have.length(3);
    expect(run.told).to.deep.equal(['located', 'connected']);
  });

  it('changes one of many alone; 409 is as good', async () => {
    const run = make();
    for (let n = 0; n < 600; n++) run.session.want(exact(`t${n}`));
    await run.connect();
    await run.session.settled();
    fake.script(httpPaths.subscribeGlob, 409);
    fake.script(httpPaths.unsubscribeExact, 409);
    run.session.want(glob('g/*'));
    await run.session.settled();
    run.session.unwant(exact('t0'));
    await fake.request(httpPaths.unsubscribeExact);
    expect(fake.requestsOf(httpPaths.set)).to.have.length(1);
    expect(run.faults).to.deep.equal([]);
  });

  it('keeps what the broadcaster has already, and replaces rows with another recovery URL', async () => {
    const port = await freePort();
    const receive = { listen: { port } };
    const url = `http://127.0.0.1:${port}/v1/receive`;
    const topic = new TextEncoder().encode('a');
    fake.registrations.add({ url, pattern: { topic }, recovery: undefined });
    const run = make({ receive });
    run.session.want(exact('a'));
    await run.connect();
    await run.session.settled();
    expect(fake.registrations.list()[0]?.recovery).to.equal(`http://127.0.0.1:${port}/v1/recover`);
    const lists = fake.requestsOf(httpPaths.set).map((request) => {
      const content = contentOf(request);
      return content?.kind === 'set' ? content.exact.length : -1;
    });
    expect(lists).to.deep.equal([1, 0, 1]);
    expect(run.faults).to.deep.equal([]);
  });

  describe('notify', () => {
    const reply = (body: string) => ({ body: new TextEncoder().encode(body) });

    async function publish(answers: Parameters<FakeBroadcaster['script']>, resend = false): Promise<Outcome> {
      const clock = new ManualClock();
      const run = make({ receive: undefined, retries: 3, totalTimeout: 200 }, clock);
      await run.connect();
      fake.script(...answers);
      let outcome: Outcome | undefined;
      void run.publish('foo', 'hello', resend).then((it) => (outcome = it));
      await passUntil(clock, 1_000, () => outcome, 'the outcome');
      return outcome!;
    }

    it('is tried again after 503, with all of its body and another identifier', async () => {
      expect(await publish([httpPaths.notify, 503, 502, 'ok'])).to.include({
        kind: 'confirmed',
        mayBeDuplicate: false,
      });
      const contents = fake.requestsOf(httpPaths.notify).map((request) => contentOf(request));
      const heads = contents.map((content) => (content?.kind === 'notify' ? content : undefined)!);
      expect(heads.map(({ message }) => Buffer.from(message).toString())).to.deep.equal(['hello', 'hello', 'hello']);
      expect(new Set(heads.map(({ identifier }) => Buffer.from(identifier).toString('hex'))).size).to.equal(3);
    });

    it('is refused after 502 in every pass', async () => {
      const { kind, error } = await publish([httpPaths.notify, 502, 502, 502]);
      expect(kind).to.equal('refused');
      expect(error).to.be.instanceOf(PublishError);
      expect(error).to.include({ retriable: true });
      expect(error?.detail).to.include({ status: 502 });
    });

    for (const status of [400, 500, 404, 302]) {
      it(`is refused at once with ${status}`, async () => {
        const { kind, error } = await publish([httpPaths.notify, status]);
        expect(kind).to.equal('refused');
        expect(error).to.be.instanceOf(PublishError);
        expect(error).to.include({ retriable: false });
        expect(fake.requestsOf(httpPaths.notify)).to.have.length(1);
      });
    }

    it('is refused at once with 401 and 403', async () => {
      expect((await publish([httpPaths.notify, 401])).error).to.be.instanceOf(AuthenticationError);
      expect((await publish([httpPaths.notify, 403])).kind).to.equal('refused');
    });

    for (const [name, answer] of [
      ['a reset', 'reset'],
      ['silence', 'hang'],
      ['garbage', reply('garbage')],
      ['the answer to another', { identifier: Uint8Array.of(1, 2) }],
    ] as const) {
      it(`is uncertain after ${name}`, async () => {
        const { kind, error } = await publish([httpPaths.notify, answer]);
        expect(kind).to.equal('uncertain');
        expect(error).to.be.instanceOf(PublishUncertainError);
        expect(fake.requestsOf(httpPaths.notify)).to.have.length(1);
      });

      it(`is sent again after ${name} where it may arrive twice`, async () => {
        expect(await publish([httpPaths.notify, answer], true)).to.include({ kind: 'confirmed', mayBeDuplicate: true });
        expect(fake.requestsOf(httpPaths.notify)).to.have.length(2);
      });
    }

    it('is uncertain where one attempt was, though the others were refused', async () => {
      expect((await publish([httpPaths.notify, 'reset', 503, 503], true)).kind).to.equal('uncertain');
    });

    it('runs side by side up to connections for a topic, and a quarter more for others', async () => {
      const run = make({ connections: 2, receive: undefined });
      await run.connect();
      const release: (() => void)[] = [];
      fake.always(httpPaths.notify, async (): Promise<FakeAnswer> => {
        await new Promise<void>((resolve) => release.push(resolve));
        return 'ok';
      });
      const outcomes = [run.publish('a', '1')];
      expect(run.session.hasRoom('a')).to.equal(true);
      outcomes.push(run.publish('a', '2'));
      expect(['a', 'b'].map((topic) => run.session.hasRoom(topic))).to.deep.equal([false, true]);
      outcomes.push(run.publish('b', '3'));
      expect(run.session.writable).to.equal(false);
      await until(() => release.length === 3);
      release[2]?.();
      await outcomes[2];
      expect(run.told.at(-1)).to.equal('drained');
      expect(['a', 'b'].map((topic) => run.session.hasRoom(topic))).to.deep.equal([false, true]);
      release[0]?.();
      await outcomes[0];
      expect(run.session.hasRoom('a')).to.equal(true);
      release[1]?.();
      await outcomes[1];
      expect(run.told.filter((told) => told === 'drained')).to.have.length(2);
    });
  });

  it('uses another broadcaster where the first is away', async () => {
    const broadcasters = [{ host: 'http://127.0.0.1:1', priority: 0 }, fake.url];
    const run = make({ broadcasters });
    run.session.want(exact('foo'));
    await run.connect();
    await run.session.settled();
    expect(await run.publish('foo', 'x')).to.include({ kind: 'confirmed', notified: 1, mayBeDuplicate: false });
  });

  it('waits for broadcasters that went away, and sets what they have forgotten', async () => {
    const run = make();
    run.session.want(exact('foo'));
    await run.connect();
    await run.session.settled();
    await fake.deafen();
    fake.registrations.clear();
    expect((await run.publish('foo', 'x')).kind).to.equal('unwritten');
    expect(run.session.up).to.equal(false);
    expect(run.session.writable).to.equal(false);
    expect((await run.publish('foo', 'x')).kind).to.equal('unwritten');
    await fake.listen();
    await run.until('connected again');
    expect(run.told).to.deep.equal(['located', 'connected', 'interrupted', 'located', 'connected again']);
    expect(registered()).to.deep.equal(['=foo']);
    expect(await run.publish('foo', 'x')).to.include({ kind: 'confirmed', notified: 1 });
  });

  it('gives up after reconnect.maxAttempts, or at once without reconnect', async () => {
    const some = make({ reconnect: { ...reconnect, maxAttempts: 2 } });
    const none = make({ reconnect: false, receive: undefined });
    await Promise.all([some.connect(), none.connect()]);
    await fake.deafen();
    await Promise.all([some.publish('a', 'x'), none.publish('a', 'x')]);
    await Promise.all([some.until('failed'), none.until('failed')]);
    expect(some.failure?.message).to.match(/in 2 attempts/);
    await fake.listen();
    some.told.length = 0;
    await some.connect();
  });

  it('sets its list again 1.5 s after the last word of a loss', async () => {
    const clock = new ManualClock();
    const run = make({}, clock);
    run.session.want(exact('foo'));
    await run.connect();
    await run.session.settled();
    for (let n = 0; n < 20; n++) await fake.missed('foo');
    expect(run.misses).to.have.length(20);
    fake.registrations.clear();
    await clock.pass(1_499);
    expect(fake.requestsOf(httpPaths.set)).to.have.length(1);
    await passUntil(clock, 1, () => registered().length > 0, 'the list');
    expect(fake.requestsOf(httpPaths.set)).to.have.length(2);
    expect(run.told).to.deep.equal(['located', 'connected']);
  });

  it('compares its list every checkInterval, and tells where it had gone', async () => {
    const clock = new ManualClock();
    const run = make({ checkInterval: 60_000 }, clock);
    run.session.want(exact('foo'));
    await run.connect();
    await run.session.settled();
    await passUntil(clock, 30_000, () => fake.requestsOf(httpPaths.check).length > 3, 'a check');
    expect(fake.requestsOf(httpPaths.set)).to.have.length(1);
    fake.registrations.clear();
    await passUntil(clock, 30_000, () => run.told.includes('connected again'), 'a repair');
    expect(run.told).to.deep.equal(['located', 'connected', 'interrupted', 'connected again']);
    expect(registered()).to.deep.equal(['=foo']);
  });

  it('tries again to subscribe while that is refused', async () => {
    const run = make();
    await run.connect();
    fake.script(httpPaths.set, 503, 500);
    run.session.want(exact('foo'));
    await run.session.settled();
    await run.until('connected again');
    expect(registered()).to.deep.equal(['=foo']);
    expect(run.causes[0]?.message).to.match(/503/);
  });

  it('says so where the broadcaster keeps another list than it was given', async () => {
    const clock = new ManualClock();
    const run = make({}, clock);
    await run.connect();
    fake.always(httpPaths.check, { etag: new Uint8Array(64) });
    run.session.repair();
    await passUntil(clock, 500, () => run.faults.length > 0, 'a fault');
    expect(run.faults[0]).to.be.instanceOf(ProtocolError);
    expect(run.faults[0]?.message).to.match(/receive\.host/);
  });

  describe('closing', () => {
    it('takes back what was subscribed, and refuses what still comes', async () => {
      const run = make();
      run.session.want(exact('foo'));
      await run.connect();
      await run.session.settled();
      run.accepts = false;
      const delivered = fake.deliver('foo', 'in flight');
      await until(() => run.arrivals.length === 1, { every: 2 });
      let refused = 0;
      fake.script(httpPaths.set, async (): Promise<FakeAnswer> => {
        const results = await fake.deliver('foo', 'late');
        refused = results[0]?.status ?? 0;
        return 'ok';
      });
      const closed = run.session.close(1_000);
      await until(() => refused > 0, { every: 2 });
      run.arrivals[0]?.refuse();
      await closed;
      expect(refused).to.equal(503);
      expect((await delivered)[0]?.status).to.equal(503);
      expect(registered()).to.deep.equal([]);
      expect(run.session.close(1)).to.equal(run.session.close(1));
      await run.session.settled();
    });

    it('has an end where the broadcaster does not answer', async () => {
      const run = make();
      run.session.want(exact('foo'));
      await run.connect();
      await run.session.settled();
      fake.always('*', 'hang');
      const outcome = run.publish('foo', 'x');
      await fake.request(httpPaths.notify);
      await run.session.close(50);
      expect((await outcome).kind).to.equal('uncertain');
      const late = await run.publish('foo', 'x');
      expect(late.kind).to.equal('refused');
      expect(late.error).to.be.instanceOf(ClosedError);
    });

    it('waits for a list that is being set before it empties it', async () => {
      const run = make();
      await run.connect();
      let release: () => void = () => undefined;
      fake.script(httpPaths.set, async (): Promise<FakeAnswer> => {
        await new Promise<void>((resolve) => (release = resolve));
        return 'ok';
      });
      run.session.want(exact('foo'));
      await fake.request(httpPaths.set);
      const closed = run.session.close(1_000);
      release();
      await closed;
      expect(fake.requestsOf(httpPaths.set)).to.have.length(2);
      expect(registered()).to.deep.equal([]);
    });

    it('leaves no timer for a list that was set a moment before', async () => {
      const clock = new ManualClock();
      const run = make({}, clock);
      run.session.want(exact('foo'));
      run.session.start();
      await passUntil(clock, 1, () => run.told.includes('connected'), 'the connection');
      let release: (() => void) | undefined;
      fake.script(httpPaths.check, async (): Promise<FakeAnswer> => {
        await new Promise<void>((resolve) => (release = resolve));
        return 'ok';
      });
      run.session.repair();
      await passUntil(clock, 1_500, () => release !== undefined, 'the list to be set again, and looked at');
      const closed = run.session.close(1_000);
      release!();
      await closed;
      expect(registered()).to.deep.equal([]);
      expect(clock.size).to.equal(0);
    });

    it('works before it began, and while it connects', async () => {
      await make().session.close(100);
      fake.always(httpPaths.check, 'hang');
      const run = make();
      run.session.start();
      await fake.request(httpPaths.check);
      await run.session.close(100);
      expect(run.told).to.deep.equal([]);
    });
  });

  describe('with a handler', () => {
    it('answers before it is connected, and receives afterwards', async () => {
      const server = createServer();
      const port = await freePort();
      const run = make({ receive: { handler: true, host: `http://127.0.0.1:${port}/hooks` } });
      const { handler } = run.session;
      server.on('request', (request, response) => handler?.(request, response));
      await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
      const url = `http://127.0.0.1:${port}/hooks/v1/receive`;
      expect((await fake.post({ kind: 'receive', url, topic: 'a', message: 'x' })).status).to.equal(503);
      const elsewhere = `http://127.0.0.1:${port}/v1/receive`;
      expect((await fake.post({ kind: 'receive', url: elsewhere, topic: 'a', message: 'x' })).status).to.equal(404);
      run.session.want(exact('a'));
      await run.connect();
      await run.session.settled();
      expect(await run.publish('a', 'x')).to.include({ kind: 'confirmed', notified: 1 });
      await run.session.close(1_000);
      expect((await fake.post({ kind: 'receive', url, topic: 'a', message: 'x' })).status).to.equal(503);
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    });
  });
});
