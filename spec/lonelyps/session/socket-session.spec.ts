import { expect } from 'chai';
import {
  AuthenticationError,
  BrokerTimeoutError,
  ClosedError,
  ConnectionError,
  PublishUncertainError,
} from '../../../lib/core/errors.js';
import type { Clock } from '../../../lib/core/clock.js';
import type { LonelypsOptions } from '../../../lib/lonelyps/options.js';
import { FakeBroadcaster } from '../../support/fake-lonelyps/index.js';
import { resources, untilResources } from '../../support/resources.js';
import { until } from '../../support/wait.js';
import { SessionRun, exact, glob } from './session-kit.js';

const reconnect = { initialDelay: 5, maxDelay: 20, jitter: 0 };

describe('lonelyps socket session', () => {
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
    const run = new SessionRun({ broadcasters: fake.socketUrl, reconnect, ...options }, clock);
    runs.push(run);
    return run;
  }

  it('connects, subscribes, receives and publishes', async () => {
    const run = make();
    run.session.want(exact('foo'));
    run.session.want(glob('a/*'));
    run.session.want(exact('foo'));
    await run.connect();
    await run.session.settled();
    expect(run.told).to.deep.equal(['located', 'connected']);
    expect(run.session.handler).to.equal(undefined);
    await run.outlet();
    expect(await run.publish('foo', 'hello')).to.include({ kind: 'confirmed', notified: 1, mayBeDuplicate: false });
    await until(() => run.arrivals.length === 1, { every: 2 });
    // the other one is the topic that shows that they are in place
    expect((await fake.connection()).messagesOf('subscribeExact')).to.have.length(2);
    expect((await fake.connection()).subscribed.size).to.equal(2);
  });

  it('never subscribes or unsubscribes twice, however fast minds change', async () => {
    const run = make();
    await run.connect();
    const connection = await fake.connection();
    for (let round = 0; round < 20; round++) {
      run.session.want(exact('foo'));
      if (round % 3 === 0) await Promise.resolve();
      run.session.unwant(exact('foo'));
      if (round % 4 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    run.session.want(exact('foo'));
    await run.session.settled();
    await until(() => connection.subscribed.size === 1, { every: 2 });
    expect(connection.faults).to.deep.equal([]);
    expect(run.told).to.deep.equal(['located', 'connected']);
    run.session.unwant(exact('foo'));
    await until(() => connection.subscribed.size === 0, { every: 2 });
  });

  it('subscribes again when the connection was lost, before it says that it is well', async () => {
    const run = make();
    run.session.want(exact('foo'));
    run.session.want(glob('b*'));
    await run.connect();
    run.session.want(exact('gone'));
    await run.session.settled();
    run.session.unwant(exact('gone'));
    fake.cut();
    await run.until('connected again');
    expect(run.told).to.deep.equal(['located', 'connected', 'interrupted', 'located', 'connected again']);
    const second = await fake.connection(2);
    expect(second.subscribed.size).to.equal(2);
    expect(run.lapses).to.equal(1);
    await run.outlet();
    expect(await run.publish('foo', 'x')).to.include({ kind: 'confirmed', notified: 1 });
  });

  it('tells of a loss that the broadcaster tells of, and stays subscribed', async () => {
    const run = make();
    run.session.want(exact('foo'));
    await run.connect();
    (await fake.connection()).missed('foo');
    await until(() => run.misses.length === 1, { every: 2 });
    run.session.repair();
    expect(run.misses).to.deep.equal(['foo']);
    expect(fake.connections).to.have.length(1);
  });

  describe('publishing beside subscriptions', () => {
    it('has a connection of its own, made when it is wanted, whichever comes first', async () => {
      const first = make();
      first.session.want(exact('foo'));
      await first.connect();
      await first.session.settled();
      expect(first.session.writable).to.equal(false);
      expect(fake.connections).to.have.length(1);
      await first.outlet();
      expect(fake.connections).to.have.length(2);
      expect(fake.connections.map(({ subscribed }) => subscribed.size)).to.deep.equal([1, 0]);

      const second = make();
      await second.connect();
      await second.outlet();
      expect(fake.connections).to.have.length(3);
      second.session.want(exact('foo'));
      await second.session.settled();
      expect(fake.connections.map(({ subscribed }) => subscribed.size)).to.deep.equal([1, 0, 0, 1]);
      expect(await second.publish('foo', 'x')).to.include({ kind: 'confirmed', notified: 2 });
      for (const { told } of [first, second]) {
        expect(told.filter((each) => each !== 'drained')).to.deep.equal(['located', 'connected']);
      }
    });

    it('is lost without a loss of the subscriptions, and waits for them where these are lost', async () => {
      const run = make();
      run.session.want(exact('foo'));
      await run.connect();
      await run.outlet();
      run.told.length = 0;
      fake.sockets[1]!.destroy();
      await run.until('connected again');
      expect(run.lapses).to.equal(0);
      expect(await run.publish('foo', 'x')).to.include({ kind: 'confirmed', notified: 1 });

      run.told.length = 0;
      fake.sockets[0]!.destroy();
      await run.until('interrupted');
      expect(run.session.writable).to.equal(false);
      await run.until('connected again');
      expect(run.lapses).to.equal(1);
      expect(run.session.writable).to.equal(true);
      expect(await run.publish('foo', 'x')).to.include({ kind: 'confirmed', notified: 1 });
    });

    it('is at the same broadcaster', async () => {
      const other = await FakeBroadcaster.start();
      const broadcasters = [
        { host: fake.socketUrl, priority: 0 },
        { host: other.socketUrl, priority: 1 },
      ];
      const run = make({ broadcasters });
      run.session.want(exact('foo'));
      await run.connect();
      await run.outlet();
      expect(fake.open).to.equal(2);
      // the other connection is there still, and is left
      fake.upgrade = 404;
      fake.sockets[0]!.destroy();
      await run.until('connected again');
      await run.outlet();
      expect(await run.publish('foo', 'x')).to.include({ kind: 'confirmed', notified: 1 });
      expect(other.open).to.equal(2);
      await until(() => fake.open === 0);
      await run.session.close(1_000);
      await other.stop();
    });

    it('ends with the other one where nothing is connected again, and both begin anew', async () => {
      const run = make({ reconnect: false });
      run.session.want(exact('foo'));
      await run.connect();
      await run.outlet();
      fake.sockets[1]!.destroy();
      await run.until('failed');
      await until(() => fake.open === 0);
      run.told.length = 0;
      await run.connect();
      await run.session.settled();
      await run.outlet();
      expect(await run.publish('foo', 'x')).to.include({ kind: 'confirmed', notified: 1 });
    });
  });

  describe('notify', () => {
    it('is uncertain where the connection goes before the answer', async () => {
      const run = make();
      await run.connect();
      fake.on('notify', () => {
        fake.cut();
      });
      const { kind, error } = await run.publish('foo', 'x');
      expect(kind).to.equal('uncertain');
      expect(error).to.be.instanceOf(PublishUncertainError);
      await run.until('connected again');
    });

    it('is sent again on the next connection where it may arrive twice', async () => {
      const run = make();
      await run.connect();
      let cuts = 0;
      fake.on('notify', (message, connection) => {
        if (++cuts < 3) fake.cut();
        else connection.serve(message);
      });
      expect(await run.publish('foo', 'x', true)).to.include({ kind: 'confirmed', mayBeDuplicate: true });
      expect(cuts).to.equal(3);
      fake.off('notify');
      expect(await run.publish('foo', 'x', true)).to.include({ kind: 'confirmed', mayBeDuplicate: false });
    });

    it('is not written while there is no connection', async () => {
      const run = make();
      expect(run.session.writable).to.equal(false);
      expect((await run.publish('foo', 'x')).kind).to.equal('unwritten');
      await run.connect();
      await fake.deafen();
      await run.until('interrupted');
      expect((await run.publish('foo', 'x')).kind).to.equal('unwritten');
    });

    it('is uncertain where no other connection is made', async () => {
      for (const options of [{ reconnect: false }, { reconnect: { ...reconnect, maxAttempts: 2 } }] as const) {
        const run = make(options);
        await run.connect();
        fake.on('notify', () => {
          void fake.deafen();
        });
        expect((await run.publish('foo', 'x', true)).kind).to.equal('uncertain');
        await run.until('failed');
        fake.off('notify');
        await until(() => fake.open === 0);
        await fake.listen();
        run.told.length = 0;
        await run.connect();
      }
    });
  });

  describe('connecting', () => {
    it('fails, and can be started again', async () => {
      const run = make({ broadcasters: 'ws://127.0.0.1:1' });
      const error = await run.fail();
      expect(error).to.be.instanceOf(ConnectionError);
      expect(run.told).to.deep.equal(['failed']);
      await fake.deafen();
      const later = make();
      await later.fail();
      await fake.listen();
      await later.connect();
    });

    it('is not tried again where the broadcaster does not accept us', async () => {
      const auth = { toBroadcaster: { type: 'token', token: 'right' } } as const;
      const strict = await FakeBroadcaster.start({ auth });
      const wrong = { toBroadcaster: { type: 'token', token: 'wrong' } } as const;
      const run = make({ broadcasters: strict.socketUrl, auth: wrong, reconnect: { ...reconnect, initial: true } });
      expect(await run.fail()).to.be.instanceOf(AuthenticationError);
      await make({ broadcasters: strict.socketUrl, auth: Promise.resolve(auth) }).connect();
      await Promise.all(runs.map(({ session }) => session.close(1_000)));
      await strict.stop();
    });

    it('takes connectTimeout at most', async () => {
      fake.upgrade = 'hang';
      expect(await make({ connectTimeout: 50 }).fail()).to.be.instanceOf(BrokerTimeoutError);
    });

    it('goes on to the next broadcaster when the first is away, hangs, or is lost', async () => {
      const other = await FakeBroadcaster.start();
      other.upgrade = 'hang';
      const broadcasters = [
        { host: 'ws://127.0.0.1:1', priority: 0 },
        { host: other.socketUrl, priority: 1 },
        { host: fake.socketUrl, priority: 2 },
      ];
      const run = make({ broadcasters, connectTimeout: 200 });
      run.session.want(exact('foo'));
      await run.connect();
      expect(fake.connections).to.have.length(1);
      other.upgrade = 'accept';
      await fake.deafen();
      await run.until('connected again');
      expect(other.connections.at(-1)?.subscribed.size).to.equal(1);
      await run.session.close(1_000);
      await other.stop();
    });
  });

  describe('closing', () => {
    it('waits for what is unconfirmed, and is told nothing any more', async () => {
      const run = make();
      run.session.want(exact('foo'));
      await run.connect();
      await run.outlet();
      let confirm: () => void = () => undefined;
      fake.on('notify', (message, connection) => {
        confirm = () => {
          connection.serve(message);
        };
      });
      const outcome = run.publish('bar', 'x');
      await (await fake.connection(2)).message('notify');
      const closed = run.session.close(1_000);
      confirm();
      expect((await outcome).kind).to.equal('confirmed');
      await closed;
      expect(run.told).to.deep.equal(['located', 'connected', 'drained']);
      await run.session.settled();
      const late = await run.publish('bar', 'x');
      expect(late.kind).to.equal('refused');
      expect(late.error).to.be.instanceOf(ClosedError);
    });

    it('has an end; what is unconfirmed is uncertain then', async () => {
      const run = make();
      await run.connect();
      fake.on('notify', () => undefined);
      const outcome = run.publish('bar', 'x', true);
      await (await fake.connection()).message('notify');
      await run.session.close(30);
      expect((await outcome).kind).to.equal('uncertain');
    });

    it('works before it began, while it connects, and while it waits', async () => {
      await make().session.close(100);
      fake.upgrade = 'hang';
      const connecting = make();
      connecting.session.start();
      await until(() => fake.sockets.length > 0, { every: 2 });
      await connecting.session.close(100);
      fake.upgrade = 'accept';
      const waiting = make({ reconnect: { ...reconnect, initialDelay: 60_000, maxDelay: 60_000 } });
      await waiting.connect();
      await fake.deafen();
      await waiting.until('interrupted');
      await waiting.session.close(100);
      expect(connecting.told).to.deep.equal([]);
    });
  });
});
