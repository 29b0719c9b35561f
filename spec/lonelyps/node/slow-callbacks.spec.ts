import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { expect } from 'chai';
import type { Listener } from '../../../lib/lonelyps/connection/http.js';
import { resources, untilResources } from '../../support/resources.js';
import { until } from '../../support/wait.js';
import { postReceive, receiveBody } from './callback-client.js';
import { makeListening, type Listening, type ListeningOptions } from './listening.js';

describe('lonelyps/node: callers who are slow or silent', () => {
  let counted: Record<string, number>;
  const sockets: Socket[] = [];
  const tricklers: NodeJS.Timeout[] = [];
  let listener: Listener;

  beforeEach(async () => {
    // mocha's own timer of a hook that waits is counted before and after
    await Promise.resolve();
    counted = resources();
  });

  afterEach(async () => {
    for (const trickler of tricklers.splice(0)) clearInterval(trickler);
    for (const socket of sockets.splice(0)) socket.destroy();
    await listener.close(0);
    await untilResources(counted);
  });

  async function start(options: ListeningOptions): Promise<Listening & { port: number }> {
    const listening = makeListening(options);
    ({ listener } = listening);
    const { port } = await listener.listen('127.0.0.1', 0);
    return { ...listening, port };
  }

  function open(port: number): Socket {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined);
    sockets.push(socket);
    return socket;
  }

  /** All that came on a socket before it was closed. */
  async function untilClosed(socket: Socket): Promise<string> {
    let text = '';
    socket.on('data', (part: Buffer) => (text += part.toString()));
    await once(socket, 'close');
    return text;
  }

  /** Sends a byte of it every few milliseconds, then the last one for ever. */
  function trickle(socket: Socket, bytes: Buffer): void {
    let at = 0;
    tricklers.push(setInterval(() => socket.write(bytes.subarray(at % bytes.length, (at++ % bytes.length) + 1)), 5));
  }

  const digest = createHash('sha512').update('Hello, world!').digest('base64');
  const head = (length: number): string =>
    `POST /v1/receive HTTP/1.1\r\nhost: me\r\ncontent-length: ${length}\r\nrepr-digest: sha-512=${digest}\r\n\r\n`;

  it('whose headers trickle are cut off after headersTimeout', async () => {
    const { port, arrivals } = await start({ headersTimeout: 100, bodyTimeout: 100 });
    const socket = open(port);
    trickle(socket, Buffer.from('POST /v1/receive HTTP/1.1\r\nhost: me\r\nx-filler: ' + 'a'.repeat(10_000)));
    expect(await untilClosed(socket)).to.match(/^HTTP\/1\.1 408 /);
    expect(arrivals).to.deep.equal([]);
    expect((await postReceive(port)).status).to.equal(200);
  });

  it('whose body trickles are cut off after bodyTimeout, a short body as well as a long one', async () => {
    for (const length of [500, 1_000_000]) {
      const { port, arrivals, refused } = await start({ headersTimeout: 5_000, bodyTimeout: 100 });
      const socket = open(port);
      socket.write(head(length));
      trickle(socket, Buffer.of(0xff));
      expect(await untilClosed(socket)).to.match(/^HTTP\/1\.1 408 /);
      expect(arrivals).to.deep.equal([]);
      expect(refused[0]!.message).to.include('100 ms (bodyTimeout)');
      expect((await postReceive(port)).status).to.equal(200);
      await listener.close(0);
    }
  });

  it('who say nothing are closed after headersTimeout', async () => {
    const { port } = await start({ headersTimeout: 100, bodyTimeout: 100 });
    await Promise.all(Array.from({ length: 20 }, () => untilClosed(open(port))));
  });

  it('do not keep others out: a hundred silent connections, and ten whose bodies trickle', async () => {
    const { port, arrivals } = await start({ maxConnections: 200 });
    for (let count = 0; count < 100; count++) await once(open(port), 'connect');
    for (let count = 0; count < 10; count++) {
      const socket = open(port);
      socket.write(head(500_000));
      trickle(socket, receiveBody());
    }
    const answers = await Promise.all(Array.from({ length: 50 }, () => postReceive(port)));
    expect(answers.every(({ status }) => status === 200)).to.be.true;
    expect(arrivals).to.have.length(50);
  });

  it('beyond maxConnections are closed at once', async () => {
    const { port } = await start({ maxConnections: 3 });
    for (let count = 0; count < 3; count++) await once(open(port), 'connect');
    await untilClosed(open(port));
    sockets.shift()!.destroy();
    await until(async () => (await postReceive(port).catch(() => ({ status: 0 }))).status === 200);
  });

  it('take no memory for what they announce', async () => {
    const { port } = await start({ maxMessageBytes: 1_000_000_000, spoolSize: 1_000_000_000, maxConnections: 200 });
    globalThis.gc!();
    const before = process.memoryUsage().rss;
    for (let count = 0; count < 50; count++) {
      const socket = open(port);
      await once(socket, 'connect');
      const body = receiveBody({ length: 900_000_000n, message: 'start' });
      socket.write(head(body.length - 5 + 900_000_000));
      await new Promise<void>((resolve) => socket.write(body, () => resolve()));
    }
    expect((await postReceive(port)).status).to.equal(200);
    expect(process.memoryUsage().rss - before).to.be.lessThan(50_000_000);
  });
});
