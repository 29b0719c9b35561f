import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { createServer as createTcpServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { expect } from 'chai';
import {
  BrokerTimeoutError,
  ClosedError,
  ConnectionError,
  InvalidOptionError,
  ProtocolError,
  PublishError,
} from '../../../lib/core/errors.js';
import { MemoryBody, type Body } from '../../../lib/lonelyps/body.js';
import type { HttpClient, HttpClientOptions, HttpFailure, HttpRequest } from '../../../lib/lonelyps/connection/http.js';
import { nodePlatform } from '../../../lib/lonelyps/node/platform.js';
import { startSpool } from '../../../lib/lonelyps/node/spool.js';
import { sharedCertificates } from '../../support/certificates.js';
import { freePort } from '../../support/ports.js';
import { resources, untilResources } from '../../support/resources.js';
import { until } from '../../support/wait.js';

describe('lonelyps/node: requests to a broadcaster', () => {
  let counted: Record<string, number>;
  const ends: (() => Promise<unknown>)[] = [];

  before(() => nodePlatform.load('http'));

  beforeEach(async () => {
    // mocha's own timer of a hook that waits is counted before and after
    await Promise.resolve();
    counted = resources();
  });

  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
    await untilResources(counted);
  });

  async function listen(server: Server): Promise<string> {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const sockets = new Set<Socket>();
    server.on('connection', (socket: Socket) => sockets.add(socket));
    ends.push(() => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(resolve));
    });
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  const serve = (answer: RequestListener): Promise<string> => listen(createServer(answer));

  const serveRaw = (answer: (socket: Socket) => void): Promise<string> =>
    listen(
      createTcpServer((socket) => {
        socket.on('error', () => undefined);
        answer(socket);
      }),
    );

  function client(options: Partial<HttpClientOptions> = {}): HttpClient {
    const { http } = nodePlatform;
    const made = http!.client({
      tls: undefined,
      connections: 4,
      connectTimeout: 5_000,
      totalTimeout: 5_000,
      ...options,
    });
    ends.push(() => made.close(0));
    return made;
  }

  const request = (base: string, more: Partial<HttpRequest> = {}): HttpRequest => ({
    base,
    path: '/v1/notify',
    authorization: '',
    head: Buffer.from('head'),
    ...more,
  });

  async function failure(answer: Promise<unknown>): Promise<HttpFailure> {
    try {
      await answer;
    } catch (error) {
      return error as HttpFailure;
    }
    return expect.fail('it was answered');
  }

  it('posts head and body in one request with its length, and gives back what was answered', async () => {
    const seen: IncomingMessage[] = [];
    const base = await serve((req, res) => {
      seen.push(req);
      void textOf(req).then((text) =>
        res.writeHead(200, { 'content-type': 'application/octet-stream' }).end(`got ${text}`),
      );
    });
    const answer = await client().post(
      request(`${base}/prefix`, { authorization: 'Bearer tb-token', body: memory(Buffer.from('-body')) }),
    );
    expect(answer).to.deep.include({ status: 200, retryAfter: undefined });
    expect(Buffer.from(answer.body).toString()).to.equal('got head-body');
    const [req] = seen;
    expect([req?.method, req?.url]).to.deep.equal(['POST', '/prefix/v1/notify']);
    expect(req?.headers).to.deep.include({
      'content-type': 'application/octet-stream',
      'content-length': '9',
      authorization: 'Bearer tb-token',
    });
  });

  it('sends no authorization where there is none, and takes an empty answer', async () => {
    let names: string[] = [];
    const base = await serve((req, res) => {
      names = Object.keys(req.headers);
      res.writeHead(409).end();
    });
    const answer = await client().post(request(base));
    expect(answer.status).to.equal(409);
    expect(answer.body).to.have.length(0);
    expect(names).to.not.include('authorization');
  });

  it('uses a connection again, and no more of them than it may', async () => {
    const ports = new Set<number | undefined>();
    const base = await serve((req, res) => {
      ports.add(req.socket.remotePort);
      req.resume().on('end', () => res.end('ok'));
    });
    const posting = client({ connections: 2 });
    await Promise.all(Array.from({ length: 20 }, () => posting.post(request(base))));
    await Promise.all(Array.from({ length: 20 }, () => posting.post(request(base))));
    expect(ports.size).to.equal(2);
  });

  it('follows no redirect', async () => {
    const base = await serve((_req, res) => res.writeHead(302, { location: '/elsewhere' }).end());
    expect((await client().post(request(base))).status).to.equal(302);
  });

  it('tells when a broadcaster wants to be asked again', async () => {
    const base = await serve((_req, res) => res.writeHead(503, { 'retry-after': '7' }).end());
    expect(await client().post(request(base))).to.deep.include({ status: 503, retryAfter: 7_000 });
  });

  for (const [where, spoolSize] of [
    ['memory', 8_000_000],
    ['a file', 1_000],
  ] as const) {
    it(`streams a large body out of ${where}, twice the same`, async () => {
      const writer = startSpool(spoolSize);
      const bytes = Buffer.alloc(5_000_000, 'a large body ');
      for (let at = 0; at < bytes.length; at += 65_536) await writer.write(bytes.subarray(at, at + 65_536));
      const body = await writer.end();
      const base = await serve((req, res) => {
        void bytesOf(req).then((got) => {
          const same = got.subarray(4).equals(bytes) && req.headers['content-length'] === String(bytes.length + 4);
          res.end(same ? 'same' : 'other');
        });
      });
      const posting = client();
      for (let time = 0; time < 2; time++) {
        expect(Buffer.from((await posting.post(request(base, { body }))).body).toString()).to.equal('same');
      }
      body.discard();
    });
  }

  it('reads a large body no faster than it is taken', async () => {
    let read = 0;
    const body = madeOf(400, () => {
      read++;
      return Buffer.alloc(65_536);
    });
    let taken: (() => void) | undefined;
    const base = await serve((req, res) => {
      taken = () => req.resume();
      req.on('end', () => res.end());
    });
    const answer = client().post(request(base, { body }));
    await until(() => taken !== undefined && read > 0);
    // whatever fits between the two has gone when the count stands still
    let last = -1;
    await until(
      () => {
        const still = read === last;
        last = read;
        return still;
      },
      { every: 100 },
    );
    expect(read).to.be.lessThan(300);
    taken!();
    expect((await answer).status).to.equal(200);
    expect(read).to.equal(400);
  });

  it('takes a refusal that comes before the whole body was sent', async () => {
    const base = await serve((_req, res) => res.writeHead(401, { connection: 'close' }).end());
    const body = madeOf(1_000, () => Buffer.alloc(65_536));
    const outcome = await client()
      .post(request(base, { body }))
      .catch((error: unknown) => error as HttpFailure);
    // the reset that follows may overtake the answer, as with any client
    if ('status' in outcome) expect(outcome.status).to.equal(401);
    else expect(outcome.written).to.be.true;
  });

  describe('failures', () => {
    it('nobody listens: nothing was written', async () => {
      const { error, written } = await failure(client().post(request(`http://127.0.0.1:${await freePort()}`)));
      expect(written).to.be.false;
      expect(error).to.be.instanceOf(ConnectionError);
      expect(error.retriable).to.be.true;
      expect(error.message).to.match(/http:\/\/127\.0\.0\.1:\d+.*nobody listens there.*ECONNREFUSED/);
    });

    it('the name has no address: nothing was written', async () => {
      const { error, written } = await failure(client().post(request('http://no-such-host.invalid:3003')));
      expect(written).to.be.false;
      expect(error).to.be.instanceOf(ConnectionError);
    });

    it('the connection ends before the answer: it may have been written', async () => {
      const base = await serveRaw((socket) => socket.once('data', () => socket.destroy()));
      const { error, written } = await failure(client().post(request(base)));
      expect(written).to.be.true;
      expect(error).to.be.instanceOf(ConnectionError);
      expect(error.message).to.include('before the answer to POST /v1/notify');
    });

    it('the connection ends in the answer', async () => {
      const base = await serveRaw((socket) =>
        socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf')),
      );
      expect((await failure(client().post(request(base)))).written).to.be.true;
    });

    it('what answers is no HTTP', async () => {
      const base = await serveRaw((socket) => socket.once('data', () => socket.end('220 smtp.example.com\r\n')));
      const { error, written } = await failure(client().post(request(base)));
      expect(error).to.be.instanceOf(ProtocolError);
      expect(written).to.be.true;
    });

    it('an answer without end is cut', async () => {
      const base = await serve((_req, res) => {
        res.writeHead(200);
        const more = (): void => {
          while (!res.destroyed && res.write(Buffer.alloc(65_536)));
        };
        res.on('drain', more);
        more();
      });
      const { error, written } = await failure(client().post(request(base)));
      expect(error).to.be.instanceOf(ProtocolError);
      expect(error.message).to.include('1048576 bytes');
      expect(written).to.be.true;
    });

    it('no answer within totalTimeout', async () => {
      const base = await serve((req) => req.resume());
      const { error, written } = await failure(client({ totalTimeout: 50 }).post(request(base)));
      expect(error).to.be.instanceOf(BrokerTimeoutError);
      expect(error.message).to.include('50 ms (totalTimeout)');
      expect(written).to.be.true;
    });

    it('no connection is free within totalTimeout: nothing was written, then or later', async () => {
      let requests = 0;
      let answer: (() => void) | undefined;
      const base = await serve((req, res) => {
        requests++;
        answer = () => res.end();
        req.resume();
      });
      const stop = new AbortController();
      const posting = client({ connections: 1 });
      const first = posting.post(request(base));
      await until(() => requests === 1);
      const second = failure(posting.post(request(base, { signal: stop.signal })));
      stop.abort();
      const { error, written } = await second;
      expect(written).to.be.false;
      expect(error).to.be.instanceOf(ClosedError);
      answer!();
      await first;
      const third = posting.post(request(base));
      await until(() => requests === 2);
      answer!();
      await third;
      expect(requests).to.equal(2);
    });

    it('a signal gives up what runs, with its own reason', async () => {
      const reason = new PublishError('for a reason');
      const stop = new AbortController();
      const base = await serve((req) => {
        req.resume();
        stop.abort(reason);
      });
      expect(await failure(client().post(request(base, { signal: stop.signal })))).to.deep.equal({
        error: reason,
        written: true,
      });
      expect(await failure(client().post(request(base, { signal: stop.signal })))).to.deep.equal({
        error: reason,
        written: false,
      });
    });

    it('a body that cannot be read to its end is never sent whole', async () => {
      const error = new PublishError('the file has changed');
      let complete = false;
      const base = await serve((req, res) => {
        req.resume().on('end', () => {
          complete = true;
          res.end();
        });
        req.on('error', () => undefined);
      });
      const body = madeOf(3, (at) => {
        if (at === 2) throw error;
        return Buffer.alloc(65_536);
      });
      expect((await failure(client().post(request(base, { body })))).error).to.equal(error);
      expect(complete).to.be.false;
    });
  });

  it('after close() nothing is sent', async () => {
    const posting = client();
    await posting.close(100);
    const { error, written } = await failure(posting.post(request('http://127.0.0.1:1')));
    expect(error).to.be.instanceOf(ClosedError);
    expect(written).to.be.false;
  });

  it('close() waits for what runs', async () => {
    let answer: (() => void) | undefined;
    const base = await serve((req, res) => {
      req.resume();
      answer = () => res.end('late');
    });
    const posting = client();
    const posted = posting.post(request(base));
    await until(() => answer !== undefined);
    const closed = posting.close(5_000);
    answer!();
    await closed;
    expect(Buffer.from((await posted).body).toString()).to.equal('late');
  });

  it('close() cuts what runs for too long, also what waits for a connection', async () => {
    const base = await serve((req) => req.resume());
    const posting = client({ connections: 1 });
    const first = failure(posting.post(request(base)));
    const second = failure(posting.post(request(base)));
    await posting.close(20);
    expect((await first).error).to.be.instanceOf(ClosedError);
    expect(await second).to.deep.include({ written: false });
  });

  describe('over TLS', () => {
    async function serveTls(): Promise<string> {
      const { serverCert, serverKey } = await sharedCertificates();
      const [cert, key] = await Promise.all([readFile(serverCert), readFile(serverKey)]);
      return (await listen(createTlsServer({ cert, key }, (_req, res) => res.end('safe')))).replace('http:', 'https:');
    }

    it('trusts the authority that it is given', async () => {
      const { pem } = await sharedCertificates();
      const base = await serveTls();
      const answer = await client({ tls: { ca: pem.ca } }).post(request(base));
      expect(Buffer.from(answer.body).toString()).to.equal('safe');
    });

    it('trusts nobody else', async () => {
      const { error, written } = await failure(client().post(request(await serveTls())));
      expect(written).to.be.false;
      expect(error).to.be.instanceOf(ConnectionError);
      expect(error.retriable).to.be.false;
      expect(error.message).to.include('tls.ca');
    });

    it('refuses certificates that Node cannot use, without showing them', () => {
      expect(() => client({ tls: { cert: 'secret certificate', key: 'secret key' } }))
        .to.throw(InvalidOptionError)
        .with.property('message')
        .that.does.not.include('secret');
    });
  });
});

function memory(bytes: Uint8Array): Body {
  return new MemoryBody(bytes, nodePlatform.hashing.sha512(bytes));
}

/** A body of so many parts of 64 KiB. */
function madeOf(count: number, part: (at: number) => Uint8Array): Body {
  return {
    length: count * 65_536,
    bytes: undefined,
    sha512: new Uint8Array(64),
    async *read() {
      for (let at = 0; at < count; at++) yield part(at);
    },
    load: () => Promise.reject(new Error('it is not asked for')),
    discard() {},
  };
}

async function bytesOf(req: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of req) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

async function textOf(req: IncomingMessage): Promise<string> {
  return (await bytesOf(req)).toString();
}
