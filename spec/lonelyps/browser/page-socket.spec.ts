import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { expect } from 'chai';
import { WebSocket, WebSocketServer } from 'ws';
import {
  BrokerTimeoutError,
  ConnectionError,
  ProtocolError,
  UnsupportedError,
  type WeirError,
} from '../../../lib/core/errors.js';
import { browserPlatform } from '../../../lib/lonelyps/browser/platform.js';
import type { SocketHandlers } from '../../../lib/lonelyps/connection/socket.js';
import { until } from '../../support/wait.js';

class Told implements SocketHandlers {
  readonly events: string[] = [];
  readonly messages: Uint8Array[] = [];
  cause: WeirError | undefined;

  opened = (): unknown => this.events.push('opened');
  text = (): unknown => this.events.push('text');
  alive = (): unknown => this.events.push('alive');
  drained = (): unknown => this.events.push('drained');

  message(bytes: Uint8Array): void {
    this.messages.push(bytes);
  }

  closed(code: number, _reason: string, cause: WeirError | undefined): void {
    this.events.push(`closed ${code}`);
    this.cause = cause;
  }
}

const options = { tls: undefined, connectTimeout: 5_000, maxMessageBytes: 1_000 };

describe('lonelyps in a page: websocket', () => {
  let server: WebSocketServer;
  let url: string;
  const platform = browserPlatform({ WebSocket });

  beforeEach(async () => {
    server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    await once(server, 'listening');
    url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });

  afterEach(async () => {
    for (const client of server.clients) client.terminate();
    await new Promise((resolve) => server.close(resolve));
  });

  it('opens, sends, receives and closes', async () => {
    server.on('connection', (peer) => peer.on('message', (bytes: Buffer) => peer.send(bytes)));
    const told = new Told();
    const socket = platform.openSocket(url, options, told);
    expect(socket.ping).to.equal(undefined);
    expect(socket.send(Uint8Array.of(1)), 'before it is open').to.equal(false);
    await until(() => told.events.length > 0);
    expect(socket.send(Uint8Array.of(1, 2, 3))).to.equal(true);
    await until(() => told.messages.length > 0);
    expect(told.messages).to.deep.equal([Uint8Array.of(1, 2, 3)]);
    socket.close();
    await until(() => told.events.length > 1);
    expect(told.events).to.deep.equal(['opened', 'closed 1000']);
    expect(told.cause).to.equal(undefined);
  });

  it('tells of text, and of a broadcaster that hangs up', async () => {
    server.on('connection', (peer) => {
      peer.send('words');
      peer.close(1012);
    });
    const told = new Told();
    platform.openSocket(url, options, told);
    await until(() => told.events.length > 2);
    expect(told.events).to.deep.equal(['opened', 'text', 'closed 1012']);
  });

  it('says what it can of a connection that is not made, or breaks', async () => {
    const told = new Told();
    platform.openSocket('ws://127.0.0.1:1', options, told);
    await until(() => told.cause);
    expect(told.cause).to.be.instanceOf(ConnectionError).with.property('message').that.includes('not told why');
    server.on('connection', (peer) => peer.terminate());
    const broken = new Told();
    platform.openSocket(url, options, broken);
    await until(() => broken.cause);
    expect(broken.events).to.deep.equal(['opened', 'closed 1006']);
  });

  it('gives up on a server that does not answer', async () => {
    const silent = createServer((peer) => peer.resume()).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const told = new Told();
    const address = `ws://127.0.0.1:${(silent.address() as AddressInfo).port}`;
    platform.openSocket(address, { ...options, connectTimeout: 50 }, told);
    await until(() => told.cause);
    expect(told.cause).to.be.instanceOf(BrokerTimeoutError);
    await new Promise((resolve) => silent.close(resolve));
  });

  it('takes no message beyond the limit', async () => {
    server.on('connection', (peer) => peer.send(new Uint8Array(1_001)));
    const told = new Told();
    platform.openSocket(url, options, told);
    await until(() => told.cause);
    expect(told.cause).to.be.instanceOf(ProtocolError).with.property('message').that.includes('1001 bytes');
    expect(told.messages).to.be.empty;
  });

  it('tells nothing once it is terminated', async () => {
    const told = new Told();
    const socket = platform.openSocket(url, options, told);
    const [peer] = (await once(server, 'connection')) as [WebSocket];
    socket.terminate();
    await once(peer, 'close');
    expect(told.events.filter((event) => event !== 'opened')).to.be.empty;
  });

  it('asks for a rest while much waits to be sent, and tells when it went', async () => {
    const told = new Told();
    const socket = platform.openSocket(url, options, told);
    const [peer] = (await once(server, 'connection')) as [WebSocket];
    await until(() => told.events.length > 0);
    peer.pause();
    let sent = 0;
    while (socket.send(new Uint8Array(1024 * 1024)) && sent < 100) sent++;
    expect(sent).to.be.lessThan(100);
    peer.resume();
    await until(() => told.events.includes('drained'));
    expect(socket.send(Uint8Array.of(1))).to.equal(true);
    socket.terminate();
  });

  it('says so where there is no WebSocket', () => {
    const own = Object.getOwnPropertyDescriptor(globalThis, 'WebSocket');
    Reflect.deleteProperty(globalThis, 'WebSocket');
    try {
      expect(() => browserPlatform().openSocket(url, options, new Told())).to.throw(UnsupportedError, 'WebSocket');
    } finally {
      if (own) Object.defineProperty(globalThis, 'WebSocket', own);
    }
  });
});
