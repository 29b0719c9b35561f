import { expect } from 'chai';
import { AuthenticationError, ConnectionError } from '../../../lib/core/errors.js';
import { failureOf, FakeCluster, refused, settled, Watched } from './session-kit.js';

/** Waits 100 ms, always. */
const steady = { initialDelay: 100, maxDelay: 100, jitter: 0 };

describe('the session of Liftbridge: the main channel', () => {
  it('is made by the first seed that answers, and tells so in order', async () => {
    const watched = await new Watched({ brokers: ['a', 'b'] }).started();
    expect(watched.story).to.deep.equal(['located', 'connected false']);
    expect(watched.session.up).to.equal(true);
    expect(watched.cluster.channels).to.have.length(1);
    expect(watched.session.main).to.equal(watched.cluster.channels[0]);
    await watched.close();
    expect(watched.cluster.channels[0]?.closed).to.equal(true);
    expect(watched.session.main).to.equal(undefined);
  });

  it('needs one seed that lives, and waits for none that is silent', async () => {
    const cluster = new FakeCluster();
    cluster.refuse('a:9292');
    cluster.swallow('b:9292');
    const watched = new Watched({ brokers: ['a', 'b', 'c'] }, cluster);
    watched.session.start();
    await watched.clock.pass(2_000);
    expect(watched.story).to.deep.equal(['located', 'connected false']);
    expect((watched.session.main as { at?: string } | undefined)?.at).to.equal('c:9292');
    await watched.close();
  });

  it('fails where no seed answers within connectTimeout, and says why of each', async () => {
    const cluster = new FakeCluster();
    cluster.refuse('a:9292');
    cluster.swallow('b:9292');
    const watched = new Watched({ brokers: ['a', 'b'], connectTimeout: 3_000 }, cluster);
    watched.session.start();
    await watched.clock.pass(2_999);
    expect(watched.story).to.deep.equal([]);
    await watched.clock.pass(1);
    expect(watched.story).to.deep.equal(['failed CONNECTION']);
    expect(watched.errors[0]?.message).to.match(
      /^none of [ab]:9292, [ab]:9292 could be connected to within 3000 ms: nobody listens at a:9292$/,
    );
    expect(watched.errors[0]?.retriable).to.equal(true);
    // it can be started anew
    cluster.accept('a:9292');
    watched.session.start();
    await watched.clock.pass(2_000);
    expect(watched.story.slice(1)).to.deep.equal(['located', 'connected false']);
    await watched.close();
  });

  it('fails at once where the only seed refuses, as that says', async () => {
    const cluster = new FakeCluster();
    cluster.refuse('a:9292');
    const watched = new Watched({ brokers: 'a' }, cluster);
    watched.session.start();
    await settled();
    expect(watched.story).to.deep.equal(['failed CONNECTION']);
    expect(watched.errors[0]?.message).to.equal('nobody listens at a:9292');
    await watched.close();
  });

  it('is tried for again with reconnect.initial, but not where TLS or credentials are refused', async () => {
    const cluster = new FakeCluster();
    cluster.refuse('a:9292');
    const watched = new Watched({ brokers: ['a', 'b'], reconnect: { ...steady, initial: true } }, cluster);
    cluster.refuse('b:9292', new AuthenticationError('the certificate of b was refused'));
    watched.session.start();
    await watched.clock.pass(1_000);
    expect(watched.story).to.deep.equal([]);
    cluster.refuse('a:9292', new AuthenticationError('the certificate of a was refused'));
    await watched.clock.pass(100);
    expect(watched.story).to.deep.equal(['failed AUTHENTICATION']);
    expect(watched.errors[0]?.message).to.match(/^the certificate of [ab] was refused$/);
    await watched.close();
  });

  it('is made by the only seed that does not refuse the credentials', async () => {
    const cluster = new FakeCluster();
    cluster.refuse('a:9292', new AuthenticationError('refused'));
    const watched = await new Watched({ brokers: ['a', 'b'] }, cluster).started();
    await watched.close();
  });

  it('gives up after maxAttempts, with the last error', async () => {
    const cluster = new FakeCluster();
    const watched = await new Watched({ brokers: 'a', reconnect: { ...steady, maxAttempts: 3 } }, cluster).started();
    await watched.clock.pass(5_000);
    cluster.kill('a:9292');
    await watched.clock.pass(299);
    expect(watched.story.slice(2)).to.deep.equal(['interrupted']);
    await watched.clock.pass(1);
    expect(watched.story.slice(2)).to.deep.equal(['interrupted', 'failed CONNECTION']);
    expect(watched.errors[1]?.message).to.equal(
      'Liftbridge could not be connected to in 3 attempts; the last: nobody listens at a:9292',
    );
    await watched.close();
  });

  it('is not made again without reconnect', async () => {
    const watched = await new Watched({ brokers: 'a', reconnect: false }).started();
    watched.cluster.to('a:9292').drop();
    expect(watched.story.slice(2)).to.deep.equal(['failed CONNECTION']);
    await watched.close();
  });

  it('goes to another broker at once, also to one that only the cluster has told of', async () => {
    const watched = await Watched.ofThree({ brokers: 'a', reconnect: steady }).started();
    await watched.clock.pass(2_000);
    watched.cluster.kill('a:9292');
    await settled();
    expect(watched.story.slice(2)).to.deep.equal(['interrupted', 'located', 'connected true']);
    expect(watched.cluster.dialed.at(-1)).to.match(/^[bc]:9292$/);
    await watched.close();
  });

  it('prefers a broker that is connected already', async () => {
    const watched = await Watched.ofThree({ brokers: 'a' }).started();
    watched.cluster.streams.set('s', { leaders: ['n3'] });
    const leader = await watched.session.leader('s', 0);
    await watched.clock.pass(2_000);
    watched.cluster.kill('a:9292');
    await settled();
    expect(watched.session.main).to.equal(leader);
    expect(watched.cluster.dialed).to.deep.equal(['a:9292', 'c:9292']);
    await watched.close();
  });

  it('waits where the broker is alone, and where it goes away as soon as it has come', async () => {
    const alone = await new Watched({ brokers: 'a', reconnect: steady }).started();
    await alone.clock.pass(5_000);
    alone.cluster.to('a:9292').drop();
    await alone.clock.pass(99);
    expect(alone.session.up).to.equal(false);
    await alone.clock.pass(1);
    expect(alone.session.up).to.equal(true);
    await alone.close();

    const hasty = await new Watched({ brokers: ['a', 'b'], reconnect: steady }).started();
    hasty.cluster.channels[0]?.drop();
    await hasty.clock.pass(99);
    expect(hasty.cluster.channels).to.have.length(1);
    await hasty.clock.pass(1);
    expect(hasty.cluster.channels).to.have.length(2);
    await hasty.close();
  });

  it('takes up again after a refusal of TLS that came later, because that was good before', async () => {
    const watched = await new Watched({ brokers: 'a', reconnect: steady }).started();
    watched.cluster.refuse('a:9292', new AuthenticationError('no'));
    watched.cluster.to('a:9292').drop();
    await watched.clock.pass(1_000);
    expect(watched.story.slice(2)).to.deep.equal(['interrupted']);
    watched.cluster.accept('a:9292');
    await watched.clock.pass(100);
    expect(watched.story.slice(3)).to.deep.equal(['located', 'connected true']);
    await watched.close();
  });

  it('is replaced where it says goodbye and still has calls', async () => {
    const watched = await new Watched({ brokers: 'a', reconnect: steady }).started();
    const first = watched.cluster.channels[0]!;
    watched.cluster.answers.set('X', () => 'done');
    await watched.clock.pass(2_000);
    first.up = false;
    expect(watched.session.main).to.equal(undefined);
    const done = watched.session.call('X', new Uint8Array(), { asked: 'x', decode: (): unknown => undefined });
    await watched.clock.pass(100);
    expect(await done).to.equal('done');
    expect(watched.cluster.channels).to.have.length(2);
    await watched.close();
  });

  it('is replaced at once where it says goodbye, though nobody asks for it', async () => {
    const watched = await new Watched({ brokers: 'a', reconnect: steady }).started();
    const first = watched.cluster.channels[0]!;
    first.calls = 1;
    await watched.clock.pass(2_000);
    first.sayGoodbye();
    await watched.clock.pass(100);
    expect(watched.story.slice(2)).to.deep.equal(['interrupted', 'located', 'connected true']);
    expect(watched.session.main).to.equal(watched.cluster.channels[1]);
    expect([first.closed, first.destroyed]).to.deep.equal([false, undefined]);
    first.drop();
    await watched.clock.pass(100);
    expect(watched.story).to.have.length(5);
    await watched.close();
  });

  it('counts as away while somebody is suspended', async () => {
    const watched = await new Watched().started();
    const who = {};
    const cause = new ConnectionError('lost');
    watched.session.suspended(who, cause);
    watched.session.suspended(who, cause);
    expect(watched.story.slice(2)).to.deep.equal(['interrupted']);
    watched.session.resumed({});
    watched.session.resumed(who);
    expect(watched.story.slice(3)).to.deep.equal(['connected true']);
    await watched.close();
  });
});

describe('the session of Liftbridge: liveness', () => {
  it('asks the main channel, and those on which something is open, where nothing has come', async () => {
    const watched = Watched.ofThree({ brokers: 'a', pingInterval: 1_000, pingTimeout: 500 });
    watched.cluster.streams.set('s', { leaders: ['n2'] }).set('t', { leaders: ['n3'] });
    await watched.started();
    const { cluster } = watched;
    await watched.session.leader('s', 0);
    await watched.session.leader('t', 0);
    cluster.to('b:9292').calls = 1;
    await watched.clock.pass(2_000);
    expect(cluster.to('a:9292').probes).to.equal(1);
    expect(cluster.to('b:9292').probes).to.equal(1);
    expect(cluster.to('c:9292').probes).to.equal(0);
    cluster.to('b:9292').received = 100;
    await watched.clock.pass(1_000);
    expect(cluster.to('a:9292').probes).to.equal(2);
    expect(cluster.to('b:9292').probes).to.equal(1);
    await watched.close();
  });

  it('moves on from a broker that hangs', async () => {
    const watched = await Watched.ofThree({ brokers: 'a', pingInterval: 1_000, pingTimeout: 500 }).started();
    watched.cluster.hanging.add('a:9292');
    await watched.clock.pass(2_499);
    expect(watched.session.up).to.equal(true);
    await watched.clock.pass(1);
    expect(watched.story.slice(2)).to.deep.equal(['interrupted', 'located', 'connected true']);
    await watched.close();
  });

  it('asks at once where a request had no answer', async () => {
    const watched = await Watched.ofThree({ brokers: 'a', requestTimeout: 300, pingTimeout: 500 }).started();
    watched.cluster.hanging.add('a:9292');
    const failed = failureOf(
      watched.session.call('X', new Uint8Array(), { asked: 'do x', decode: (): unknown => undefined }),
    );
    await watched.clock.pass(300);
    expect((await failed).message).to.equal('cannot do x at a:9292: no answer within 300 ms');
    expect(watched.cluster.to('a:9292').probes).to.equal(1);
    await watched.clock.pass(500);
    expect(watched.cluster.to('a:9292')).to.equal(undefined);
    await watched.close();
  });

  it('asks nobody with pingInterval: Infinity', async () => {
    const watched = await new Watched({ brokers: 'a', pingInterval: Infinity }).started();
    await watched.clock.pass(1_000_000);
    expect(watched.cluster.to('a:9292').probes).to.equal(0);
    await watched.close();
  });

  it('closes the channel to a broker that is gone from the cluster, once nothing is on it', async () => {
    const watched = Watched.ofThree({ brokers: 'a', pingInterval: 1_000 });
    watched.cluster.streams.set('s', { leaders: ['n2'] });
    await watched.started();
    await watched.session.leader('s', 0);
    const gone = watched.cluster.to('b:9292');
    gone.calls = 1;
    watched.cluster.brokers.delete('n2');
    await failureOf(watched.session.leader('s', 0, { fresh: true }));
    await watched.clock.pass(5_000);
    expect(gone.up).to.equal(true);
    gone.calls = 0;
    await watched.clock.pass(1_000);
    expect(gone.closed).to.equal(true);
    expect(watched.cluster.to('a:9292').closed).to.equal(false);
    await watched.close();
  });
});

describe('the session of Liftbridge: its end', () => {
  it('ends calls with a ClosedError, tells nobody, and refuses what comes after', async () => {
    const watched = await Watched.ofThree().started();
    watched.cluster.streams.set('s', { leaders: ['n2'] });
    await watched.session.leader('s', 0);
    const busy = watched.cluster.to('b:9292');
    busy.calls = 1;
    await watched.close();
    expect(busy.destroyed?.code).to.equal('CLOSED');
    expect(watched.cluster.channels[0]?.closed).to.equal(true);
    expect(watched.story).to.deep.equal(['located', 'connected false']);
    for (const late of [
      watched.session.leader('s', 0),
      watched.session.replica('s', 0),
      watched.session.broker('n1'),
      watched.session.stream('s'),
      watched.session.metadata({ streams: [] }),
      watched.session.call('X', new Uint8Array(), { asked: 'x', decode: (): unknown => undefined }),
    ]) {
      expect((await failureOf(late)).code).to.equal('CLOSED');
    }
    watched.session.start();
    watched.session.retry(
      () => Promise.reject(new Error('called')),
      () => undefined,
    )();
    await settled();
    expect(watched.cluster.channels).to.have.length(2);
  });

  it('ends what is still connecting, and who waits for it', async () => {
    const watched = new Watched();
    watched.cluster.swallow('a:9292');
    watched.session.start();
    const waiting = failureOf(watched.session.stream('s'));
    await watched.close();
    expect((await waiting).code).to.equal('CLOSED');
  });

  it('does not wait longer than it is told', async () => {
    const watched = await new Watched().started();
    watched.cluster.channels[0]!.holdClose = new Promise(() => undefined);
    let isOver = false;
    const closing = watched.session.close(100).then(() => (isOver = true));
    await watched.clock.pass(99);
    expect(isOver).to.equal(false);
    await watched.clock.pass(1);
    await closing;
    expect(watched.cluster.channels[0]?.destroyed?.code).to.equal('CLOSED');
  });

  it('is told to those who retry, when the session is given up', async () => {
    const watched = await new Watched({ brokers: 'a', reconnect: false }).started();
    const errors: string[] = [];
    watched.session.retry(
      () => new Promise(() => undefined),
      (error) => errors.push(error.code),
    );
    watched.cluster.to('a:9292').drop();
    await settled();
    expect(watched.story.at(-1)).to.equal('failed CONNECTION');
    expect(errors).to.deep.equal(['CONNECTION']);
    await watched.close();
  });

  it('survives hooks that throw, and that close it', async () => {
    const watched = new Watched();
    watched.onHook = () => {
      throw new Error('a hook failed');
    };
    await watched.started();
    watched.onHook = (hook) => {
      if (hook === 'interrupted') void watched.session.close(0);
    };
    watched.cluster.to('a:9292').drop(refused('a:9292'));
    await watched.close();
    expect(watched.cluster.channels).to.have.length(1);
  });
});
