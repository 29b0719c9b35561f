import { expect } from 'chai';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { startProxy, type Proxy } from './proxy.js';
import { until } from './wait.js';

describe('support/proxy', () => {
  let echo: Server;
  let proxy: Proxy;
  const sockets = new Set<Socket>();

  beforeEach(async () => {
    echo = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.pipe(socket);
    });
    await new Promise<void>((resolve) => echo.listen(0, '127.0.0.1', resolve));
    proxy = await startProxy({ host: '127.0.0.1', port: (echo.address() as AddressInfo).port });
  });

  afterEach(async () => {
    await proxy.stop();
    sockets.forEach((socket) => socket.destroy());
    sockets.clear();
    await new Promise((resolve) => echo.close(resolve));
  });

  interface Client {
    readonly socket: Socket;
    text: string;
    error: string | undefined;
    closed: boolean;
  }

  function open(): Client {
    const socket = connect(proxy.port, proxy.host);
    sockets.add(socket);
    const client: Client = { socket, text: '', error: undefined, closed: false };
    socket.setEncoding('utf8').on('data', (chunk: string) => (client.text += chunk));
    socket.on('error', (error: NodeJS.ErrnoException) => (client.error = error.code));
    socket.on('close', () => (client.closed = true));
    return client;
  }

  it('passes bytes both ways, more than fit into the buffers', async () => {
    const client = open();
    const text = 'x'.repeat(4 << 20);
    client.socket.write(text);
    await until(() => client.text.length === text.length);
    expect(proxy.connections).to.equal(1);
  });

  it('passes on the end of a side, and what the other side still says', async () => {
    const client = open();
    client.socket.end('bye');
    await until(() => client.closed);
    expect(client.text).to.equal('bye');
    await until(() => proxy.connections === 0);
  });

  it('cuts connections and takes others', async () => {
    const first = open();
    first.socket.write('a');
    await until(() => first.text === 'a');
    proxy.cut();
    await until(() => first.closed);
    expect(first.error).to.equal(undefined);
    const second = open();
    second.socket.write('b');
    await until(() => second.text === 'b');
    proxy.cut({ reset: true });
    await until(() => second.closed);
    expect(second.error).to.equal('ECONNRESET');
    expect(proxy.accepted).to.equal(2);
  });

  it('refuses connections and listens again on the same port, while open ones go on', async () => {
    const first = open();
    first.socket.write('a');
    await until(() => first.text === 'a');
    await proxy.refuse(true);
    const second = open();
    await until(() => second.closed);
    expect(second.error).to.equal('ECONNREFUSED');
    first.socket.write('b');
    await until(() => first.text === 'ab');
    await proxy.refuse(false);
    const third = open();
    third.socket.write('c');
    await until(() => third.text === 'c');
  });

  it('holds up the bytes towards one side or both, and passes them on later', async () => {
    const client = open();
    client.socket.write('a');
    await until(() => client.text === 'a');
    proxy.stallToClient(true);
    client.socket.write('b');
    const [server] = [...sockets].filter((socket) => socket !== client.socket);
    await until(() => server?.bytesWritten === 2);
    expect(client.text).to.equal('a');
    proxy.stall(true);
    client.socket.write('c');
    proxy.stallToClient(false);
    await until(() => client.text === 'ab');
    expect(server?.bytesRead).to.equal(2);
    proxy.stall(false);
    await until(() => client.text === 'abc');
  });
});
