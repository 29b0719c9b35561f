import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import {
  createServer as createTcpServer,
  type AddressInfo,
  type Server as TcpServer,
  type Socket as NetSocket,
} from 'node:net';
import { expect } from 'chai';
import { WebSocketServer, type WebSocket } from 'ws';
import {
  BrokerTimeoutError,
  ConnectionError,
  InvalidOptionError,
  ProtocolError,
  type WeirError,
} from '../../../lib/core/errors.js';
import type { Socket } from '../../../lib/lonelyps/connection/socket.js';
import { nodePlatform } from '../../../lib/lonelyps/node/platform.js';
import type { SocketOptions } from '../../../lib/lonelyps/platform.js';
import { sharedCertificates } from '../../support/certificates.js';
import { freePort } from '../../support/ports.js';
import { resources, untilResources } from '../../support/resources.js';
import { until } from '../../support/wait.js';

/** What a socket has told, in order. */
class Told {
  readonly events: string[] = [];
  readonly messages: Uint8Array[] = [];
  cause: WeirError | undefined;

  readonly opened = (): void => void this.events.push('opened');
  readonly text = (): void => void this.events.push('text');
  readonly alive = (): void => void this.events.push('alive');
  readonly drained = (): void => void this.events.push('drained');
  readonly message = (bytes: Uint8Array): void => void this.messages.push(bytes);
  readonly closed = (code: number, reason: string, cause: WeirError | undefined): void => {
    this.events.push(`closed ${code}${reason}`);
    this.cause = cause;
  };

  async until(event: string): Promise<void> {
    await until(() => this.events.some((each) => each.startsWith(event)), {
      message: () => `${event}, not ${this.events.join()}`,
    });
  }
}

describe('lonelyps/node: websockets', () => {
  let counted: Record<string, number>;
  let server: Server | TcpServer | undefined;
  const sockets: Socket[] = [];
  const peers: WebSocket[] = [];
  const connections = new Set<NetSocket>();

  before(() => nodePlatform.load('websocket'));

  beforeEach(async () => {
    // mocha's own timer of a hook that waits is counted before and after
    await Promise.resolve();
    counted = resources();
  });

  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.terminate();
    peers.length = 0;
    for (const connection of connections) connection.destroy();
    connections.clear();
    await new Promise((resolve) => (server === undefined ? resolve(undefined) : server.close(resolve)));
    server = undefined;
    await untilResources(counted);
  });

  async function listen(made: Server | TcpServer): Promise<number> {
    server = made;
    made.on('connection', (socket: NetSocket) => connections.add(socket));
    made.on('secureConnection', (socket: NetSocket) => connections.add(socket));
    made.listen(0, '127.0.0.1');
    await once(made, 'listening');
    return (made.address() as AddressInfo).port;
  }

  async function serve(onPeer: (peer: WebSocket) => void = () => undefined, http = createServer()): Promise<number> {
    const wss = new WebSocketServer({ server: http, perMessageDeflate: true });
    wss.on('connection', (peer) => {
      peers.push(peer);
      peer.on('error', () => undefined);
      onPeer(peer);
    });
    return listen(http);
  }

  function open(url: string, options: Partial<SocketOptions> = {}): { socket: Socket; told: Told } {
    const told = new Told();
    const all = { tls: undefined, connectTimeout: 5_000, maxMessageBytes: 1_000_000, ...options };
    const socket = nodePlatform.openSocket(url, all, told);
    sockets.push(socket);
    return { socket, told };
  }

  it('opens, carries messages both ways, and says goodbye', async () => {
    let extensions: string | undefined;
    const port = await serve((peer) => {
      ({ extensions } = peer);
      peer.on('message', (data) => peer.send(data));
    });
    const { socket, told } = open(`ws://127.0.0.1:${port}/v1/websocket`);
    expect(told.events).to.deep.equal([]);
    await told.until('opened');
    const sent = Buffer.from('hello');
    expect(socket.send(sent)).to.be.true;
    expect(socket.send(new Uint8Array(0))).to.be.true;
    await until(() => told.messages.length === 2);
    expect(Buffer.from(told.messages[0]!).toString()).to.equal('hello');
    expect(told.messages[1]).to.have.length(0);
    expect(sent.toString(), 'what was sent is left as it is').to.equal('hello');
    expect(extensions).to.equal('');
    socket.close();
    await told.until('closed 1000');
    expect(told.cause).to.equal(undefined);
    expect(socket.send(sent)).to.be.false;
  });

  it('tells of text, and of signs of life', async () => {
    const port = await serve();
    const { socket, told } = open(`ws://127.0.0.1:${port}`);
    await told.until('opened');
    socket.ping!();
    await told.until('alive');
    peers[0]!.send('text');
    await told.until('text');
    told.events.length = 0;
    peers[0]!.ping();
    await told.until('alive');
  });

  it('asks for a rest where the other side does not read, and says when it is over', async () => {
    const port = await serve((peer) => peer.pause());
    const { socket, told } = open(`ws://127.0.0.1:${port}`);
    await told.until('opened');
    const part = Buffer.alloc(256 * 1024);
    let sent = 0;
    while (socket.send(part)) expect(++sent).to.be.lessThan(1_000);
    expect(told.events).to.not.include('drained');
    peers[0]!.resume();
    await told.until('drained');
    expect(told.events.filter((event) => event === 'drained')).to.have.length(1);
    expect(socket.send(part)).to.be.true;
  });

  it('tells nothing after terminate()', async () => {
    const port = await serve();
    const { socket, told } = open(`ws://127.0.0.1:${port}`);
    await told.until('opened');
    const closed = once(peers[0]!, 'close');
    peers[0]!.send(Buffer.from('late'));
    socket.terminate();
    await closed;
    expect(told.events).to.deep.equal(['opened']);
    expect(told.messages).to.deep.equal([]);
  });

  it('tells nothing when it is terminated before it is open', async () => {
    const port = await serve();
    const { socket, told } = open(`ws://127.0.0.1:${port}`);
    socket.terminate();
    await untilResources({ ...counted, TCPServerWrap: 1 });
    expect(told.events).to.deep.equal([]);
  });

  it('tells how the other side closed', async () => {
    const port = await serve((peer) => peer.close(1001, ' away'));
    const { told } = open(`ws://127.0.0.1:${port}`);
    await told.until('closed');
    expect(told.events).to.deep.equal(['opened', 'closed 1001 away']);
    expect(told.cause).to.equal(undefined);
  });

  it('tells that the connection was lost', async () => {
    const port = await serve((peer) => peer.terminate());
    const { told } = open(`ws://127.0.0.1:${port}`);
    await told.until('closed 1006');
  });

  it('refuses a message beyond its limit', async () => {
    const port = await serve((peer) => peer.send(Buffer.alloc(1_001)));
    const { told } = open(`ws://127.0.0.1:${port}`, { maxMessageBytes: 1_000 });
    await told.until('closed');
    expect(told.cause).to.be.instanceOf(ProtocolError);
    expect(told.cause!.message).to.include('1000 bytes');
  });

  it('says that nobody listens there', async () => {
    const port = await freePort();
    const { told } = open(`ws://127.0.0.1:${port}/v1/websocket`);
    await told.until('closed 1006');
    expect(told.events).to.have.length(1);
    expect(told.cause).to.be.instanceOf(ConnectionError);
    expect(told.cause!.message).to.include(`ws://127.0.0.1:${port}`).and.to.include('ECONNREFUSED');
  });

  for (const [status, retriable] of [
    [404, false],
    [403, false],
    [503, true],
  ] as const) {
    it(`says that the answer was ${status}`, async () => {
      const port = await listen(createServer((_req, res) => res.writeHead(status).end('no')));
      server!.on('upgrade', (_req, socket: NetSocket) =>
        socket.end(`HTTP/1.1 ${status} No\r\ncontent-length: 2\r\n\r\nno`),
      );
      const { told } = open(`ws://127.0.0.1:${port}`);
      await told.until('closed');
      expect(told.cause).to.be.instanceOf(ConnectionError);
      expect(told.cause!.detail).to.deep.include({ status });
      expect(told.cause!.retriable).to.equal(retriable);
    });
  }

  it('says that what answers is no websocket', async () => {
    const port = await listen(createTcpServer((socket) => socket.once('data', () => socket.end('220 smtp\r\n'))));
    const { told } = open(`ws://127.0.0.1:${port}`);
    await told.until('closed');
    expect(told.cause!.message).to.include('does not speak WebSocket');
    expect(told.cause!.retriable).to.be.false;
  });

  it('says that the other side hung up before it was open', async () => {
    const port = await listen(createTcpServer((socket) => socket.once('data', () => socket.destroy())));
    const { told } = open(`ws://127.0.0.1:${port}`);
    await told.until('closed');
    expect(told.cause).to.be.instanceOf(ConnectionError);
    expect(told.cause!.retriable).to.be.true;
  });

  it('gives up after connectTimeout', async () => {
    const port = await listen(createTcpServer(() => undefined));
    const { told } = open(`ws://127.0.0.1:${port}`, { connectTimeout: 50 });
    await told.until('closed');
    expect(told.cause).to.be.instanceOf(BrokerTimeoutError);
    expect(told.cause!.message).to.include('50 ms (connectTimeout)');
  });

  describe('over TLS', () => {
    async function serveTls(): Promise<number> {
      const { serverCert, serverKey } = await sharedCertificates();
      const [cert, key] = await Promise.all([readFile(serverCert), readFile(serverKey)]);
      return serve(undefined, createTlsServer({ cert, key }));
    }

    it('trusts the authority that it is given, and nobody else', async () => {
      const { pem } = await sharedCertificates();
      const port = await serveTls();
      await open(`wss://localhost:${port}`, { tls: { ca: pem.ca } }).told.until('opened');
      const { told } = open(`wss://localhost:${port}`);
      await told.until('closed');
      expect(told.cause!.message).to.include('tls.ca');
      expect(told.cause!.retriable).to.be.false;
    });

    it('refuses certificates that Node cannot use', () => {
      expect(() => open('wss://localhost:1', { tls: { cert: 'x', key: 'y' } })).to.throw(InvalidOptionError);
    });
  });
});
