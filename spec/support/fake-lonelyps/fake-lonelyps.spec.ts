import { expect } from 'chai';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocket } from 'ws';
import {
  decodeMissedCallback,
  decodeReceiveHead,
  encodeConfirmReceive,
} from '../../../lib/lonelyps/codec/callbacks.js';
import { decodeFromBroadcaster } from '../../../lib/lonelyps/codec/from-broadcaster.js';
import { decodeNotifyAnswer } from '../../../lib/lonelyps/codec/http-answers.js';
import { checkBody, httpPaths, notifyHead, subscribeExactBody } from '../../../lib/lonelyps/codec/http-requests.js';
import { configureMessage, subscribeExactMessage } from '../../../lib/lonelyps/codec/to-broadcaster.js';
import { authOf, chosenAuth, secretsText } from '../brokers/lonelypss-auth.js';
import { PythonLonelypsc, pythonLonelypsc } from '../peers/python-lonelypsc.js';
import { until } from '../wait.js';
import { FakeBroadcaster, sha512, trickle, type FakeCallback } from './index.js';

const text = (value: Uint8Array | undefined): string => Buffer.from(value ?? []).toString();
const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );

describe('support/fake-lonelyps', () => {
  let fake: FakeBroadcaster;

  afterEach(() => fake?.stop());

  describe('requests', () => {
    const topic = Buffer.from('a');
    const message = Buffer.from('hello');
    const identifier = Uint8Array.of(1, 2, 3, 4);
    const body = Buffer.concat([notifyHead(topic, sha512(message), identifier, message.length), message]);
    const notify = (given: Uint8Array = body): Promise<Response> =>
      fetch(`${fake.url}${httpPaths.notify}`, { method: 'POST', body: new Uint8Array(given) });
    const bytes = async (response: Response): Promise<Uint8Array> => new Uint8Array(await response.arrayBuffer());

    beforeEach(async () => {
      fake = await FakeBroadcaster.start();
    });

    it('are answered as by a real one, and noted', async () => {
      const answer = decodeNotifyAnswer(await bytes(await notify()));
      expect(answer).to.include({ notified: 0, authorization: '' });
      expect(Buffer.from(answer.identifier)).to.deep.equal(Buffer.from(identifier));
      expect((await fake.request(httpPaths.notify)).body).to.deep.equal(body);
      const subscribe = (): Promise<Response> =>
        fetch(`${fake.url}${httpPaths.subscribeExact}`, {
          method: 'POST',
          body: new Uint8Array(subscribeExactBody('http://x/v1/receive', topic, undefined)),
        });
      expect([(await subscribe()).status, (await subscribe()).status]).to.deep.equal([200, 409]);
      expect(fake.registrations.list()).to.have.length(1);
      expect((await fetch(`${fake.url}/v1/nothing`, { method: 'POST' })).status).to.equal(404);
      expect((await fetch(`${fake.url}${httpPaths.notify}`)).status).to.equal(405);
      expect((await notify(body.subarray(0, -1))).status).to.equal(400);
    });

    it('are answered by the script, then as before', async () => {
      fake.script(httpPaths.notify, 503, { status: 503, headers: { 'retry-after': '7' } }, { notified: 9 });
      fake.script('*', { body: Buffer.from('garbage') }, { identifier: Uint8Array.of(9) }, () => 404);
      expect((await notify()).status).to.equal(503);
      expect((await notify()).headers.get('retry-after')).to.equal('7');
      expect(decodeNotifyAnswer(await bytes(await notify())).notified).to.equal(9);
      expect(text(await bytes(await notify()))).to.equal('garbage');
      expect([...decodeNotifyAnswer(await bytes(await notify())).identifier]).to.deep.equal([9]);
      expect((await notify()).status).to.equal(404);
      expect((await notify()).status).to.equal(200);
    });

    it('are cut off, reset and left alone', async () => {
      fake.script('*', 'close', 'reset', 'resetEarly', { cutAfter: 3 }, 'hang');
      for (let count = 0; count < 3; count++) expect(await failure(notify())).to.be.an('error');
      const cut = await notify();
      expect(await failure(cut.arrayBuffer())).to.be.an('error');
      const hanging = failure(notify());
      await fake.request(httpPaths.notify, 4);
      await until(() => fake.requestsOf(httpPaths.notify).length === 5);
      fake.cut();
      expect(await hanging).to.be.an('error');
    });

    it('fail while it does not listen', async () => {
      const { port } = fake;
      await fake.deafen();
      expect(await failure(notify())).to.be.an('error');
      await fake.listen();
      expect(fake.port).to.equal(port);
      expect((await notify()).status).to.equal(200);
    });

    it('are refused without the right authorization', async () => {
      await fake.stop();
      const auth = chosenAuth('hmac');
      fake = await FakeBroadcaster.start({ auth });
      const ask = async (authorization?: string): Promise<number> => {
        const headers = authorization === undefined ? undefined : { authorization };
        const request = { method: 'POST', body: new Uint8Array(checkBody('http://x')), ...(headers && { headers }) };
        return (await fetch(`${fake.url}${httpPaths.check}`, request)).status;
      };
      expect([await ask(), await ask('X-HMAC 1:2:3')]).to.deep.equal([401, 403]);
    });
  });

  describe('callbacks', () => {
    let server: Server;
    let url: string;
    const bodies: Buffer[] = [];
    const headers: Record<string, unknown>[] = [];

    beforeEach(async () => {
      fake = await FakeBroadcaster.start({ auth: { toSubscriber: { type: 'token', token: 'secret' } } });
      bodies.length = headers.length = 0;
      server = createServer((request, response) => {
        const parts: Buffer[] = [];
        headers.push(request.headers);
        request.on('error', () => undefined);
        request.on('data', (part: Buffer) => parts.push(part));
        request.on('end', () => {
          const body = Buffer.concat(parts);
          bodies.push(body);
          const head = request.url === '/v1/receive' && body.length > 1 ? decodeReceiveHead(body, true) : undefined;
          response.end(head && encodeConfirmReceive('', head.identifier, 1));
        });
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/receive`;
    });

    afterEach(() => {
      server.closeAllConnections();
      server.close();
    });

    const right = (): FakeCallback => ({ kind: 'receive', url: `${url}#part`, topic: 'a', message: 'hello' });

    it('are right', async () => {
      const result = await fake.post(right());
      expect(result).to.include({ status: 200, confirmed: true, error: undefined, authorization: 'Bearer secret' });
      const head = decodeReceiveHead(bodies[0] ?? Buffer.alloc(0), true);
      expect(head).to.include({ length: 5 });
      expect(text(bodies[0]?.subarray(head?.size))).to.equal('hello');
      expect(headers[0]).to.include({ authorization: 'Bearer secret' });
      expect(headers[0]).to.have.property(
        'repr-digest',
        `sha-512=${Buffer.from(sha512(Buffer.from('hello'))).toString('base64')}`,
      );
      const missed = await fake.post({ kind: 'missed', url: url.replace('receive', 'recover'), topic: 'b' });
      expect(missed).to.include({ status: 200, confirmed: false });
      expect(text(decodeMissedCallback(bodies[1] ?? Buffer.alloc(0)).topic)).to.equal('b');
    });

    it('are wrong', async () => {
      await fake.post({ ...right(), digest: undefined, authorization: undefined, body: Buffer.from('x') });
      expect(headers[0]).to.not.have.any.keys('repr-digest', 'authorization');
      expect(text(bodies[0])).to.equal('x');
      const cut = await fake.post({ ...right(), cutAfter: 4 });
      expect(cut).to.include({ status: undefined, confirmed: false });
      const long = await fake.post({ ...right(), contentLength: 1_000, timeout: 50 });
      expect(long.error?.message).to.include('50 ms');
      const slow = await fake.post({ ...right(), contentLength: undefined, slow: { bytes: 4, every: 1 } });
      expect(slow).to.include({ status: 200, confirmed: true });
      expect(headers.at(-1)).to.have.property('transfer-encoding', 'chunked');
    });

    it('go to those that are subscribed', async () => {
      fake.registrations.add({ url, pattern: { topic: Buffer.from('a') }, recovery: undefined });
      fake.registrations.add({ url, pattern: { glob: '[a-c]' }, recovery: url.replace('receive', 'recover') });
      expect(await fake.publish('a', 'hello')).to.equal(2);
      expect(await fake.publish('d', 'hello')).to.equal(0);
      expect(await fake.missed('b')).to.have.length(1);
    });

    it('come by hand, byte by byte', async () => {
      server.headersTimeout = 1;
      const { port } = server.address() as AddressInfo;
      const done = trickle({ port }, 'GET / HTTP/1.1\r\nconnection: close\r\nhost: x\r\n\r\n', { bytes: 20, every: 1 });
      expect((await done).answer).to.match(/^HTTP\/1.1 \d+/);
    });
  });

  describe('websockets', () => {
    const sockets: WebSocket[] = [];
    const connect = async (): Promise<{ readonly socket: WebSocket; readonly got: Buffer[] }> => {
      const socket = new WebSocket(`${fake.socketUrl}/v1/websocket`, { perMessageDeflate: false });
      const got: Buffer[] = [];
      sockets.push(socket);
      socket.on('message', (data: Buffer) => got.push(data));
      await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
      return { socket, got };
    };
    const configure = configureMessage('', {
      nonce: new Uint8Array(32),
      zstd: false,
      training: false,
      initialDictionary: 0,
    });

    beforeEach(async () => {
      fake = await FakeBroadcaster.start();
    });

    afterEach(() => {
      for (const socket of sockets.splice(0)) socket.terminate();
    });

    it('are served, unless a spec does it', async () => {
      const { socket, got } = await connect();
      const connection = await fake.connection();
      fake.on('subscribeExact', (message, from) => {
        from.missed('b');
        from.serve(message);
      });
      socket.send(configure);
      socket.send(subscribeExactMessage('', Buffer.from('a')));
      await until(() => got.length === 3);
      const kinds = got.map((data) => decodeFromBroadcaster(data).kind);
      expect(kinds).to.deep.equal(['confirmConfigure', 'missed', 'confirmSubscribeExact']);
      expect(connection.subscribed.size).to.equal(1);
      connection.sendRaw('text');
      await until(() => got.length === 4);
      fake.off('subscribeExact');
      socket.send(subscribeExactMessage('', Buffer.from('a')));
      await until(() => connection.closed === 1000);
      expect(connection.faults).to.have.length(1);
    });

    it('get deliveries in parts, with holes in them, and no more than three without an answer', async () => {
      const { socket, got } = await connect();
      const connection = await fake.connection();
      socket.send(configure);
      await until(() => got.length === 1);
      const delivered = connection.deliver('a', 'abcdefghij', { partBytes: 2, partOf: (place) => place * 2 });
      await until(() => got.length === 4);
      const parts = got.slice(1).map((data) => decodeFromBroadcaster(data));
      expect(parts.map((part) => part.kind === 'receive' && part.part)).to.deep.equal([0, 2, 4]);
      socket.close();
      await delivered;
    });

    it('are refused with a status', async () => {
      fake.upgrade = 503;
      const error = await failure(connect());
      expect(error).to.have.property('message').that.includes('503');
    });
  });

  describe('with a client that is not ours', function () {
    this.timeout(60_000);

    before(() => pythonLonelypsc());

    for (const kind of ['none', 'token', 'hmac'] as const) {
      for (const transport of ['http', 'websocket'] as const) {
        it(`gives and takes over ${transport}, ${kind}`, async () => {
          const auth = chosenAuth(kind);
          const text = secretsText(auth);
          expect(authOf(text)).to.deep.equal(auth);
          // Its counter of signed messages moves once for a delivery in parts, and the broadcaster's with each part.
          const parts = kind === 'hmac' ? {} : { maxFrameBytes: 4_096 };
          fake = await FakeBroadcaster.start({ auth, ...parts });
          const server = { url: fake.url, socketUrl: fake.socketUrl, secrets: () => text };
          const peer = await PythonLonelypsc.start(server, { transport, maxFrameBytes: 4_096 });
          const subscription = await peer.subscribe({ exact: ['a'], glob: ['b/*'] });
          expect((await peer.notify('a', 'one')).notified).to.equal(1);
          expect((await peer.notify('b/c', 10_000)).notified).to.equal(1);
          expect(await fake.publish('b/d', 'three')).to.equal(1);
          const [one, two, three] = await subscription.take(3);
          expect(Buffer.from(one?.value ?? []).toString()).to.equal('one');
          expect(two?.sha512).to.equal(two?.announced);
          expect(two?.length).to.equal(10_000);
          expect(Buffer.from(three?.value ?? []).toString()).to.equal('three');
          const before = await peer.events();
          if (transport === 'http') expect((await fake.missed('a'))[0]?.confirmed).to.equal(true);
          else fake.connections[0]?.missed('a');
          await until(async () => (await peer.events()).slice(before.length).join() === 'lost,established');
          await subscription.stop();
          expect((await peer.notify('a', 'nobody')).notified).to.equal(0);
          expect(fake.connections.flatMap(({ faults }) => faults)).to.deep.equal([]);
          await peer.stop();
        });
      }
    }
  });
});
