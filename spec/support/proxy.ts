import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { register, unregister } from './brokers/registry.js';

/** A TCP proxy between a client and a server, for trouble on the way. */
export interface Proxy {
  readonly host: string;
  readonly port: number;
  /** `nats://host:port` of the proxy. */
  readonly url: string;
  /** How many connections are open. */
  readonly connections: number;
  /** How many connections it has taken since its start. */
  readonly accepted: number;
  /** Ends all connections at once, on both sides; new ones are taken. With `reset` the client sees ECONNRESET. */
  cut(options?: { readonly reset?: boolean }): void;
  /** Stops listening (new connections get ECONNREFUSED), or listens again on the same port. Open connections stay. */
  refuse(on: boolean): Promise<void>;
  /** Stops passing bytes both ways, or passes on what was held up. Nobody notices by an event: so does a dead network. */
  stall(on: boolean): void;
  /** The same for the bytes towards the client only. */
  stallToClient(on: boolean): void;
  /** The same for the bytes towards the server only. */
  stallToServer(on: boolean): void;
  /** Ends everything. */
  stop(): Promise<void>;
}

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
}

/** Starts a proxy on a port of loopback that passes everything on to `target`. */
export async function startProxy(target: { readonly host: string; readonly port: number }): Promise<Proxy> {
  const pairs = new Set<Pair>();
  const stalled = { client: false, server: false };
  let accepted = 0;

  const regulate = (from: Socket, to: Socket, isStalled: boolean): void => {
    if (isStalled || to.writableNeedDrain) {
      from.pause();
    } else {
      from.resume();
    }
  };
  const regulatePair = ({ client, server }: Pair): void => {
    regulate(server, client, stalled.client);
    regulate(client, server, stalled.server);
  };
  const regulateAll = (): void => pairs.forEach(regulatePair);

  const accept = (client: Socket): void => {
    accepted++;
    const server = connect(target.port, target.host);
    const pair = { client, server };
    pairs.add(pair);
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      from.setNoDelay(true);
      from.on('data', (chunk) => {
        to.write(chunk);
        regulatePair(pair);
      });
      from.on('drain', () => regulatePair(pair));
      from.on('end', () => to.end());
      from.on('error', () => undefined);
      from.on('close', () => {
        to.destroy();
        pairs.delete(pair);
      });
    }
    regulatePair(pair);
  };

  let listener: Server | undefined = await listen(accept, 0);
  const { port } = listener.address() as AddressInfo;
  const host = '127.0.0.1';

  const cut = (options: { readonly reset?: boolean } = {}): void => {
    for (const { client, server } of pairs) {
      if (options.reset) {
        client.resetAndDestroy();
      } else {
        client.destroy();
      }
      server.destroy();
    }
    pairs.clear();
  };

  const proxy: Proxy = {
    host,
    port,
    url: `nats://${host}:${port}`,
    get connections() {
      return pairs.size;
    },
    get accepted() {
      return accepted;
    },
    cut,
    async refuse(on) {
      if (on) {
        listener?.close();
        listener = undefined;
      } else {
        listener ??= await listen(accept, port);
      }
    },
    stall(on) {
      stalled.client = on;
      stalled.server = on;
      regulateAll();
    },
    stallToClient(on) {
      stalled.client = on;
      regulateAll();
    },
    stallToServer(on) {
      stalled.server = on;
      regulateAll();
    },
    async stop() {
      unregister(proxy);
      const last = listener;
      listener = undefined;
      cut();
      if (last) {
        await new Promise((resolve) => last.close(resolve));
      }
    },
  };
  register(proxy);
  return proxy;
}

async function listen(accept: (socket: Socket) => void, port: number): Promise<Server> {
  // Half-open sockets let one side finish what it has to say after the other has ended.
  const server = createServer({ allowHalfOpen: true }, accept);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  return server;
}
