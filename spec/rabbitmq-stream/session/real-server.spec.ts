import { expect } from 'chai';
import { systemClock } from '../../../lib/core/clock.js';
import type { WeirError } from '../../../lib/core/errors.js';
import { keys } from '../../../lib/rabbitmq-stream/codec/keys.js';
import { encodeCreate, encodeDeclarePublisher, encodeDelete } from '../../../lib/rabbitmq-stream/codec/requests.js';
import { resolveOptions, type RabbitMqStreamOptions } from '../../../lib/rabbitmq-stream/options.js';
import type { Link } from '../../../lib/rabbitmq-stream/session/link.js';
import { Session } from '../../../lib/rabbitmq-stream/session/session.js';
import {
  startRabbitMq,
  startRabbitMqCluster,
  type RabbitMqCluster,
  type RabbitMqServer,
} from '../../support/brokers/index.js';
import { startProxy } from '../../support/proxy.js';
import { until } from '../../support/wait.js';
import { startBalancer } from './balancer.js';
import { failureOf, FakePublisher, FakeSubscriber } from './session-kit.js';

const fast = { initialDelay: 50, maxDelay: 500 };
const sessions = new Set<Session>();
let serial = 0;
const unique = (name = 'stream'): string => `${name}-${process.pid}-${Date.now()}-${serial++}`;

/** A session that is started, and what its hooks were told. */
function open(options: RabbitMqStreamOptions): {
  readonly session: Session;
  readonly story: string[];
  last?: WeirError;
} {
  const told: { session: Session; story: string[]; last?: WeirError } = { session: undefined as never, story: [] };
  told.session = new Session({
    options: resolveOptions({ reconnect: fast, ...options }),
    clock: systemClock,
    hooks: {
      located: () => told.story.push('located'),
      connected: (again) => told.story.push(`connected ${again}`),
      interrupted: () => told.story.push('interrupted'),
      failed: (error) => {
        told.last = error;
        told.story.push(`failed ${error.code}`);
      },
    },
  });
  sessions.add(told.session);
  told.session.start();
  return told;
}

async function connected(options: RabbitMqStreamOptions): Promise<ReturnType<typeof open>> {
  const opened = open(options);
  await until(() => opened.story.includes('connected false'), { message: () => opened.story.join() });
  return opened;
}

async function createStream(session: Session): Promise<string> {
  const stream = unique();
  await session.locator.call((connection) =>
    connection.request(
      keys.create,
      (id) => encodeCreate(id, { stream, arguments: {} }),
      () => undefined,
      { action: 'create' },
    ),
  );
  return stream;
}

/** A publisher that the broker knows. */
async function declare(link: Link, stream: string): Promise<FakePublisher> {
  const publisher = new FakePublisher().on(link, stream);
  await link.connection.request(
    keys.declarePublisher,
    (id) => encodeDeclarePublisher(id, { publisherId: publisher.id, reference: '', stream }),
    () => undefined,
    { action: 'declare' },
  );
  return publisher;
}

afterEach(async () => {
  await Promise.all([...sessions].map((session) => session.close(2000)));
  sessions.clear();
});

describe('Session of RabbitMQ Streams with a real broker', function () {
  this.timeout(60_000);
  let server: RabbitMqServer;
  before(async () => {
    server = await startRabbitMq();
  });
  after(() => server.stop());

  it('connects to the node that it was told of', async () => {
    const { session } = await connected({ url: server.url });
    const stream = await createStream(session);
    const producer = await session.producerLink(stream);
    const consumer = await session.consumerLink(stream);
    expect(producer).not.to.equal(consumer);
    for (const link of [producer, consumer]) {
      const { advertised, remote } = link.connection;
      expect(remote).to.deep.include({ port: advertised!.port });
    }
  });

  it('tells publishers and subscriptions that their stream was deleted, and goes on for others', async () => {
    const { session } = await connected({ url: server.url });
    const [stream, other] = [await createStream(session), await createStream(session)];
    const link = await session.producerLink(stream);
    const publisher = await declare(link, stream);
    const stays = await declare(await session.producerLink(other), other);
    await session.locator.call((connection) =>
      connection.request(
        keys.delete,
        (id) => encodeDelete(id, { stream }),
        () => undefined,
        { action: 'delete' },
      ),
    );
    await until(() => publisher.heard.length > 0);
    expect(publisher.heard).to.deep.equal(['lost STREAM_UNAVAILABLE']);
    expect(stays.heard).to.deep.equal([]);
    // and whoever tries again hears what happened
    const end = await new Promise<WeirError>((resolve) => {
      session.retry(async (signal) => void (await session.producerLink(stream, signal)), resolve, publisher.losses[0]);
    });
    expect(end).to.have.property('code', 'STREAM_NOT_FOUND');
  });

  it('makes connections again that the broker has closed', async () => {
    const connectionName = unique('app');
    const { session, story } = await connected({ url: server.url, connectionName });
    const stream = await createStream(session);
    const publisher = await declare(await session.producerLink(stream), stream);
    await server.management.closeConnection(`${connectionName}-locator`);
    await until(() => story.at(-1) === 'connected true');
    expect(publisher.heard).to.deep.equal([]);
    await server.management.closeConnection(`${connectionName}-producer-1`);
    await until(() => publisher.heard.length > 0);
    expect(publisher.heard).to.deep.equal(['lost CONNECTION']);
    session.suspended(publisher, publisher.losses[0]!);
    await new Promise<void>((resolve, reject) => {
      session.retry(
        async (signal) => {
          await declare(await session.producerLink(stream, signal), stream);
          session.resumed(publisher);
          resolve();
        },
        reject,
        publisher.losses[0],
      );
    });
    expect(story.slice(2)).to.deep.equal(['interrupted', 'located', 'connected true', 'interrupted', 'connected true']);
  });

  it('is reached through a proxy of another address with resolveAddress', async () => {
    const proxy = await startProxy(server);
    const { host, port, username, password, vhost } = { ...server, host: proxy.host, port: proxy.port };
    const asked: string[] = [];
    const { session } = await connected({
      host,
      port,
      username,
      password,
      vhost,
      resolveAddress: (node, at) => {
        asked.push(`${node}:${at}`);
        return proxy;
      },
    });
    const stream = await createStream(session);
    const link = await session.producerLink(stream);
    await declare(link, stream);
    expect(proxy.accepted).to.equal(2);
    expect(asked).to.deep.equal([`${link.connection.advertised!.host}:${link.connection.advertised!.port}`]);
    await Promise.all([...sessions].map((each) => each.close(2000)));
    await proxy.stop();
  });

  it('says what is wrong with a password and a virtual host, and tries no more', async () => {
    const { host, port, username, password } = server;
    const reconnect = { ...fast, initial: true };
    const wrong = open({ host, port, username, password: 'nonsense', reconnect });
    const nowhere = open({ host, port, username, password, vhost: 'nowhere', reconnect });
    await until(() => wrong.last && nowhere.last);
    expect(wrong.story).to.deep.equal(['failed AUTHENTICATION']);
    expect(nowhere.story).to.deep.equal(['failed AUTHORIZATION']);
  });

  it('closes in order, and nothing is left', async () => {
    const connectionName = unique('app');
    const { session } = await connected({ url: server.url, connectionName });
    const stream = await createStream(session);
    const publisher = await declare(await session.producerLink(stream), stream);
    await session.consumerLink(stream);
    await session.close(2000);
    expect(publisher.heard).to.deep.equal(['lost CLOSED']);
    const mine = async (): Promise<number> =>
      (await server.management.connections()).filter((each) => each.clientProvidedName?.startsWith(connectionName))
        .length;
    await until(async () => (await mine()) === 0);
  });
});

describe('Session of RabbitMQ Streams with a node that nobody can reach by its own address', function () {
  this.timeout(60_000);
  let server: RabbitMqServer;
  before(async () => {
    server = await startRabbitMq({
      config: 'stream.advertised_host = inside.invalid\nstream.advertised_port = 5552',
      needs: 'process',
    });
  });
  after(() => server.stop());

  it('explains what can be done', async () => {
    const { session } = await connected({ url: server.url });
    const stream = await createStream(session);
    const error = await failureOf(session.producerLink(stream));
    expect(error).to.deep.include({ code: 'CONNECTION', retriable: true });
    expect(error.message).to.match(/inside\.invalid:5552.*set advertised_host.*or give resolveAddress or loadBalancer/);
  });

  it('is reached with loadBalancer, and with resolveAddress', async () => {
    const one = await connected({ url: server.url, loadBalancer: true });
    const stream = await createStream(one.session);
    await declare(await one.session.producerLink(stream), stream);
    const other = await connected({ url: server.url, resolveAddress: () => server });
    await declare(await other.session.producerLink(stream), stream);
    expect((await other.session.consumerLink(stream)).connection.advertised).to.deep.equal({
      host: 'inside.invalid',
      port: 5552,
    });
  });
});

describe('Session of RabbitMQ Streams with a cluster', function () {
  this.timeout(120_000);
  let cluster: RabbitMqCluster;
  before(async () => {
    cluster = await startRabbitMqCluster();
  });
  after(() => cluster.stop());

  const urls = (): string[] => cluster.nodes.map(({ url }) => url);

  it('leads publishers to the leader and subscriptions to replicas', async () => {
    const { session } = await connected({ url: urls() });
    const stream = await createStream(session);
    await cluster.untilOnline(stream);
    const leader = await cluster.leaderOf(stream);
    const placement = await until(async () => {
      const found = await session.placement(stream);
      return found.replicas.length === 2 && found;
    });
    expect(placement.leader!.port).to.equal(leader.port);
    expect((await session.producerLink(stream)).connection.advertised!.port).to.equal(leader.port);
    for (let round = 0; round < 5; round++) {
      const { port } = (await session.consumerLink(stream)).connection.advertised!;
      expect(placement.replicas.map((replica) => replica.port)).to.include(port);
    }
    expect((await session.consumerLink(stream, undefined, { leader: true })).connection.advertised!.port).to.equal(
      leader.port,
    );
  });

  it('reaches every node through a load balancer', async () => {
    const balancer = await startBalancer(cluster.nodes);
    const { username, password, vhost } = cluster.nodes[0]!;
    const { session } = await connected({
      host: balancer.host,
      port: balancer.port,
      username,
      password,
      vhost,
      loadBalancer: true,
    });
    for (let round = 0; round < 4; round++) {
      const stream = await createStream(session);
      await cluster.untilOnline(stream);
      const leader = await cluster.leaderOf(stream);
      const link = await session.producerLink(stream);
      expect(link.connection.advertised!.port).to.equal(leader.port);
      expect(link.connection.remote.port).to.equal(balancer.port);
      await declare(link, stream);
      new FakeSubscriber().on(await session.consumerLink(stream), stream);
    }
    await session.close(2000);
    await balancer.stop();
  });

  it('gives up where the balancer does not lead to the leader', async () => {
    const direct = await connected({ url: urls() });
    const stream = await createStream(direct.session);
    await cluster.untilOnline(stream);
    const leader = await cluster.leaderOf(stream);
    const balancer = await startBalancer(cluster.nodes.filter((node) => node !== leader));
    const { username, password, vhost } = leader;
    const { host, port } = balancer;
    const { session } = await connected({ host, port, username, password, vhost, loadBalancer: true });
    const error = await failureOf(session.producerLink(stream));
    expect(error.message).to.match(/the load balancer did not lead to .* in 20 connections, but to/);
    await session.consumerLink(stream);
    await session.close(2000);
    await balancer.stop();
  });

  it('goes to another leader when the first one dies, by whatever seed', async () => {
    const { session, story } = await connected({ url: urls() });
    const stream = await createStream(session);
    await cluster.untilOnline(stream);
    const first = await cluster.leaderOf(stream);
    const publisher = await declare(await session.producerLink(stream), stream);
    await first.kill();
    await until(() => publisher.heard.length > 0);
    expect(publisher.heard).to.deep.equal(['lost CONNECTION']);
    session.suspended(publisher, publisher.losses[0]!);
    const link = await new Promise<Link>((resolve, reject) => {
      session.retry(
        async (signal) => {
          const found = await session.producerLink(stream, signal);
          await declare(found, stream);
          resolve(found);
        },
        reject,
        publisher.losses[0],
      );
    });
    session.resumed(publisher);
    expect(link.connection.advertised!.port).not.to.equal(first.port);
    await until(() => story.at(-1) === 'connected true');
  });
});
