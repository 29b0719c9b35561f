import { expect } from 'chai';
import { connect as connectNats, nkeyAuthenticator, nkeys, type ConnectionOptions } from 'nats';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { publish, pythonStan, subscribe } from '../peers/python-stan.js';
import { isFree } from '../ports.js';
import { until } from '../wait.js';
import { startNatsServer, startNatsStreaming, startNatsStreamingCluster, stopAll } from './index.js';

const text = (value: string): Uint8Array => new TextEncoder().encode(value);

describe('support/brokers', () => {
  before(() => pythonStan());
  afterEach(() => stopAll());

  it('keeps port and data of a server that is killed, and of one that quits', async () => {
    const server = await startNatsStreaming({ store: 'file', needs: 'process' });
    const { url, port, pid } = server;
    await publish({ server, channel: 'a' }, [text('one'), text('two')]);
    await server.kill();
    expect(server.pid).to.equal(undefined);
    expect(await isFree(port)).to.equal(true);
    await server.restart();
    expect(server.pid).to.be.a('number').and.not.equal(pid);
    expect(server.url).to.equal(url);
    await server.quit();
    await server.restart();
    const messages = await subscribe({ server, channel: 'a', count: 2, start: 'first' }).messages;
    expect(messages.map(({ data }) => Buffer.from(data).toString())).to.deep.equal(['one', 'two']);
    const channel = await server.monitor<{ msgs: number }>('/streaming/channelsz?channel=a');
    expect(channel.msgs).to.equal(2);
  });

  it('removes the folder of a stopped server and frees its ports', async () => {
    const server = await startNatsStreaming({ needs: 'process' });
    const { folder = '', port, pid } = server;
    expect(existsSync(folder)).to.equal(true);
    await server.stop();
    await server.stop();
    expect(existsSync(folder)).to.equal(false);
    expect(await isFree(port)).to.equal(true);
    expect(() => process.kill(pid ?? 0, 0)).to.throw();
    expect(await server.restart().catch((reason: unknown) => reason)).to.be.an('error');
  });

  it('pauses and resumes a server', async () => {
    const server = await startNatsStreaming({ needs: 'process' });
    const state = (): string => execFileSync('ps', ['-o', 'stat=', '-p', String(server.pid)], { encoding: 'utf8' });
    await server.pause();
    await until(() => state().startsWith('T'), { message: 'the process to stop' });
    const socket = connect(server.port, server.host);
    let greeting = '';
    socket.setEncoding('utf8').on('data', (chunk: string) => (greeting += chunk));
    await new Promise((resolve) => socket.once('connect', resolve));
    expect(greeting).to.equal('');
    await server.resume();
    await until(() => greeting.startsWith('INFO'));
    socket.destroy();
    await server.pause();
    await server.restart();
    expect(state()).not.to.match(/^T/);
  });

  it('tells the log of a server that does not start', async () => {
    const error = await startNatsStreaming({ config: 'no_such_option {', needs: 'process' }).catch((e: unknown) => e);
    expect(error).to.be.an('error');
    expect((error as Error).message).to.match(/^nats-streaming-server ended with code 1 before it was ready/);
    expect((error as Error).message).to.match(/Its log:\n.+/);
  });

  it('sets heartbeats, limits and cluster id', async () => {
    const server = await startNatsStreaming({
      cluster: 'mine',
      hb: { interval: 1000, timeout: 500, failCount: 2 },
      limits: { channels: 5, messages: 7, age: 60_000, perChannel: { 'a.b': { messages: 1 } } },
    });
    expect(server.cluster).to.equal('mine');
    const store = await server.monitor<{ limits: Record<string, unknown> }>('/streaming/storez');
    expect(store.limits).to.include({ max_channels: 5, max_msgs: 7, max_age: 60_000_000_000 });
    await publish({ server, channel: 'a.b' }, [text('one'), text('two')]);
    expect((await server.monitor<{ msgs: number }>('/streaming/channelsz?channel=a.b')).msgs).to.equal(1);
  });

  describe('security', () => {
    const accepted = async (options: ConnectionOptions): Promise<boolean> => {
      try {
        const client = await connectNats({ ...options, reconnect: false });
        await client.close();
        return true;
      } catch {
        return false;
      }
    };

    it('asks for user and password over TLS', async () => {
      const auth = { user: 'ann', password: 'p"w' };
      const server = await startNatsStreaming({ tls: true, auth, websocket: true });
      expect(server.url).to.match(/^tls:/);
      expect(server.wsUrl).to.match(/^wss:/);
      const tls = { ca: server.certificates?.pem.ca ?? '' };
      const servers = `${server.host}:${server.port}`;
      expect(await accepted({ servers, tls, user: 'ann', pass: 'p"w' })).to.equal(true);
      expect(await accepted({ servers, tls, user: 'ann', pass: 'other' })).to.equal(false);
      expect(await accepted({ servers, user: 'ann', pass: 'p"w', tls: {} })).to.equal(false);
    });

    it('asks for a client certificate', async () => {
      const server = await startNatsStreaming({ tls: { verify: true } });
      const { ca = '', clientCert: cert = '', clientKey: key = '' } = server.certificates?.pem ?? {};
      const servers = `${server.host}:${server.port}`;
      expect(await accepted({ servers, tls: { ca, cert, key } })).to.equal(true);
      expect(await accepted({ servers, tls: { ca } })).to.equal(false);
    });

    it('asks for a token, or an nkey', async () => {
      const withToken = await startNatsStreaming({ auth: { token: 't' }, websocket: true });
      expect(withToken.wsUrl).to.match(/^ws:/);
      expect(await accepted({ servers: withToken.url, token: 't' })).to.equal(true);
      expect(await accepted({ servers: withToken.url, token: 'u' })).to.equal(false);
      const [good, bad] = [nkeys.createUser(), nkeys.createUser()];
      const withKey = await startNatsStreaming({ auth: { nkey: good.getPublicKey() } });
      const authenticator = (pair: typeof good) => nkeyAuthenticator(pair.getSeed());
      expect(await accepted({ servers: withKey.url, authenticator: authenticator(good) })).to.equal(true);
      expect(await accepted({ servers: withKey.url, authenticator: authenticator(bad) })).to.equal(false);
    });
  });

  it('runs apart from a NATS server, which outlives it', async () => {
    const nats = await startNatsServer();
    const server = await startNatsStreaming({ externalNats: nats });
    expect(server.port).to.equal(nats.port);
    expect(await publish({ server, channel: 'a' }, [text('one')])).to.equal(1);
    await server.kill();
    expect(await nats.monitor<{ version: string }>('/varz')).to.include({ version: '2.12.2' });
    await server.restart();
    expect(await publish({ server, channel: 'a' }, [text('two')])).to.equal(1);
  });

  it('starts NATS with JetStream', async () => {
    const nats = await startNatsServer({ jetstream: true, websocket: true });
    expect(await nats.monitor<{ config: { store_dir: string } }>('/jsz')).to.have.property('config');
    expect(nats.wsUrl).to.match(/^ws:/);
  });

  for (const external of [false, true]) {
    it(`elects another leader when the leader of three is killed, over ${external ? 'one' : 'routed'} NATS`, async () => {
      const nats = external ? await startNatsServer() : undefined;
      const cluster = await startNatsStreamingCluster(3, nats ? { externalNats: nats } : {});
      expect(cluster.urls).to.have.lengthOf(external ? 1 : 3);
      const first = await cluster.leader();
      const at = (node: typeof first) => ({ url: node.url, cluster: cluster.cluster });
      await publish({ server: at(first), channel: 'a' }, [text('one')]);
      const dead = await cluster.killLeader();
      expect(dead.id).to.equal(first.id);
      const second = await cluster.leader();
      expect(second.id).not.to.equal(first.id);
      await until(() => publish({ server: at(second), channel: 'a' }, [text('two')]), { timeout: 15_000 });
      await dead.restart();
      const { messages } = subscribe({ server: at(second), channel: 'a', count: 2, start: 'first' });
      expect((await messages).map(({ data }) => Buffer.from(data).toString())).to.deep.equal(['one', 'two']);
    });
  }
});
