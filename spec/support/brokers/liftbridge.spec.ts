import { expect } from 'chai';
import { connect as connectNats } from 'nats';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { connect as connectTls } from 'node:tls';
import { unique } from '../names.js';
import { gufoLiftbridge, GufoLiftbridge } from '../peers/gufo-liftbridge.js';
import { isFree } from '../ports.js';
import { until, within } from '../wait.js';
import { startLiftbridge, startLiftbridgeCluster, stopAll, type LiftbridgeServer } from './index.js';
import { fetchMetadata } from './liftbridge-metadata.js';

describe('support/brokers/liftbridge', () => {
  const peers: GufoLiftbridge[] = [];
  const peerOf = async (...urls: string[]): Promise<GufoLiftbridge> => {
    const peer = await GufoLiftbridge.start(...urls);
    peers.push(peer);
    return peer;
  };
  const message = (text: string): { readonly value: Uint8Array } => ({ value: new TextEncoder().encode(text) });
  const texts = (messages: readonly { readonly value: Uint8Array }[]): string[] =>
    messages.map(({ value }) => Buffer.from(value).toString());
  const streamsOf = async (server: LiftbridgeServer): Promise<string> =>
    (await fetchMetadata(server, 5_000)).toString();

  before(() => gufoLiftbridge());
  afterEach(async () => {
    await Promise.all(peers.splice(0).map((peer) => peer.stop()));
    await stopAll();
  });

  it('is ready for streams, has cursors, and tells clients to connect to where they do', async () => {
    const server = await startLiftbridge();
    expect(await streamsOf(server))
      .to.include('__cursors')
      .and.include('__activity')
      .and.include(server.host);
    expect(server.url).to.equal(`${server.host}:${server.port}`);
    const peer = await peerOf(server.url);
    const stream = unique('stream');
    await peer.createStream(stream);
    const nats = await connectNats({ servers: server.natsUrl ?? '' });
    nats.publish(stream, 'over NATS');
    await nats.flush();
    await nats.close();
    expect(texts(await peer.subscribe(stream, { count: 1 }))).to.deep.equal(['over NATS']);
  });

  it('keeps ports and data of a server that is killed, and of one that quits', async () => {
    const server = await startLiftbridge({ needs: 'process' });
    const { url, natsUrl, port, pid } = server;
    const stream = unique('stream');
    const peer = await peerOf(url);
    await peer.createStream(stream);
    await peer.publishBulk(stream, [message('one')]);
    await server.kill();
    expect(server.pid).to.equal(undefined);
    expect(await isFree(port)).to.equal(true);
    await server.restart();
    expect(server.pid).to.be.a('number').and.not.equal(pid);
    await server.quit();
    await server.restart();
    expect(server).to.include({ url, natsUrl });
    // Until something is published, what was not yet checkpointed stays hidden.
    expect(await peer.publishBulk(stream, [message('two')])).to.deep.equal([1n]);
    expect(texts(await peer.subscribe(stream, { count: 2 }))).to.deep.equal(['one', 'two']);
  });

  it('removes the folder of a stopped server and frees its ports', async () => {
    const server = await startLiftbridge({ needs: 'process' });
    const { folder = '', port, pid = 0, natsUrl = '' } = server;
    await server.stop();
    await server.stop();
    expect(existsSync(folder)).to.equal(false);
    expect(await Promise.all([port, Number(new URL(natsUrl).port)].map(isFree))).to.deep.equal([true, true]);
    expect(() => process.kill(pid, 0)).to.throw();
    expect(await server.restart().catch((reason: unknown) => reason)).to.be.an('error');
  });

  it('pauses and resumes a server', async () => {
    const server = await startLiftbridge({ needs: 'process' });
    const state = (): string => execFileSync('ps', ['-o', 'stat=', '-p', String(server.pid)], { encoding: 'utf8' });
    await server.pause();
    await until(() => state().startsWith('T'), { message: 'the process to stop' });
    expect(await fetchMetadata(server, 100).catch((reason: unknown) => reason)).to.be.an('error');
    await server.resume();
    expect(await streamsOf(server)).to.include('__cursors');
  });

  it('has the settings of a spec', async () => {
    const server = await startLiftbridge({
      cursors: false,
      encryptionKey: '0123456789abcdef',
      maxPayload: 2_000_000,
      groups: { consumerTimeout: 1_500 },
      streams: { segmentMaxBytes: 4_096 },
      settings: { 'clustering.min.insync.replicas': 1 },
      needs: 'process',
    });
    expect(await streamsOf(server))
      .to.include('__activity')
      .and.not.include('__cursors');
    expect(await server.monitor('/varz')).to.include({ max_payload: 2_000_000 });
    const config = readFileSync(`${server.folder}/server.conf`, 'utf8').split('\n');
    expect(config).to.include.members([
      'groups.consumer.timeout: "1500ms"',
      'groups.coordinator.timeout: "2000ms"',
      'streams.segment.max.bytes: 4096',
      'clustering.min.insync.replicas: 1',
    ]);
    const environment = readFileSync(`/proc/${server.pid}/environ`, 'utf8').split('\0');
    expect(environment).to.include('LIFTBRIDGE_ENCRYPTION_KEY=0123456789abcdef');
  });

  it('tells the log of a server that does not start', async () => {
    const error = await startLiftbridge({ settings: { 'no.such': 1 }, needs: 'process' }).catch((e: unknown) => e);
    expect(error)
      .to.have.property('message')
      .that.matches(/^Liftbridge \(n1\) ended with .+ before it was ready/);
    expect(error).to.have.property('message').that.includes('no.such');
  });

  describe('security', () => {
    it('speaks TLS', async () => {
      const server = await startLiftbridge({ tls: true });
      expect(await streamsOf({ ...server, certificates: undefined }).catch((e: unknown) => e)).to.be.an('error');
      expect(await streamsOf(server)).to.include('__cursors');
    });

    it('asks for a client certificate', async () => {
      const server = await startLiftbridge({ tls: { verify: true } });
      expect(await streamsOf(server)).to.include('__cursors');
      const { host, port, certificates } = server;
      const stranger = connectTls({ host, port, ca: certificates?.pem.ca, ALPNProtocols: ['h2'] });
      stranger.on('error', () => undefined);
      const closed = new Promise((resolve) => stranger.once('close', resolve));
      await within(closed, 5_000, 'the connection without a certificate to close');
    });

    it('lets a client do what the policy says', async () => {
      const allowed = await startLiftbridge({ acl: ['client, *, FetchMetadata', 'client, a, Publish'] });
      expect(await streamsOf(allowed)).to.include('__cursors');
      const denied = await startLiftbridge({ acl: ['somebody, *, FetchMetadata'] });
      const error = await streamsOf(denied).catch((reason: unknown) => reason);
      expect(error).to.have.property('message').that.includes('not authorized');
    });
  });

  describe('at an address', () => {
    const variables = ['RX_WEIR_LIFTBRIDGE', 'RX_WEIR_LIFTBRIDGE_NATS'];
    const previous = variables.map((name) => process.env[name]);

    afterEach(() => {
      for (const [index, name] of variables.entries()) {
        const value = previous[index];
        if (value === undefined) {
          delete process.env[name];
        } else {
          process.env[name] = value;
        }
      }
    });

    it('is what the environment says, and cannot be controlled', async () => {
      process.env['RX_WEIR_LIFTBRIDGE'] = '127.0.0.1:5999';
      process.env['RX_WEIR_LIFTBRIDGE_NATS'] = '127.0.0.1:5998';
      const server = await startLiftbridge();
      const facts = { kind: 'address', port: 5999, url: '127.0.0.1:5999', natsUrl: 'nats://127.0.0.1:5998' };
      expect(server).to.include(facts);
      expect(await server.kill().catch((reason: unknown) => reason)).to.be.an('error');
      delete process.env['RX_WEIR_LIFTBRIDGE_NATS'];
      expect((await startLiftbridge()).natsUrl).to.equal(undefined);
    });
  });

  it('goes on with two of three nodes, and has the third catch up', async () => {
    const cluster = await startLiftbridgeCluster();
    expect([0, 1, 2].map((index) => cluster.idOf(index))).to.deep.equal(['n1', 'n2', 'n3']);
    expect(() => cluster.node('n4')).to.throw('n4');
    for (const node of cluster.nodes) {
      expect(await streamsOf(node))
        .to.include('__cursors')
        .and.include('n1')
        .and.include('n2')
        .and.include('n3');
    }
    const stream = unique('stream');
    const first = await peerOf(...cluster.urls);
    await first.createStream(stream, { replicas: 3 });
    await cluster.untilKnown(stream);
    expect(await first.publishBulk(stream, [message('one')], { ack: 'all' })).to.deep.equal([0n]);
    await cluster.kill(0);
    const second = await peerOf(...cluster.urls.slice(1));
    await until(() => second.publishBulk(stream, [message('two')], { ack: 'all' }), { timeout: 40_000 });
    await cluster.restart('n1');
    expect(texts(await second.subscribe(stream, { count: 2 }))).to.deep.equal(['one', 'two']);
    const pids = cluster.nodes.map(({ pid = 0 }) => pid);
    await cluster.stop();
    for (const pid of pids) {
      expect(() => process.kill(pid, 0)).to.throw();
    }
  }).timeout(90_000);
});
