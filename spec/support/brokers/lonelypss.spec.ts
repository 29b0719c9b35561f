import { expect } from 'chai';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { decodeMissedCallback } from '../../../lib/lonelyps/codec/callbacks.js';
import { httpPaths, subscribeExactBody } from '../../../lib/lonelyps/codec/http-requests.js';
import { removeFolder, temporaryFolder } from '../guard.js';
import { PythonLonelypsc } from '../peers/python-lonelypsc.js';
import { freePort, isFree } from '../ports.js';
import { until } from '../wait.js';
import { lonelypss, startLonelypss, stopAll, type LonelypssServer } from './index.js';

describe('support/brokers/lonelypss', function () {
  this.timeout(60_000);
  const peers: PythonLonelypsc[] = [];
  const peerOf = async (server: LonelypssServer, transport: 'http' | 'websocket'): Promise<PythonLonelypsc> => {
    const peer = await PythonLonelypsc.start(server, { transport });
    peers.push(peer);
    return peer;
  };
  const failure = (promise: Promise<unknown>): Promise<unknown> => promise.catch((error: unknown) => error);
  /** The status of a request for nothing, which is 400 where it is there at all. */
  const status = async (server: LonelypssServer): Promise<number> =>
    (await fetch(`${server.url}/v1/notify`, { method: 'POST', signal: AbortSignal.timeout(500) })).status;

  before(() => lonelypss());
  afterEach(async () => {
    await Promise.all(peers.splice(0).map((peer) => peer.kill()));
    await stopAll();
  });

  it('is ready, and has the secrets that it tells', async () => {
    const server = await startLonelypss({ auth: { toBroadcaster: 'hmac', toSubscriber: 'token' }, needs: 'control' });
    const { auth, url, socketUrl, port } = server;
    expect([url, socketUrl]).to.deep.equal([`http://127.0.0.1:${port}`, `ws://127.0.0.1:${port}`]);
    expect(await status(server)).to.equal(400);
    expect([auth.toBroadcaster.type, auth.toSubscriber.type]).to.deep.equal(['hmac', 'token']);
    const file = JSON.parse(server.secrets()) as Record<string, { readonly type: string; readonly secret: string }>;
    expect(file['to-broadcaster']?.secret).to.have.length(86);
    expect(file).to.include({ version: '2' });
    const other = await startLonelypss({ auth, needs: 'control' });
    expect(other.secrets()).to.equal(server.secrets());
  });

  it('keeps its port, and its database where that was asked for', async () => {
    const [kept, lost] = await Promise.all([
      startLonelypss({ database: true }),
      startLonelypss({ needs: 'control', minimalHeaders: false, zstd: false }),
    ]);
    for (const server of [kept, lost]) {
      const { port, pid } = server;
      const peer = await peerOf(server, 'http');
      await peer.subscribe({ exact: ['a'] });
      expect(server.cpu()).to.be.greaterThan(0);
      await server.kill();
      expect(() => server.cpu()).to.throw('does not run');
      expect(await isFree(port)).to.equal(true);
      await server.restart();
      expect(server).to.include({ port }).and.not.include({ pid });
      expect((await peer.notify('a', 'again')).notified).to.equal(server === kept ? 1 : 0);
    }
  });

  it('is paused and resumed', async () => {
    const server = await startLonelypss({ needs: 'control' });
    const state = (): string => execFileSync('ps', ['-o', 'stat=', '-p', String(server.pid)], { encoding: 'utf8' });
    await server.pause();
    await until(() => state().startsWith('T'), { message: 'the process to stop' });
    expect(await failure(status(server))).to.have.property('name', 'TimeoutError');
    await server.resume();
    expect(await status(server)).to.equal(400);
  });

  it('leaves nothing behind', async () => {
    const port = await freePort();
    const server = await startLonelypss({ port });
    const { folder = '', pid = 0 } = server;
    expect(server.port).to.equal(port);
    await server.stop();
    await server.stop();
    expect(existsSync(folder)).to.equal(false);
    expect(await isFree(port)).to.equal(true);
    expect(() => process.kill(pid, 0)).to.throw();
    expect(await failure(server.restart())).to.be.an('error');
  });

  it('delivers long messages to websockets in parts, also between two of one database', async () => {
    const folder = await temporaryFolder();
    const database = join(folder, 'subscriptions.db');
    const first = await startLonelypss({ database, maxFrameBytes: 4_096 });
    const second = await startLonelypss({ database, maxFrameBytes: 4_096 });
    const subscriber = await peerOf(first, 'websocket');
    const notifier = await peerOf(second, 'http');
    const subscription = await subscriber.subscribe({ glob: ['a/*'] });
    await until(async () => (await notifier.notify('a/b', 10_000)).notified === 1);
    const [message] = await subscription.take(1);
    expect(message).to.include({ length: 10_000 });
    await stopAll();
    await removeFolder(folder);
  });

  it('tells that a message was missed as soon as it sweeps', async () => {
    const server = await startLonelypss({ sweepInterval: 100 });
    const topics: string[] = [];
    const recovery = createServer((callback, response) => {
      callback.on('data', (part: Buffer) => topics.push(Buffer.from(decodeMissedCallback(part).topic).toString()));
      callback.on('end', () => response.end());
    });
    await new Promise<void>((resolve) => recovery.listen(0, '127.0.0.1', resolve));
    const { port } = recovery.address() as AddressInfo;
    const nobody = `http://127.0.0.1:${await freePort()}/v1/receive`;
    const body = subscribeExactBody(nobody, Buffer.from('a'), `http://127.0.0.1:${port}/v1/recover`);
    await fetch(`${server.url}${httpPaths.subscribeExact}`, { method: 'POST', body: new Uint8Array(body) });
    const peer = await peerOf(server, 'http');
    expect((await peer.notify('a', 'nobody hears it')).notified).to.equal(0);
    await until(() => topics.length > 0, { timeout: 30_000, message: 'a MISSED callback' });
    expect(topics[0]).to.equal('a');
    await server.stop();
    recovery.closeAllConnections();
    recovery.close();
  });

  it('speaks TLS', async () => {
    const server = await startLonelypss({ tls: true });
    expect(server.url).to.match(/^https:/);
    expect(server.socketUrl).to.match(/^wss:/);
    const ca = server.certificates?.pem.ca;
    const answered = await new Promise<number | undefined>((resolve, reject) => {
      const call = request(`${server.url}/v1/notify`, { method: 'POST', ca, agent: false }, (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      call.on('error', reject).end();
    });
    expect(answered).to.equal(400);
  });

  it('tells the log of a server that does not start', async () => {
    const error = await failure(startLonelypss({ database: '/no/such/folder/file.db' }));
    expect(error)
      .to.have.property('message')
      .that.matches(/^lonelypss ended with code \d+ before it was ready/);
  });

  describe('at an address', () => {
    const variables = ['RX_WEIR_LONELYPS', 'RX_WEIR_LONELYPS_SECRETS'];
    const previous = variables.map((name) => process.env[name]);

    afterEach(() => {
      for (const [index, name] of variables.entries()) {
        const value = previous[index];
        if (value === undefined) delete process.env[name];
        else process.env[name] = value;
      }
    });

    it('is what the environment says, and cannot be controlled', async () => {
      process.env['RX_WEIR_LONELYPS'] = '127.0.0.1:5999';
      delete process.env['RX_WEIR_LONELYPS_SECRETS'];
      const server = await startLonelypss({ auth: 'none' });
      const facts = { kind: 'address', port: 5999, url: 'http://127.0.0.1:5999', socketUrl: 'ws://127.0.0.1:5999' };
      expect(server).to.include(facts);
      expect(() => server.cpu()).to.throw('control');
      expect(await failure(server.kill())).to.be.an('error');
    });

    it('refuses an authorization that it has not got', async () => {
      process.env['RX_WEIR_LONELYPS'] = '127.0.0.1:5999';
      delete process.env['RX_WEIR_LONELYPS_SECRETS'];
      const error = await failure(startLonelypss({ auth: 'hmac' }));
      expect(error).to.have.property('message').that.includes('RX_WEIR_LONELYPS_SECRETS');
      const folder = await temporaryFolder();
      const file = join(folder, 'subscriber-secrets.json');
      const secrets = '{"version":"2","to-subscriber":{"type":"token","secret":"ts"}}';
      await writeFile(file, secrets);
      process.env['RX_WEIR_LONELYPS_SECRETS'] = file;
      const server = await startLonelypss({ auth: { toSubscriber: 'token' } });
      expect(server.auth).to.deep.equal({
        toBroadcaster: { type: 'none' },
        toSubscriber: { type: 'token', token: 'ts' },
      });
      expect(server.secrets()).to.equal(secrets);
      await removeFolder(folder);
    });
  });
});
