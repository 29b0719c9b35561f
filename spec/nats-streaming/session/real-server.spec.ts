import { connect as connectV3 } from '@nats-io/transport-node';
import { expect } from 'chai';
import { connect as connectV2 } from 'nats';
import WebSocket from 'ws';
import { AuthenticationError, AuthorizationError, ConnectionError, InUseError } from '../../../lib/core/errors.js';
import { decodePubAck } from '../../../lib/nats-streaming/codec/pub-ack.js';
import { encodePubMsg } from '../../../lib/nats-streaming/codec/pub-msg.js';
import { connectNats as connectWeb } from '../../../lib/nats-streaming/connection/connect-web.js';
import type { ConnectNats } from '../../../lib/nats-streaming/connection/connection.js';
import type { NatsConnectionLike } from '../../../lib/nats-streaming/connection/link.js';
import { openNats } from '../../../lib/nats-streaming/connection/open.js';
import { startNatsServer, startNatsStreaming, type NatsStreamingServer } from '../../support/brokers/index.js';
import { clientName } from '../../support/names.js';
import { startProxy } from '../../support/proxy.js';
import { until } from '../../support/wait.js';
import { closeSessions, connectSession, startSession, type Watched } from '../session-kit.js';

const v3: ConnectNats = (request) => openNats(connectV3, request);
const quick = { reconnect: { initialDelay: 50, maxDelay: 250 } };

/** Publishes and waits for the confirmation: proof that the server knows the session. Resolves with what it said. */
async function publish({ session, told }: Watched): Promise<string> {
  const before = told.length;
  const guid = `guid-${before}`;
  const { clientId, connId, subjects, ackInbox, link } = session;
  const message = { clientId, guid, subject: 'proof', data: new Uint8Array([1]), connId };
  link.publish(`${subjects.pubPrefix}.proof`, encodePubMsg(message), ackInbox);
  const ack = await until(() => told.slice(before).find(({ hook }) => hook === 'pubAck'), {
    message: 'a confirmation',
  });
  return decodePubAck(ack.argument as Uint8Array).error;
}

interface Subsz {
  readonly num_subscriptions: number;
}
const subscriptionsOf = async (server: { monitor<T>(path: string): Promise<T> }): Promise<number> =>
  (await server.monitor<Subsz>('/subsz')).num_subscriptions;

interface ClientOfServer {
  readonly id: string;
  readonly hb_inbox: string;
}
const clientsOf = async (server: NatsStreamingServer): Promise<ClientOfServer[]> =>
  (await server.monitor<{ clients?: ClientOfServer[] }>('/streaming/clientsz')).clients ?? [];

describe('nats-streaming session, on a real server', () => {
  let server: NatsStreamingServer;

  before(async () => {
    server = await startNatsStreaming();
  });
  after(() => server.stop());
  afterEach(closeSessions);

  const at = (url = server.url): { servers: string; clusterId: string } => ({
    servers: url,
    clusterId: server.cluster,
  });

  for (const [client, connect] of [
    ['nats v2', undefined],
    ['nats v3', v3],
  ] as const) {
    it(`registers, publishes and goes over a connection of its own, with ${client}`, async () => {
      const watched = await connectSession({ ...at(), ...(connect && { connect }) });
      expect(await publish(watched)).to.equal('');
      await watched.session.close();
      expect((await clientsOf(server)).map(({ id }) => id)).to.not.include(watched.session.clientId);
    });
  }

  for (const [client, connect] of [
    ['nats v2', (): Promise<NatsConnectionLike> => connectV2({ servers: server.url })],
    ['nats v3', (): Promise<NatsConnectionLike> => connectV3({ servers: server.url })],
  ] as const) {
    it(`borrows a connection of ${client}, which it leaves open and as it was`, async () => {
      const nc = await connect();
      await nc.flush();
      const before = await subscriptionsOf(server);
      const first = await connectSession({ clusterId: server.cluster, nats: nc });
      const second = await connectSession({ clusterId: server.cluster, nats: nc });
      expect(await publish(first)).to.equal('');
      await first.session.close();
      expect(await publish(second)).to.equal('');
      await second.session.close();
      await until(async () => (await subscriptionsOf(server)) === before);
      expect(nc.isClosed()).to.equal(false);
      await nc.close();
    });
  }

  it('fails with the name of the cluster where there is none of that name', async () => {
    const nc = await connectV2({ servers: server.url });
    await nc.flush();
    const before = await subscriptionsOf(server);
    const error = await startSession({ clusterId: 'elsewhere', nats: nc }).failure();
    expect(error).to.be.instanceOf(ConnectionError);
    expect(error.message).to.include("'elsewhere'").and.to.include('_STAN.discover.elsewhere');
    await until(async () => (await subscriptionsOf(server)) === before);
    await nc.close();
  });

  it('fails where the client id is taken, and the owner goes on', async () => {
    const clientId = clientName();
    const owner = await connectSession({ ...at(), clientId });
    const error = await startSession({ ...at(), clientId }).failure();
    expect(error).to.be.instanceOf(InUseError);
    expect(error.message).to.include(clientId);
    expect(await publish(owner)).to.equal('');
    owner.session.verify();
    expect(await publish(owner)).to.equal('');
    expect(owner.story).to.not.include('lost');
  });

  it('takes over the client id of an owner that is dead', async () => {
    const clientId = clientName();
    const nc = await connectV2({ servers: server.url });
    await connectSession({ clusterId: server.cluster, clientId, nats: nc });
    const [dead] = (await clientsOf(server)).filter(({ id }) => id === clientId);
    await nc.close();
    const heir = await connectSession({ ...at(), clientId });
    expect(await publish(heir)).to.equal('');
    const [living] = (await clientsOf(server)).filter(({ id }) => id === clientId);
    expect(living?.hb_inbox).to.not.equal(dead?.hb_inbox);
  });

  it('keeps its session over a connection that was cut, and each way of its own', async () => {
    for (const connect of [undefined, v3]) {
      const proxy = await startProxy(server);
      const watched = await connectSession({ ...at(proxy.url), ...quick, ...(connect && { connect }) });
      const { ackInbox } = watched.session;
      proxy.cut();
      await watched.until('connected kept');
      expect(watched.story).to.deep.equal(['connected first', 'interrupted', 'connected kept']);
      expect(watched.session).to.include({ ackInbox, epoch: 1 });
      expect(await publish(watched)).to.equal('');
      await watched.session.close();
      await proxy.stop();
    }
  });

  it('keeps its session over a borrowed connection that was cut', async () => {
    const proxy = await startProxy(server);
    const nc = await connectV2({ servers: proxy.url, reconnectTimeWait: 50 });
    const watched = await connectSession({ clusterId: server.cluster, nats: nc });
    proxy.cut();
    await watched.until('connected kept');
    expect(await publish(watched)).to.equal('');
    await watched.session.close();
    await nc.close();
    await proxy.stop();
  });

  it('ends with a borrowed connection that is closed, and has another made by a function', async () => {
    const nc = await connectV2({ servers: server.url });
    const borrowed = await connectSession({ clusterId: server.cluster, nats: nc });
    await nc.close();
    expect(await borrowed.failure()).to.be.instanceOf(ConnectionError);
    expect(borrowed.story).to.deep.equal(['connected first', 'interrupted', 'failed CONNECTION']);

    const made: NatsConnectionLike[] = [];
    const nats = async (): Promise<NatsConnectionLike> => {
      const each = await connectV3({ servers: server.url });
      made.push(each);
      return each;
    };
    const renewing = await connectSession({ clusterId: server.cluster, nats, ...quick });
    await made[0]?.close();
    await renewing.until('connected renewed');
    expect(renewing.story).to.deep.equal(['connected first', 'interrupted', 'lost', 'connected renewed']);
    expect(await publish(renewing)).to.equal('');
    await renewing.session.close();
    expect(made.map((each) => each.isClosed())).to.deep.equal([true, false]);
    await made[1]?.close();
  });

  it('ends without a goodbye when another process has taken its client id for good', async () => {
    const clientId = clientName();
    const proxy = await startProxy(server);
    const loser = await connectSession({ ...at(proxy.url), clientId, ...quick });
    // an owner that can't be heard for half a second loses its id to whoever asks for it
    proxy.stallToServer(true);
    const winner = await connectSession({ ...at(), clientId });
    proxy.stallToServer(false);
    loser.session.verify();
    const error = await loser.failure();
    expect(error).to.be.instanceOf(InUseError);
    expect(loser.story).to.deep.equal(['connected first', 'lost', 'replaced', 'failed IN_USE']);
    await loser.session.close();
    expect(await publish(winner)).to.equal('');
    winner.session.verify();
    expect(await publish(winner)).to.equal('');
    expect(winner.story).to.not.include('lost');
    await proxy.stop();
  });

  it('sends no goodbye in the name of another process that has taken its client id', async () => {
    const clientId = clientName();
    const proxy = await startProxy(server);
    const loser = await connectSession({ ...at(proxy.url), clientId });
    proxy.stallToServer(true);
    const winner = await connectSession({ ...at(), clientId });
    proxy.stallToServer(false);
    await loser.session.close();
    expect(await publish(winner)).to.equal('');
    await proxy.stop();
  });

  it('does not outlive its time on a server that is paused while it closes', async () => {
    const own = await startNatsStreaming({ needs: 'control' });
    const watched = await connectSession({ servers: own.url, clusterId: own.cluster });
    await own.pause();
    await watched.session.close(1_000);
    await own.resume();
    await own.stop();
  });

  describe('that restarts or pauses', () => {
    const start = async (options: Parameters<typeof startNatsStreaming>[0]): Promise<NatsStreamingServer> =>
      startNatsStreaming({ needs: 'control', ...options });

    it('registers anew where the server has no memory', async () => {
      const own = await start({});
      const watched = await connectSession({ servers: own.url, clusterId: own.cluster, ...quick });
      await own.kill();
      await watched.until('interrupted');
      await own.restart();
      await watched.until('connected renewed');
      expect(watched.story).to.deep.equal(['connected first', 'interrupted', 'lost', 'connected renewed']);
      expect(await publish(watched)).to.equal('');
      await own.stop();
    });

    it('goes on where the server has kept the session in files', async () => {
      const own = await start({ store: 'file' });
      const watched = await connectSession({ servers: own.url, clusterId: own.cluster, ...quick });
      await own.kill();
      await watched.until('interrupted');
      await own.restart();
      await watched.until('connected kept');
      expect(watched.story).to.deep.equal(['connected first', 'interrupted', 'connected kept']);
      expect(await publish(watched)).to.equal('');
      await own.stop();
    });

    it('goes on after a pause that was longer than the ping limit', async () => {
      const own = await start({});
      const options = { pingInterval: 1_000, pingMaxOut: 1, ...quick };
      const watched = await connectSession({ servers: own.url, clusterId: own.cluster, ...options });
      await own.pause();
      await watched.until('interrupted');
      await own.resume();
      await watched.until('connected kept');
      expect(await publish(watched)).to.equal('');
      await own.stop();
    });

    it('sees a session that the server has given up, by its next ping', async () => {
      const own = await start({ hb: { interval: 200, timeout: 100, failCount: 1 } });
      const proxy = await startProxy(own);
      const watched = await connectSession({
        ...{ servers: proxy.url, clusterId: own.cluster, pingInterval: 1_000, pingMaxOut: 30, ...quick },
      });
      proxy.stallToServer(true);
      await until(async () => (await clientsOf(own)).length === 0);
      proxy.stallToServer(false);
      await watched.until('connected renewed');
      expect(await publish(watched)).to.equal('');
      await watched.session.close();
      await proxy.stop();
      await own.stop();
    });

    it('waits for a streaming server behind a NATS server of its own', async () => {
      const nats = await startNatsServer();
      for (const [store, kind] of [
        ['file', 'kept'],
        ['memory', 'renewed'],
      ] as const) {
        const own = await start({ externalNats: nats, store });
        const watched = await connectSession({
          servers: nats.url,
          clusterId: own.cluster,
          ...quick,
          pingInterval: 1_000,
        });
        await own.kill();
        await watched.until('interrupted');
        expect(watched.told.at(-1)?.argument).to.have.nested.property('detail.noResponders', true);
        await own.restart();
        await watched.until(`connected ${kind}`);
        expect(await publish(watched)).to.equal('');
        await watched.session.close();
        await own.stop();
      }
      await nats.stop();
    });

    it('closes at once while the streaming server is away', async () => {
      const nats = await startNatsServer();
      const own = await start({ externalNats: nats });
      const watched = await connectSession({ servers: nats.url, clusterId: own.cluster });
      await own.kill();
      await watched.session.close(1_000);
      await own.stop();
      await nats.stop();
    });
  });

  describe('with credentials and encryption', () => {
    it('takes user and password, from the address or from natsOptions, and says when they are wrong', async () => {
      const own = await startNatsStreaming({ auth: { user: 'me', password: 'p@ss' } });
      const to = { clusterId: own.cluster };
      await connectSession({ ...to, servers: own.url, natsOptions: { user: 'me', pass: 'p@ss' } });
      await connectSession({ ...to, servers: own.url.replace('//', '//me:p%40ss@'), connect: v3 });
      for (const connect of [undefined, v3]) {
        const options = { ...to, servers: own.url, natsOptions: { user: 'me', pass: 'hush' } };
        const error = await startSession({ ...options, ...(connect && { connect }) }).failure();
        expect(error).to.be.instanceOf(AuthenticationError);
        expect(JSON.stringify(error)).to.not.include('hush');
      }
      await closeSessions();
      await own.stop();
    });

    it('takes a token', async () => {
      const own = await startNatsStreaming({ auth: { token: 'hush' } });
      await connectSession({ clusterId: own.cluster, servers: own.url, natsOptions: { token: 'hush' } });
      await connectSession({ clusterId: own.cluster, servers: own.url.replace('//', '//hush@') });
      await closeSessions();
      await own.stop();
    });

    it('says what the user may not do', async () => {
      const nats = await startNatsServer({
        config: `authorization { users: [
          { user: all, password: x },
          { user: mute, password: x, permissions: { publish: "_INBOX.>", subscribe: ">" } },
          { user: deaf, password: x, permissions: { publish: ">", subscribe: "own.>" } } ] }`,
      });
      const own = await startNatsStreaming({
        externalNats: { host: `all:x@${nats.host}`, port: nats.port },
      });
      const to = { clusterId: own.cluster, servers: nats.url };
      const as = (user: string) => ({ natsOptions: { user, pass: 'x' } });
      for (const connect of [undefined, v3]) {
        const over = connect && { connect };
        const mute = await startSession({ ...to, ...as('mute'), ...over }).failure();
        expect(mute).to.be.instanceOf(AuthorizationError);
        expect(mute.message).to.include(`_STAN.discover.${own.cluster}`);
        const deaf = await startSession({ ...to, ...as('deaf'), ...over }).failure();
        expect(deaf).to.be.instanceOf(AuthorizationError);
        expect(deaf.message).to.include('inboxPrefix');
        await connectSession({ ...to, ...as('deaf'), inboxPrefix: 'own.inbox', ...over });
      }
      await closeSessions();
      await own.stop();
      await nats.stop();
    });

    it('speaks TLS, and shows a certificate where one is asked for', async () => {
      const own = await startNatsStreaming({ tls: { verify: true } });
      const { ca, cert, key } = {
        ca: own.certificates?.pem.ca ?? '',
        cert: own.certificates?.pem.clientCert ?? '',
        key: own.certificates?.pem.clientKey ?? '',
      };
      const to = { clusterId: own.cluster, servers: own.url };
      for (const connect of [undefined, v3]) {
        const over = connect && { connect };
        await connectSession({ ...to, natsOptions: { tls: { ca, cert, key } }, ...over });
        expect(await startSession({ ...to, ...over }).failure()).to.be.instanceOf(ConnectionError);
      }
      await closeSessions();
      await own.stop();
    });
  });

  it('speaks through a websocket, on the entry point for browsers too', async () => {
    const own = await startNatsStreaming({ websocket: true });
    const wsFactory = (url: string): { socket: WebSocket; encrypted: boolean } => ({
      ...{ socket: new WebSocket(url), encrypted: false },
    });
    const to = { clusterId: own.cluster, servers: own.wsUrl ?? '', natsOptions: { wsFactory }, ...quick };
    for (const connect of [undefined, connectWeb]) {
      const watched = await connectSession({ ...to, ...(connect && { connect }) });
      expect(await publish(watched)).to.equal('');
      await watched.session.close();
    }
    await own.stop();
  });
});
