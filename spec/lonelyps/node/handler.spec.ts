import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import type { LonelypsRequestHandler } from '../../../lib/lonelyps/connection/http.js';
import { missedBody, post, postMissed, postReceive } from './callback-client.js';
import { makeListening } from './listening.js';

describe('lonelyps/node: a handler in an application of the user', () => {
  let server: Server | undefined;

  afterEach(async () => {
    server?.closeAllConnections();
    await new Promise((resolve) => (server === undefined ? resolve(undefined) : server.close(resolve)));
    server = undefined;
  });

  async function serve(listener: RequestListener): Promise<number> {
    server = createServer(listener);
    await new Promise<void>((resolve) => server!.listen(0, '127.0.0.1', resolve));
    return (server.address() as AddressInfo).port;
  }

  /** What a body parser of Express does, as far as it matters here. */
  async function parsed(req: IncomingMessage): Promise<Buffer> {
    const parts: Buffer[] = [];
    for await (const part of req) parts.push(part as Buffer);
    return Buffer.concat(parts);
  }

  /** What Express does with a path that a handler is mounted at. */
  function mountedAt(path: string, handler: LonelypsRequestHandler): RequestListener {
    return (req, res) => {
      const url = req.url!;
      Object.assign(req, { originalUrl: url, url: url.slice(path.length) || '/' });
      handler(req, res);
    };
  }

  it('takes callbacks, and leaves other paths to the application', async () => {
    const { listener, arrivals, missed } = makeListening();
    const port = await serve((req, res) => listener.handler(req, res, () => res.writeHead(418).end()));
    expect((await postReceive(port)).status).to.equal(200);
    expect((await postMissed(port, missedBody('a'))).status).to.equal(200);
    expect((await post(port, Buffer.alloc(0), { path: '/teapot' })).status).to.equal(418);
    expect([arrivals.length, missed.length]).to.deep.equal([1, 1]);
  });

  it('answers 404 itself where nothing comes after it', async () => {
    const { listener } = makeListening();
    const port = await serve(listener.handler as (req: IncomingMessage, res: ServerResponse) => void);
    expect((await post(port, Buffer.alloc(0), { path: '/other' })).status).to.equal(404);
  });

  it('knows its path where it is mounted at the start of it', async () => {
    const { listener } = makeListening({ prefix: '/hooks' });
    const port = await serve(mountedAt('/hooks', listener.handler));
    expect((await postReceive(port, { path: '/hooks/v1/receive' })).status).to.equal(200);
    expect((await postReceive(port, { path: '/other/v1/receive' })).status).to.equal(404);
  });

  it('two of them stand side by side', async () => {
    const a = makeListening({ prefix: '/a' });
    const b = makeListening({ prefix: '/b' });
    const port = await serve((req, res) => a.listener.handler(req, res, () => b.listener.handler(req, res)));
    expect((await postReceive(port, { path: '/b/v1/receive' })).status).to.equal(200);
    expect((await postReceive(port, { path: '/a/v1/receive' })).status).to.equal(200);
    expect([a.arrivals.length, b.arrivals.length]).to.deep.equal([1, 1]);
  });

  for (const name of ['body', 'rawBody']) {
    it(`takes the bytes that a parser left in ${name}`, async () => {
      const { listener, arrivals } = makeListening({ spoolSize: 10 });
      const port = await serve((req, res) => {
        void parsed(req).then((bytes) => listener.handler(Object.assign(req, { [name]: bytes }), res));
      });
      expect((await postReceive(port)).status).to.equal(200);
      expect(Buffer.from(await arrivals[0]!.body.load()).toString()).to.equal('Hello, world!');
      arrivals[0]!.body.discard();
      expect((await postReceive(port, { extra: Buffer.from('x') })).status).to.equal(400);
    });
  }

  it('reads the body itself where a parser has left it alone', async () => {
    const { listener } = makeListening();
    const port = await serve((req, res) => listener.handler(Object.assign(req, { body: {} }), res));
    expect((await postReceive(port)).status).to.equal(200);
  });

  it('says that a parser has eaten the body', async () => {
    const { listener, arrivals, refused } = makeListening();
    const port = await serve((req, res) => {
      void parsed(req).then(() => listener.handler(Object.assign(req, { body: {} }), res));
    });
    expect((await postReceive(port)).status).to.equal(500);
    expect(arrivals).to.deep.equal([]);
    expect(refused[0]!.message).to.include('a body parser').and.to.include('before it');
  });

  it('keeps the limit of a slow body itself', async () => {
    const { listener } = makeListening({ bodyTimeout: 50 });
    const port = await serve((req, res) => listener.handler(req, res));
    const slow = postReceive(port, { length: 72n, headers: { 'content-length': '100' } });
    expect((await slow).status).to.equal(408);
  });
});
