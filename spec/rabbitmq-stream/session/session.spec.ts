import { expect } from 'chai';
import {
  AuthenticationError,
  BrokerTimeoutError,
  ConnectionError,
  ProtocolError,
  StreamUnavailableError,
} from '../../../lib/core/errors.js';
import { keys } from '../../../lib/rabbitmq-stream/codec/keys.js';
import { failureOf, FakePublisher, node, refused, Watched } from './session-kit.js';
import { settled } from '../../support/manual-clock.js';

const fast = { initialDelay: 100, maxDelay: 1000, factor: 2, jitter: 0 };
const badPassword = new AuthenticationError('wrong password');
const badCertificate = new ConnectionError('its certificate has expired', { retriable: false });

describe('Session of RabbitMQ Streams: the locator', () => {
  let watched: Watched;
  afterEach(() => watched.close());

  it('connects to a seed when it is started, and not before', async () => {
    watched = new Watched({ host: 'a' });
    await settled();
    expect(watched.cluster.dialed).to.deep.equal([]);
    expect(watched.session.up).to.equal(false);
    watched.session.start();
    watched.session.start();
    expect(watched.story).to.deep.equal([]);
    await settled();
    expect(watched.story).to.deep.equal(['located', 'connected false']);
    expect(watched.session.up).to.equal(true);
    expect(watched.cluster.dialed).to.deep.equal(['a:5552']);
    expect(watched.cluster.locator.name).to.equal('rx-weir-locator');
  });

  it('gives the connection what the options say', async () => {
    watched = await new Watched({
      url: 'rabbitmq-stream+tls://me:secret@a:1000/orders',
      tls: { servername: 'x' },
      frameMax: 5000,
      heartbeat: 1500,
      connectTimeout: 300,
      requestTimeout: 200,
      connectionName: 'app',
    }).started();
    const { options } = watched.cluster.locator;
    expect(options).to.deep.include({
      host: 'a',
      port: 1000,
      sasl: 'plain',
      username: 'me',
      password: 'secret',
      vhost: 'orders',
      frameMax: 5000,
      heartbeat: 2000,
      connectTimeout: 300,
      requestTimeout: 200,
      tls: { servername: 'x' },
    });
    expect(options.maxFrame).to.equal(128 * 1024 * 1024);
    expect(options.properties).to.include({ connection_name: 'app-locator', product: 'rx-weir' });
  });

  it('tries the seeds in turn', async () => {
    watched = new Watched({ host: ['a', 'b', 'c'] });
    watched.cluster.refuse('a:5552');
    watched.cluster.refuse('c:5552');
    await watched.started();
    expect(watched.cluster.locator.remote).to.deep.equal(node('b'));
  });

  it('begins with any of the seeds', async () => {
    const first = new Set<string>();
    for (let round = 0; round < 50 && first.size < 2; round++) {
      watched = await new Watched({ host: ['a', 'b'] }).started();
      first.add(watched.cluster.dialed[0] as string);
      if (first.size < 2) await watched.close();
    }
    expect([...first].sort()).to.deep.equal(['a:5552', 'b:5552']);
  });

  it('fails at the first connect, and can be started anew', async () => {
    watched = new Watched({ host: 'a' });
    const { session, cluster } = watched;
    cluster.refuse('a:5552');
    session.start();
    const waiting = failureOf(session.placement('s'));
    expect((await waiting).message).to.equal('nobody listens at a:5552');
    expect(watched.story).to.deep.equal(['failed CONNECTION']);
    // what comes after it is told the same
    expect((await failureOf(session.placement('s'))).message).to.equal('nobody listens at a:5552');
    cluster.accept('a:5552');
    session.start();
    await settled();
    expect(watched.story).to.deep.equal(['failed CONNECTION', 'located', 'connected false']);
  });

  it('tells of all seeds where none can be connected to', async () => {
    watched = new Watched({ host: ['a', 'b'] });
    watched.cluster.refuse('a:5552');
    watched.cluster.refuse('b:5552', badCertificate);
    watched.session.start();
    await settled();
    const [error] = watched.errors;
    expect(error!.message).to.match(/^none of the 2 addresses could be connected to: /);
    expect(error!.message).to.include('nobody listens at a:5552').and.include('its certificate has expired');
    expect(error!.retriable).to.equal(true);
  });

  it('does not ask further seeds where the credentials are refused', async () => {
    watched = new Watched({ host: ['a', 'b', 'c'], reconnect: { initial: true } });
    for (const seed of 'abc') watched.cluster.refuse(`${seed}:5552`, badPassword);
    watched.session.start();
    await settled();
    expect(watched.cluster.dialed).to.have.length(1);
    expect(watched.errors).to.deep.equal([badPassword]);
  });

  it('tries again from the beginning where reconnect.initial says so, but not for what is final', async () => {
    watched = new Watched({ host: 'a', reconnect: { ...fast, initial: true } });
    watched.cluster.refuse('a:5552');
    watched.session.start();
    await watched.clock.pass(100 + 200 + 400 - 1);
    expect(watched.cluster.dialed).to.have.length(3);
    watched.cluster.refuse('a:5552', badCertificate);
    await watched.clock.pass(1);
    expect(watched.story).to.deep.equal(['failed CONNECTION']);
    expect(watched.errors).to.deep.equal([badCertificate]);
  });

  it('gives up after reconnect.maxAttempts', async () => {
    watched = new Watched({ host: 'a', reconnect: { ...fast, initial: true, maxAttempts: 2 } });
    watched.cluster.refuse('a:5552');
    watched.session.start();
    await watched.clock.pass(1000);
    expect(watched.cluster.dialed).to.have.length(3);
    expect(watched.errors[0]).to.deep.include({ code: 'CONNECTION', retriable: false });
    expect(watched.errors[0]!.message).to.match(/in 2 attempts; the last: nobody listens/);
  });

  it('is made again when it is lost, for ever by default', async () => {
    watched = await new Watched({ host: 'a', reconnect: fast }).started();
    const { cluster, clock } = watched;
    cluster.refuse('a:5552');
    cluster.locator.drop();
    expect(watched.session.up).to.equal(false);
    await clock.pass(60_000);
    expect(cluster.dialed.length).to.be.greaterThan(50);
    expect(watched.story).to.deep.equal(['located', 'connected false', 'interrupted']);
    expect(watched.errors).to.deep.equal([cluster.lost]);
    cluster.accept('a:5552');
    await clock.pass(1000);
    expect(watched.story.slice(3)).to.deep.equal(['located', 'connected true']);
    // and the waits begin anew
    const before = cluster.dialed.length;
    cluster.locator.drop();
    await clock.pass(100);
    expect(cluster.dialed).to.have.length(before + 1);
    expect(watched.story.slice(5)).to.deep.equal(['interrupted', 'located', 'connected true']);
  });

  it('fails where the credentials are refused when it is lost', async () => {
    watched = await new Watched({ host: 'a', reconnect: fast }).started();
    watched.cluster.refuse('a:5552', badPassword);
    watched.cluster.locator.drop();
    await watched.clock.pass(100);
    expect(watched.story.slice(2)).to.deep.equal(['interrupted', 'failed AUTHENTICATION']);
  });

  it('takes nonsense from an address that was good for a passing trouble', async () => {
    watched = await new Watched({ host: 'a', reconnect: fast }).started();
    watched.cluster.refuse('a:5552', new ProtocolError('nonsense'));
    watched.cluster.locator.drop();
    await watched.clock.pass(100);
    watched.cluster.accept('a:5552');
    await watched.clock.pass(200);
    expect(watched.story.slice(2)).to.deep.equal(['interrupted', 'located', 'connected true']);
  });

  it('fails when it is lost, with reconnect: false', async () => {
    watched = await new Watched({ host: 'a', reconnect: false }).started();
    watched.cluster.locator.drop();
    expect(watched.story.slice(2)).to.deep.equal(['failed CONNECTION']);
    watched.session.start();
    await settled();
    expect(watched.story.slice(3)).to.deep.equal(['located', 'connected false']);
  });

  it('is not thrown off by a hook that throws', async () => {
    watched = new Watched({ host: 'a', reconnect: fast });
    watched.onHook = () => {
      throw new Error('a defect elsewhere');
    };
    watched.session.start();
    await settled();
    watched.cluster.locator.drop();
    await watched.clock.pass(100);
    expect(watched.story.join()).to.equal('located,connected false,interrupted,located,connected true');
  });

  describe('call', () => {
    it('rejects where nobody has connected', async () => {
      watched = new Watched();
      const error = await failureOf(watched.session.placement('s'));
      expect(error).to.be.instanceOf(ConnectionError);
      expect(error.message).to.match(/no connection to RabbitMQ; connect first/);
    });

    it('waits until there is a connection', async () => {
      watched = await new Watched({ host: 'a', reconnect: fast }).started();
      watched.cluster.streams.set('s', { leader: node('b') });
      watched.cluster.locator.drop();
      const placement = watched.session.placement('s');
      await watched.clock.pass(100);
      expect(await placement).to.deep.equal({ leader: node('b'), replicas: [] });
    });

    it('waits no longer than it is told to, and says why', async () => {
      watched = await new Watched({ host: 'a', reconnect: { ...fast, initialDelay: 1000 } }).started();
      watched.cluster.locator.drop();
      const asked = watched.session.locator.call(() => Promise.resolve(), { within: 500 });
      const failing = failureOf(asked);
      await watched.clock.pass(500);
      const error = await failing;
      expect(error).to.be.instanceOf(BrokerTimeoutError);
      expect(error.message).to.match(/no connection to RabbitMQ at a:5552 within 500 ms: the connection was lost/);
    });

    it('ends with its signal', async () => {
      watched = await new Watched({ host: 'a', reconnect: fast }).started();
      watched.cluster.locator.drop();
      const aborter = new AbortController();
      const reason = new Error('enough');
      const waiting = failureOf(watched.session.placement('s', aborter.signal));
      const bounded = failureOf(
        watched.session.locator.call(() => Promise.resolve(), { within: 9999, signal: aborter.signal }),
      );
      aborter.abort(reason);
      expect(await waiting).to.equal(reason);
      expect(await bounded).to.equal(reason);
      expect(await failureOf(watched.session.placement('s', aborter.signal))).to.equal(reason);
    });

    it('asks once more where the connection was lost meanwhile, unless told otherwise', async () => {
      watched = await new Watched({ host: 'a', reconnect: fast }).started();
      const { cluster, session, clock } = watched;
      cluster.streams.set('s', { leader: node('b') });
      let asked = 0;
      cluster.answers.set(keys.metadata, (link) => {
        if (++asked === 1) link.drop();
      });
      const placement = session.placement('s');
      await clock.pass(100);
      expect(await placement).to.have.property('leader');
      expect(asked).to.equal(2);
      cluster.answers.set(keys.create, (link) => {
        link.drop();
      });
      const create = (repeat: boolean): Promise<unknown> =>
        failureOf(
          session.locator.call(
            (connection) =>
              connection.request(
                keys.create,
                () => new Uint8Array(),
                () => undefined,
                { action: '' },
              ),
            { repeat },
          ),
        );
      expect(await create(false)).to.equal(cluster.lost);
      expect(cluster.links.flatMap((link) => link.asked).filter((key) => key === keys.create)).to.have.length(1);
      const twice = create(true);
      await clock.pass(1000);
      expect(await twice).to.equal(cluster.lost);
      expect(cluster.links.flatMap((link) => link.asked).filter((key) => key === keys.create)).to.have.length(3);
      await clock.pass(1000);
    });

    it('passes on what the broker answers', async () => {
      watched = await new Watched().started();
      const { session, cluster } = watched;
      cluster.streams.set('electing', { code: 6 });
      cluster.streams.set('secret', { code: 16 });
      cluster.streams.set('headless', { replicas: [node('b')] });
      expect(await failureOf(session.placement('none'))).to.deep.include({
        code: 'STREAM_NOT_FOUND',
        retriable: false,
      });
      expect(await failureOf(session.placement('electing'))).to.deep.include({
        code: 'STREAM_UNAVAILABLE',
        retriable: true,
      });
      expect(await failureOf(session.placement('secret'))).to.deep.include({ code: 'AUTHORIZATION' });
      expect(await session.placement('headless')).to.deep.equal({ leader: undefined, replicas: [node('b')] });
      cluster.answers.set(keys.partitions, () => ['s-0', 's-1']);
      cluster.answers.set(keys.route, () => ['s-1']);
      expect(await session.partitions('s')).to.deep.equal(['s-0', 's-1']);
      expect(await session.route('s', 'k')).to.deep.equal(['s-1']);
      cluster.answers.set(keys.partitions, () => []);
      expect((await failureOf(session.partitions('ex'))).message).to.match(
        /an exchange of that name, to which no stream/,
      );
    });
  });
});

describe('Session of RabbitMQ Streams: how it stands', () => {
  let watched: Watched;
  const cause = new ConnectionError('link lost');
  afterEach(() => watched.close());

  it('is interrupted while anybody is suspended', async () => {
    watched = await new Watched().started();
    const { session, story } = watched;
    const [one, other] = [{}, {}];
    session.suspended(one, cause);
    session.suspended(other, cause);
    session.suspended(other, cause);
    expect(story.slice(2)).to.deep.equal(['interrupted']);
    session.resumed(one);
    session.resumed(one);
    expect(story.slice(2)).to.deep.equal(['interrupted']);
    session.resumed(other);
    session.resumed({});
    expect(story.slice(2)).to.deep.equal(['interrupted', 'connected true']);
    expect(session.up).to.equal(true);
  });

  it('tells that the locator is back, also while somebody is suspended', async () => {
    watched = await new Watched({ reconnect: fast }).started();
    const { session, story, clock, cluster } = watched;
    const one = {};
    session.suspended(one, cause);
    cluster.locator.drop();
    await clock.pass(100);
    expect(story.slice(2)).to.deep.equal(['interrupted', 'located']);
    session.resumed(one);
    expect(story.slice(4)).to.deep.equal(['connected true']);
  });

  it('does not end the links of others while the locator is away', async () => {
    watched = await new Watched({ host: 'a', reconnect: fast }).started();
    const { session, cluster } = watched;
    cluster.streams.set('s', { leader: node('b') });
    const publisher = new FakePublisher().on(await session.producerLink('s'), 's');
    cluster.refuse('a:5552');
    cluster.locator.drop();
    await watched.clock.pass(10_000);
    expect(publisher.heard).to.deep.equal([]);
    expect(cluster.named(/producer/)).to.have.length(1);
  });

  it('ends links and what is being retried when it fails, and serves whoever comes then', async () => {
    watched = await new Watched({ host: 'a', reconnect: { ...fast, maxAttempts: 1 } }).started();
    const { session, cluster, clock } = watched;
    cluster.streams.set('s', { leader: node('b') });
    const link = await session.producerLink('s');
    const failures: string[] = [];
    const publisher = new (class extends FakePublisher {
      override lost(error: ConnectionError): void {
        super.lost(error);
        session.suspended(this, error);
        session.retry(
          () => Promise.reject(new Error('must not be tried')),
          (end) => failures.push(`lost one: ${end.message}`),
          error,
        );
      }
    })().on(link, 's');
    session.retry(
      async (signal) => {
        cluster.locator.drop();
        await session.placement('s', signal);
      },
      (end) => failures.push(`waiting one: ${end.message}`),
    );
    watched.onHook = (hook) => {
      if (hook !== 'failed') return;
      expect(failures).to.deep.equal([]);
      cluster.accept('a:5552');
      session.start();
      session.retry(
        async () => void (await session.placement('s')),
        (end) => failures.push(`new one: ${end.message}`),
      );
    };
    cluster.refuse('a:5552');
    await clock.pass(1000);
    expect(watched.story.slice(2)).to.deep.equal(['interrupted', 'failed CONNECTION', 'located', 'connected false']);
    expect(publisher.heard).to.deep.equal(['lost CONNECTION']);
    expect(publisher.losses[0]!.retriable).to.equal(false);
    expect(failures.map((line) => line.split(':')[0])).to.have.members(['lost one', 'waiting one']);
    expect(cluster.named(/producer/)).to.have.length(0);
  });
});

describe('Session of RabbitMQ Streams: close', () => {
  let watched: Watched;

  it('says goodbye on all connections, tells who is left on them, and leaves no timer', async () => {
    watched = await new Watched().started();
    const { session, cluster } = watched;
    cluster.streams.set('s', { leader: node('a'), replicas: [node('b')] });
    const publisher = new FakePublisher().on(await session.producerLink('s'), 's');
    await session.consumerLink('s');
    const retried: string[] = [];
    session.retry(
      () => Promise.reject(new StreamUnavailableError('no leader')),
      () => retried.push('failed'),
    );
    await settled();
    await watched.close();
    expect(cluster.links.map(({ ended }) => ended.length)).to.deep.equal([1, 1, 1]);
    expect(publisher.heard).to.deep.equal(['lost CLOSED']);
    expect(watched.story).to.deep.equal(['located', 'connected false']);
    expect(retried).to.deep.equal([]);
    session.start();
    session.suspended({}, cluster.lost);
    session.retry(
      () => Promise.reject(new Error('called')),
      () => retried.push('failed'),
    )();
    expect((await failureOf(session.placement('s'))).code).to.equal('CLOSED');
    expect((await failureOf(session.producerLink('s'))).code).to.equal('CLOSED');
    expect(cluster.links).to.have.length(3);
    expect(retried).to.deep.equal([]);
  });

  it('resolves at once where nothing was begun, and twice', async () => {
    watched = new Watched();
    await Promise.all([watched.session.close(1000), watched.session.close(1000)]);
    expect(watched.clock.size).to.equal(0);
  });

  it('takes no longer than it may, and drops what does not answer', async () => {
    watched = await new Watched().started();
    const { session, cluster, clock } = watched;
    cluster.streams.set('s', { leader: node('a') });
    await session.producerLink('s');
    for (const link of cluster.links) link.holdClose = new Promise(() => undefined);
    let closed = false;
    const closing = session.close(300).then(() => (closed = true));
    await clock.pass(299);
    expect(closed).to.equal(false);
    await clock.pass(1);
    await closing;
    for (const link of cluster.links) expect(link.ended.at(-1)).to.have.property('code', 'CLOSED');
  });

  it('ends what is being connected, and those who wait for it', async () => {
    watched = new Watched();
    const { session, cluster } = watched;
    cluster.gate = new Promise(() => undefined);
    session.start();
    const waiting = failureOf(session.placement('s'));
    await settled();
    await watched.close();
    expect((await waiting).code).to.equal('CLOSED');
    expect(watched.story).to.deep.equal([]);
  });

  it('ends a data connection that is being made', async () => {
    watched = await new Watched().started();
    const { session, cluster } = watched;
    cluster.streams.set('s', { leader: node('b') });
    cluster.gate = new Promise(() => undefined);
    const waiting = failureOf(session.producerLink('s'));
    await settled();
    await watched.close();
    expect((await waiting).code).to.equal('CLOSED');
  });

  it('does not connect again after a hook has closed it', async () => {
    watched = await new Watched({ reconnect: fast }).started();
    watched.onHook = () => void watched.session.close(100);
    watched.cluster.locator.drop(refused('x'));
    await watched.clock.pass(5000);
    expect(watched.cluster.dialed).to.have.length(1);
    expect(watched.story.slice(2)).to.deep.equal(['interrupted']);
    expect(watched.clock.size).to.equal(0);
  });
});
