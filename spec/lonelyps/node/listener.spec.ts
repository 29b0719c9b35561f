import { createHash } from 'node:crypto';
import { Agent, request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { once } from 'node:events';
import { expect } from 'chai';
import { AuthenticationError, ConnectionError, InUseError, ProtocolError } from '../../../lib/core/errors.js';
import type { AuthSide } from '../../../lib/lonelyps/auth/auth-options.js';
import { signedKinds } from '../../../lib/lonelyps/auth/auth.js';
import { makeSigner } from '../../../lib/lonelyps/auth/signer.js';
import { makeVerifier } from '../../../lib/lonelyps/auth/verifier.js';
import { signed } from '../../../lib/lonelyps/codec/signed.js';
import type { Arrival } from '../../../lib/lonelyps/connection/http.js';
import { nodePlatform } from '../../../lib/lonelyps/node/platform.js';
import { refusal } from '../../support/refusal.js';
import { Log } from '../../support/refusals.js';
import { resources, untilResources } from '../../support/resources.js';
import { until } from '../../support/wait.js';
import { missedBody, post, postMissed, postReceive, receiveBody, type CallbackOptions } from './callback-client.js';
import { makeListening, type Listening, type ListeningOptions } from './listening.js';

const { hashing, random } = nodePlatform;
const identifier = Buffer.from('7e81496653d3b555', 'hex');

describe('lonelyps/node: callbacks of broadcasters', () => {
  let counted: Record<string, number>;
  const started: Listening[] = [];

  beforeEach(async () => {
    // mocha's own timer of a hook that waits is counted before and after
    await Promise.resolve();
    counted = resources();
  });

  afterEach(async () => {
    for (const { listener } of started.splice(0)) await listener.close(0);
    await untilResources(counted);
  });

  async function start(options: ListeningOptions = {}): Promise<Listening & { port: number }> {
    const listening = makeListening(options);
    started.push(listening);
    const { port } = await listening.listener.listen('127.0.0.1', 0);
    return { ...listening, port };
  }

  describe('a message', () => {
    it('arrives whole, and is confirmed as the protocol has it', async () => {
      const { port, arrivals, refused } = await start();
      const answer = await postReceive(port, { identifier });
      expect(answer.status).to.equal(200);
      expect(answer.headers['content-type']).to.equal('application/octet-stream');
      expect(answer.body.toString('hex')).to.equal('000800000000087e81496653d3b55500000001');
      expect(arrivals).to.have.length(1);
      expect(Buffer.from(arrivals[0]!.topic).toString()).to.equal('foo/bar');
      expect(Buffer.from(await arrivals[0]!.body.load()).toString()).to.equal('Hello, world!');
      expect(refused).to.deep.equal([]);
    });

    it('may be empty, on a topic that is empty or as long as it can be', async () => {
      const { port, arrivals } = await start();
      expect((await postReceive(port, { topic: '', message: '' })).status).to.equal(200);
      expect((await postReceive(port, { topic: Buffer.alloc(65_535, 0xff), message: '' })).status).to.equal(200);
      expect(arrivals.map(({ topic, body }) => [topic.length, body.length])).to.deep.equal([
        [0, 0],
        [65_535, 0],
      ]);
    });

    it('is read the same in one byte at a time, with a digest among others', async () => {
      const { port, arrivals } = await start();
      const body = receiveBody({ tracing: Buffer.alloc(300, 1), identifier });
      const digest = createHash('sha512').update('Hello, world!').digest('base64');
      const headers = { 'content-length': body.length, 'repr-digest': `sha-256=AA==, sha-512=${digest}` };
      const req = httpRequest({ port, host: '127.0.0.1', path: '/v1/receive', method: 'POST', headers, agent: false });
      req.setNoDelay(true);
      req.flushHeaders();
      for (const byte of body) {
        await new Promise<void>((resolve) => req.write(Buffer.of(byte), () => setImmediate(resolve)));
      }
      req.end();
      const [res] = (await once(req, 'response')) as [{ statusCode: number; resume(): void }];
      res.resume();
      expect(res.statusCode).to.equal(200);
      expect(Buffer.from(await arrivals[0]!.body.load()).toString()).to.equal('Hello, world!');
    });

    it('may be announced with Expect: 100-continue', async () => {
      const { port } = await start();
      expect((await postReceive(port, { headers: { expect: '100-continue' } })).status).to.equal(200);
    });

    it('goes to disk where it is large', async () => {
      const { port, arrivals } = await start({ spoolSize: 1_000 });
      const message = Buffer.alloc(1_500_000, 'large');
      expect((await postReceive(port, { message })).status).to.equal(200);
      const { body } = arrivals[0]!;
      expect(body.bytes).to.equal(undefined);
      expect(message.equals(await body.load())).to.be.true;
      body.discard();
    });

    it('is held as long as nobody answers, and is answered once', async () => {
      const { port, arrivals } = await start({ onArrival: () => undefined });
      const answered = postReceive(port, { identifier });
      await until(() => arrivals.length === 1);
      arrivals[0]!.accept(5);
      arrivals[0]!.refuse();
      arrivals[0]!.unwanted();
      arrivals[0]!.accept(1);
      expect((await answered).body.toString('hex')).to.equal('000800000000087e81496653d3b55500000005');
    });

    it('that cannot be taken is answered 503, with nothing', async () => {
      const { port, refused } = await start({ onArrival: (arrival) => arrival.refuse() });
      const { status, body } = await postReceive(port);
      expect([status, body.length]).to.deep.equal([503, 0]);
      expect(refused).to.deep.equal([]);
    });

    it('that nobody wants ends its subscription', async () => {
      const { port } = await start({ onArrival: (arrival) => arrival.unwanted() });
      const { status, body } = await postReceive(port);
      expect([status, body.toString('hex')]).to.deep.equal([200, '000a']);
    });

    it('whose broadcaster hung up can be answered all the same', async () => {
      const log = new Log();
      const { port, arrivals } = await start({ onArrival: () => undefined, log });
      const body = receiveBody();
      const digest = createHash('sha512').update('Hello, world!').digest('base64');
      const socket = connect(port, '127.0.0.1');
      socket.write(
        `POST /v1/receive HTTP/1.1\r\nhost: me\r\ncontent-length: ${body.length}\r\nrepr-digest: sha-512=${digest}\r\n\r\n`,
      );
      socket.write(body);
      await until(() => arrivals.length === 1);
      socket.destroy();
      await until(() => resources()['TCPSocketWrap'] === counted['TCPSocketWrap']);
      arrivals[0]!.accept(1);
      expect(log.lines.join()).to.include('hung up before its RECEIVE callback was answered');
    });

    it('can follow another on the same connection', async () => {
      const { port, arrivals } = await start();
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      const sockets = new Set<unknown>();
      const body = receiveBody();
      const digest = createHash('sha512').update('Hello, world!').digest('base64');
      for (let count = 0; count < 3; count++) {
        await new Promise<void>((resolve, reject) => {
          const headers = { 'repr-digest': `sha-512=${digest}` };
          const req = httpRequest({ port, path: '/v1/receive', method: 'POST', agent, headers }, (res) => {
            sockets.add(res.socket);
            res.resume().on('end', resolve);
          });
          req.on('error', reject);
          req.end(body);
        });
      }
      agent.destroy();
      expect(arrivals).to.have.length(3);
      expect(sockets.size).to.equal(1);
    });
  });

  describe('what is not as it should be', () => {
    const cases: Readonly<Record<string, [CallbackOptions, number, RegExp]>> = {
      'no digest': [{ headers: { 'repr-digest': undefined } }, 400, /no SHA-512/],
      'the digest of another algorithm': [{ headers: { 'repr-digest': 'sha-256=AAAA' } }, 400, /no SHA-512/],
      'a digest that is no base64': [{ headers: { 'repr-digest': 'sha-512=!!' } }, 400, /no SHA-512/],
      'a digest of something else': [
        { headers: { 'repr-digest': `sha-512=${Buffer.alloc(64).toString('base64')}` } },
        403,
        /another than its Repr-Digest/,
      ],
      'bytes after the message': [{ extra: Buffer.from('x') }, 400, /1 bytes too many/],
      'fewer bytes than it says': [{ length: 14n }, 400, /1 bytes too short/],
      'a length of 2^63': [{ length: 1n << 63n }, 400, /2\^53/],
      'a length of 2^53 - 1': [{ length: (1n << 53n) - 1n }, 400, /too short/],
      'more than the limit': [{ message: Buffer.alloc(2_000_001) }, 413, /2000001 bytes, and may have 2000000/],
      'no length': [
        { headers: { 'content-length': undefined, 'transfer-encoding': 'chunked' } },
        411,
        /Content-Length/,
      ],
    };
    for (const [title, [options, status, words]] of Object.entries(cases)) {
      it(`${title}: ${status}, an empty answer, and nobody is told of a message`, async () => {
        const { port, arrivals, refused } = await start();
        const answer = await postReceive(port, options);
        expect([answer.status, answer.body.length]).to.deep.equal([status, 0]);
        expect(arrivals).to.deep.equal([]);
        expect(refused).to.have.length(1);
        expect(refused[0]!.message)
          .to.match(words)
          .and.to.include(`refused with ${status}`)
          .and.to.include('127.0.0.1');
        expect((await postReceive(port)).status).to.equal(200);
      });
    }

    it('a body that ends in its head', async () => {
      const { port, refused } = await start();
      const headers = { 'repr-digest': `sha-512=${Buffer.alloc(64).toString('base64')}` };
      const whole = receiveBody();
      for (let length = 0; length < 28; length++) {
        const answer = await post(port, whole.subarray(0, length), { path: '/v1/receive', headers });
        expect(answer.status, `${length} bytes`).to.equal(400);
      }
      expect(refused).to.have.length(28);
      expect(refused[0]).to.be.instanceOf(ProtocolError);
    });

    it('a body that is announced too large is not read', async () => {
      const { port, refused } = await start();
      const socket = connect(port, '127.0.0.1');
      const digest = Buffer.alloc(64).toString('base64');
      socket.write(
        `POST /v1/receive HTTP/1.1\r\nhost: me\r\ncontent-length: 9000000000\r\nrepr-digest: sha-512=${digest}\r\n\r\nsome`,
      );
      const [answer] = (await once(socket, 'data')) as [Buffer];
      expect(answer.toString())
        .to.match(/^HTTP\/1\.1 413 /)
        .and.to.match(/connection: close/i);
      await once(socket, 'close');
      expect(refused[0]!.detail).to.deep.include({ status: 413 });
    });

    it('a connection that is cut in the body leaves nothing', async () => {
      const log = new Log();
      const { port, arrivals, refused } = await start({ spoolSize: 1_000, log });
      const body = receiveBody({ message: Buffer.alloc(200_000) });
      const digest = createHash('sha512').update(Buffer.alloc(200_000)).digest('base64');
      const socket = connect(port, '127.0.0.1');
      socket.write(
        `POST /v1/receive HTTP/1.1\r\nhost: me\r\ncontent-length: ${body.length}\r\nrepr-digest: sha-512=${digest}\r\n\r\n`,
      );
      await new Promise<void>((resolve) => socket.write(body.subarray(0, 100_000), () => resolve()));
      socket.destroy();
      await until(() => log.lines.some((line) => line.includes('cut off')));
      expect(arrivals).to.deep.equal([]);
      expect(refused).to.deep.equal([]);
    });

    it('other paths, other methods', async () => {
      const { port, refused } = await start({ prefix: '/here' });
      const status = async (path: string, method = 'POST'): Promise<number> =>
        (await post(port, Buffer.alloc(0), { path, method, headers: { 'content-length': undefined } })).status;
      expect(await status('/v1/receive')).to.equal(404);
      expect(await status('/here/v1/receive/')).to.equal(404);
      expect(await status('/here/v1/receiver')).to.equal(404);
      expect(await status('/')).to.equal(404);
      expect(await status('/here/v1/receive', 'GET')).to.equal(405);
      expect(await status('/here/v1/recover', 'OPTIONS')).to.equal(405);
      const answer = await post(port, Buffer.alloc(0), { path: '/here/v1/receive', method: 'PUT' });
      expect(answer.headers['allow']).to.equal('POST');
      expect(refused).to.deep.equal([]);
      expect((await postReceive(port, { path: '/here/v1/receive?a=b' })).status).to.equal(200);
    });

    it('more callbacks without an answer than there may be connections', async () => {
      const { port, arrivals } = await start({ maxConnections: 2, onArrival: () => undefined });
      const body = receiveBody();
      const digest = createHash('sha512').update('Hello, world!').digest('base64');
      const head = `POST /v1/receive HTTP/1.1\r\nhost: me\r\ncontent-length: ${body.length}\r\nrepr-digest: sha-512=${digest}\r\n\r\n`;
      const one = Buffer.concat([Buffer.from(head), body]);
      const socket = connect(port, '127.0.0.1');
      let text = '';
      socket.on('data', (part: Buffer) => (text += part.toString()));
      socket.write(Buffer.concat([one, one, one, one]));
      await until(() => arrivals.length === 2);
      arrivals.forEach((arrival) => arrival.accept(1));
      await until(() => text.split('HTTP/1.1 ').length === 5);
      expect(text.match(/HTTP\/1\.1 \d+/g)).to.deep.equal([
        'HTTP/1.1 200',
        'HTTP/1.1 200',
        'HTTP/1.1 503',
        'HTTP/1.1 503',
      ]);
      expect(arrivals).to.have.length(2);
      socket.destroy();
    });
  });

  describe('a miss', () => {
    it('is confirmed at once, and told', async () => {
      const { port, missed } = await start();
      const { status, body } = await postMissed(port, Buffer.from('000000046d697373', 'hex'));
      expect([status, body.toString('hex')]).to.deep.equal([200, '000900000000']);
      expect(missed).to.deep.equal(['miss']);
    });

    it('may have a topic as long as it can be', async () => {
      const { port, missed } = await start();
      expect((await postMissed(port, missedBody(Buffer.alloc(65_535, 'a'), Buffer.alloc(65_535)))).status).to.equal(
        200,
      );
      expect(missed[0]).to.have.length(65_535);
    });

    for (const [title, body, status] of [
      ['no body', Buffer.alloc(0), 400],
      ['a body that is cut off', Buffer.from('000000046d69', 'hex'), 400],
      ['a body with more in it', Buffer.from('000000046d69737300', 'hex'), 400],
      ['a body that is too long', Buffer.alloc(131_075), 413],
    ] as const) {
      it(`with ${title} is refused with ${status}`, async () => {
        const { port, missed, refused } = await start();
        const answer = await postMissed(port, body);
        expect([answer.status, answer.body.length]).to.deep.equal([status, 0]);
        expect(missed).to.deep.equal([]);
        expect(refused[0]).to.be.instanceOf(ProtocolError);
      });
    }
  });

  describe('authorization', () => {
    const toBroadcaster: AuthSide = { type: 'hmac', secret: Uint8Array.from({ length: 64 }, (_, at) => at) };
    const toSubscriber: AuthSide = { type: 'hmac', secret: Uint8Array.from({ length: 64 }, (_, at) => at + 64) };
    const receive = 'http://me/v1/receive#1';
    const recover = 'http://me/v1/recover#1';
    const urls = (): { receive: string; recover: string } => ({ receive, recover });
    const hash = createHash('sha512').update('Hello, world!').digest();
    const topic = Buffer.from('foo/bar');

    /** As the broadcaster signs, so many seconds from now. */
    function receiveAuth(seconds = 0, side = toSubscriber, url = receive): string {
      const signer = makeSigner(side, { hashing, random, now: () => Date.now() + seconds * 1_000 });
      return signer.sign(signedKinds.receive, () => signed.receive(url, topic, identifier, hash));
    }

    const withAuth = (authorization: string | undefined): CallbackOptions => ({
      identifier,
      headers: { authorization },
    });

    it('by token, both ways', async () => {
      const { port, refused } = await start({
        toBroadcaster: { type: 'token', token: 'tb-token' },
        toSubscriber: { type: 'token', token: 'ts-token' },
      });
      const id = Buffer.from('5026cb120269ce00', 'hex');
      const good = await postReceive(port, { identifier: id, headers: { authorization: 'Bearer ts-token' } });
      expect(good.body.toString('hex')).to.equal(
        '0008000f4265617265722074622d746f6b656e0000085026cb120269ce0000000001',
      );
      expect((await postReceive(port)).status).to.equal(401);
      expect((await postReceive(port, withAuth('Bearer tb-token'))).status).to.equal(403);
      expect((await postMissed(port, missedBody('a'))).status).to.equal(401);
      const miss = await postMissed(port, missedBody('a'), withAuth('Bearer ts-token'));
      expect(miss.body.toString('hex')).to.equal('0009000f4265617265722074622d746f6b656e0000');
      expect(refused.every((error) => error instanceof AuthenticationError)).to.be.true;
      expect(String(refused)).to.not.include('-token');
    });

    it('by HMAC, with the fragment of the URL, and signs each answer afresh', async () => {
      const { port } = await start({ toBroadcaster, toSubscriber, urls });
      const verifier = makeVerifier(toBroadcaster, { hashing, now: Date.now });
      for (let count = 0; count < 2; count++) {
        const { status, body } = await postReceive(port, withAuth(receiveAuth()));
        expect(status).to.equal(200);
        const length = body.readUInt16BE(2);
        const authorization = body.subarray(4, 4 + length).toString();
        const rest = (): Uint8Array => signed.confirmReceive(identifier, 1, receive);
        expect(verifier.verify(signedKinds.confirmReceive, rest, new Uint8Array(0), authorization)).to.equal(undefined);
      }
    });

    it('by HMAC for a miss', async () => {
      const { port, missed } = await start({ toBroadcaster, toSubscriber, urls });
      const signer = makeSigner(toSubscriber, { hashing, random, now: Date.now });
      const authorization = signer.sign(signedKinds.missed, () => signed.missed(recover, topic));
      const { status, body } = await postMissed(port, missedBody(topic), withAuth(authorization));
      expect(status).to.equal(200);
      const verifier = makeVerifier(toBroadcaster, { hashing, now: Date.now });
      const given = body.subarray(4, 4 + body.readUInt16BE(2)).toString();
      const rest = (): Uint8Array => signed.confirmMissed(topic, recover);
      expect(verifier.verify(signedKinds.confirmMissed, rest, new Uint8Array(0), given)).to.equal(undefined);
      expect((await postReceive(port, withAuth(authorization))).status, 'for a message').to.equal(403);
      expect(missed).to.deep.equal(['foo/bar']);
    });

    for (const [title, authorization, status] of [
      ['none', (): undefined => undefined, 401],
      ['another secret', (): string => receiveAuth(0, toBroadcaster), 403],
      ['another URL', (): string => receiveAuth(0, toSubscriber, 'http://me/v1/receive#2'), 403],
      ['125 s old', (): string => receiveAuth(-125), 403],
      ['125 s ahead', (): string => receiveAuth(125), 403],
      ['another scheme', (): string => 'Bearer x', 403],
    ] as const) {
      it(`by HMAC: ${title} is refused with ${status}`, async () => {
        const { port, arrivals, refused } = await start({ toBroadcaster, toSubscriber, urls });
        const answer = await postReceive(port, withAuth(authorization()));
        expect([answer.status, answer.body.length]).to.deep.equal([status, 0]);
        expect(arrivals).to.deep.equal([]);
        expect(refused[0]).to.be.instanceOf(AuthenticationError);
      });
    }

    it('by HMAC: one that was used is refused', async () => {
      const { port, arrivals, refused } = await start({ toBroadcaster, toSubscriber, urls });
      const authorization = receiveAuth();
      expect((await postReceive(port, withAuth(authorization))).status).to.equal(200);
      expect((await postReceive(port, withAuth(authorization))).status).to.equal(403);
      expect(arrivals).to.have.length(1);
      expect(refused[0]!.message).to.include('used before');
    });

    it('is looked at before the message is read', async () => {
      const { port } = await start({ toSubscriber });
      const socket = connect(port, '127.0.0.1');
      const body = receiveBody({ message: Buffer.alloc(1_000_000) });
      const digest = createHash('sha512').update(Buffer.alloc(1_000_000)).digest('base64');
      socket.write(
        `POST /v1/receive HTTP/1.1\r\nhost: me\r\ncontent-length: ${body.length}\r\nrepr-digest: sha-512=${digest}\r\n\r\n`,
      );
      socket.write(body.subarray(0, 100));
      const [answer] = (await once(socket, 'data')) as [Buffer];
      expect(answer.toString())
        .to.match(/^HTTP\/1\.1 401 /)
        .and.to.match(/connection: close/i);
      socket.destroy();
    });
  });

  describe('the port', () => {
    it('in use is said so, and nothing is left listening', async () => {
      const { port } = await start();
      const second = makeListening();
      const error = await refusal(second.listener.listen('127.0.0.1', port));
      expect(error).to.be.instanceOf(InUseError);
      expect(error.message).to.include(`127.0.0.1:${port}`).and.to.include('EADDRINUSE');
      await second.listener.close(0);
      const { port: other } = await second.listener.listen('127.0.0.1', 0);
      expect(other).to.be.greaterThan(0);
      await second.listener.close(0);
    });

    it('of an address that this machine does not have is said so', async () => {
      const error = await refusal(makeListening().listener.listen('192.0.2.1', 0));
      expect(error).to.be.instanceOf(ConnectionError);
      expect(error.message).to.include('192.0.2.1').and.to.include('EADDRNOTAVAIL');
      expect(error.retriable).to.be.false;
    });

    it('is free again after close(), also where a connection is open that says nothing', async () => {
      const { port, listener } = await start();
      const socket = connect(port, '127.0.0.1');
      await once(socket, 'connect');
      await listener.close(1_000);
      socket.destroy();
      expect(await refusal(postReceive(port))).to.include({ code: 'ECONNREFUSED' });
    });
  });

  describe('close()', () => {
    it('waits for answers that are owed', async () => {
      const { port, arrivals, listener } = await start({ onArrival: () => undefined });
      const answered = postReceive(port);
      await until(() => arrivals.length === 1);
      const closed = listener.close(5_000);
      arrivals[0]!.accept(1);
      expect((await answered).status).to.equal(200);
      await closed;
    });

    it('answers 503 to what nobody has answered in time, and never confirms it later', async () => {
      const { port, arrivals, listener } = await start({ onArrival: () => undefined });
      const answered = postReceive(port);
      await until(() => arrivals.length === 1);
      await listener.close(20);
      arrivals[0]!.accept(1);
      const { status, body } = await answered;
      expect([status, body.length]).to.deep.equal([503, 0]);
    });

    it('lets a handler that is mounted elsewhere answer 503', async () => {
      const held: Arrival[] = [];
      const { port, listener } = await start({ onArrival: (arrival) => held.push(arrival) });
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      const first = postReceive(port);
      await until(() => held.length === 1);
      const closed = listener.close(5_000);
      // the port is gone, the handler is the same
      const { createServer } = await import('node:http');
      const server = createServer((req, res) => listener.handler(req, res));
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const { port: mounted } = server.address() as { port: number };
      expect((await postReceive(mounted)).status).to.equal(503);
      held[0]!.accept(1);
      expect((await first).status).to.equal(200);
      await closed;
      agent.destroy();
      await new Promise((resolve) => server.close(resolve));
    });
  });
});
