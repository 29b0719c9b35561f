import { expect } from 'chai';
import { ConnectionError, type WeirError } from '../../../lib/core/errors.js';
import type { Link } from '../../../lib/rabbitmq-stream/session/link.js';
import { failureOf, FakePublisher, FakeSubscriber, node, Watched } from './session-kit.js';
import { settled } from '../../support/manual-clock.js';

describe('data connections of RabbitMQ Streams', () => {
  let watched: Watched;
  const start = async (options = {}): Promise<Watched> => {
    watched = await new Watched({ host: 'a', ...options }).started();
    const { streams } = watched.cluster;
    streams.set('led', { leader: node('b') });
    streams.set('also', { leader: node('b') });
    streams.set('elsewhere', { leader: node('c') });
    streams.set('copied', { leader: node('b'), replicas: [node('c'), node('d')] });
    return watched;
  };
  afterEach(() => watched.close());

  it('leads publishers to the leader, and shares a connection among those of one node', async () => {
    const { session, cluster } = await start();
    const one = await session.producerLink('led');
    one.addPublisher('led', new FakePublisher());
    const same = await session.producerLink('also');
    const other = await session.producerLink('elsewhere');
    expect(same).to.equal(one);
    expect(other).not.to.equal(one);
    expect(cluster.links.map(({ name }) => name)).to.deep.equal([
      'rx-weir-locator',
      'rx-weir-producer-1',
      'rx-weir-producer-2',
    ]);
    expect(one.connection.remote).to.deep.equal(node('b'));
  });

  it('never has publishers and subscriptions on one connection, nor either with the locator', async () => {
    const { session, cluster } = await start();
    cluster.streams.set('here', { leader: node('a') });
    await session.producerLink('here');
    await session.consumerLink('here');
    expect(cluster.links.map(({ name }) => name)).to.deep.equal([
      'rx-weir-locator',
      'rx-weir-producer-1',
      'rx-weir-consumer-1',
    ]);
  });

  it('leads subscriptions to any replica, to the leader where there is none or it is asked for', async () => {
    const { session } = await start();
    const reached = new Set<string>();
    for (let round = 0; round < 100 && reached.size < 2; round++) {
      reached.add((await session.consumerLink('copied')).connection.remote.host);
    }
    expect([...reached].sort()).to.deep.equal(['c', 'd']);
    expect((await session.consumerLink('led')).connection.remote.host).to.equal('b');
    expect((await session.consumerLink('copied', undefined, { leader: true })).connection.remote.host).to.equal('b');
  });

  it('leads subscriptions to another replica, and at last to the leader, where one cannot be reached', async () => {
    const { session, cluster } = await start();
    cluster.refuse('c:5552');
    for (let round = 0; round < 10; round++) {
      expect((await session.consumerLink('copied')).connection.remote.host).to.equal('d');
    }
    cluster.refuse('d:5552');
    cluster.named(/consumer/).forEach((link) => link.drop());
    expect((await session.consumerLink('copied')).connection.remote.host).to.equal('b');
    cluster.refuse('b:5552');
    cluster.named(/consumer/).forEach((link) => link.drop());
    expect(await failureOf(session.consumerLink('copied'))).to.deep.include({ code: 'CONNECTION', retriable: true });
  });

  it('says that there is no leader', async () => {
    const { session, cluster } = await start();
    cluster.streams.set('headless', { replicas: [node('c')] });
    const error = await failureOf(session.producerLink('headless'));
    expect(error).to.deep.include({ code: 'STREAM_UNAVAILABLE', retriable: true });
    expect(error.message).to.match(/'headless' has no leader/);
    expect((await session.consumerLink('headless')).connection.remote.host).to.equal('c');
    cluster.streams.set('headless', {});
    expect((await failureOf(session.consumerLink('headless'))).code).to.equal('STREAM_UNAVAILABLE');
  });

  it('makes one connection for all who want the same at once', async () => {
    const { session, cluster } = await start();
    const links = await Promise.all(Array.from({ length: 50 }, () => session.producerLink('led')));
    expect(new Set(links).size).to.equal(1);
    expect(cluster.named(/producer/)).to.have.length(1);
  });

  it('lets all who wait for the same fail together, and makes another one for the next', async () => {
    const { session, cluster } = await start();
    cluster.refuse('b:5552');
    const failures = await Promise.all(Array.from({ length: 5 }, () => failureOf(session.producerLink('led'))));
    expect(new Set(failures).size).to.equal(1);
    expect(cluster.dialed.filter((address) => address === 'b:5552')).to.have.length(1);
    cluster.accept('b:5552');
    await session.producerLink('led');
  });

  it('goes on for the others when one who waits gives up', async () => {
    const { session, cluster } = await start();
    let open: () => void = () => undefined;
    cluster.gate = new Promise((resolve) => (open = resolve));
    const aborter = new AbortController();
    const one = failureOf(session.producerLink('led', aborter.signal));
    const other = session.producerLink('led');
    await settled();
    const reason = new Error('enough');
    aborter.abort(reason);
    expect(await one).to.equal(reason);
    open();
    expect(await other).to.have.property('role', 'producer');
    expect(cluster.named(/producer/)).to.have.length(1);
  });

  it('puts 200 on a connection, and makes another for the next, also when all come at once', async () => {
    const { session, cluster } = await start();
    const join = async (): Promise<Link> => {
      const link = await session.producerLink('led');
      link.addPublisher('led', new FakePublisher());
      return link;
    };
    const joined = await Promise.all(Array.from({ length: 450 }, join));
    const counts = [...new Set(joined)].map((link) => link.count);
    expect(counts.sort((a, b) => b - a)).to.deep.equal([200, 200, 50]);
    expect(cluster.named(/producer/)).to.have.length(3);
    const full = joined.find((link) => link.count === 200) as Link;
    full.removePublisher(7);
    expect(await join()).to.equal(full);
  });

  it('keeps no place for who did not take it in its turn', async () => {
    const { session, clock } = await start();
    const link = await session.producerLink('led');
    for (let count = 1; count < 200; count++) await session.producerLink('led');
    expect(link.hasRoom).to.equal(false);
    await clock.pass(0);
    expect(link.hasRoom).to.equal(true);
  });

  it('closes a connection a second after the last one has left it', async () => {
    const { session, cluster, clock } = await start();
    const link = await session.producerLink('led');
    const id = link.addPublisher('led', new FakePublisher());
    await clock.pass(5000);
    expect(link.closed).to.equal(false);
    link.removePublisher(id);
    await clock.pass(500);
    // somebody came and went meanwhile
    link.removePublisher((await session.producerLink('led')).addPublisher('led', new FakePublisher()));
    await clock.pass(999);
    expect(link.closed).to.equal(false);
    await clock.pass(1);
    expect(link.closed).to.equal(true);
    expect(cluster.named(/producer/)).to.have.length(0);
    expect(await session.producerLink('led')).not.to.equal(link);
  });

  it('closes a connection that nobody has joined', async () => {
    const { session, cluster, clock } = await start();
    await session.producerLink('led');
    await clock.pass(1100);
    expect(cluster.named(/producer/)).to.have.length(0);
  });

  it('makes another connection where one was lost', async () => {
    const { session, cluster } = await start();
    const publisher = new FakePublisher().on(await session.producerLink('led'), 'led');
    const subscriber = new FakeSubscriber().on(await session.consumerLink('led'), 'led');
    cluster.named(/producer/)[0]!.drop();
    expect(publisher.heard).to.deep.equal(['lost CONNECTION']);
    expect(subscriber.heard).to.deep.equal([]);
    expect((await session.producerLink('led')).connection.name).to.equal('rx-weir-producer-2');
  });

  it('tells of a connection that was lost as soon as it was made, and does not try for ever', async () => {
    const { session, cluster } = await start();
    cluster.onOpen = (link) => queueMicrotask(() => link.drop());
    const error: WeirError = await failureOf(session.producerLink('led'));
    expect(error).to.be.instanceOf(ConnectionError);
    expect(cluster.dialed.filter((address) => address === 'b:5552')).to.have.length(1);
  });
});
