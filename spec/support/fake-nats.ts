import { createServer, type AddressInfo, type Socket } from 'node:net';
import { register, unregister } from './brokers/registry.js';
import { ClientParser, type ClientFrame } from './fake-nats-parser.js';

/** A publish that a handler gets to see. */
export interface FakeMessage {
  readonly subject: string;
  readonly reply: string | undefined;
  /** The header block as it came. */
  readonly headers: Uint8Array | undefined;
  readonly data: Uint8Array;
  /** Publishes to the reply subject; `reply` becomes the reply subject of the answer. */
  respond(data: Uint8Array | string, reply?: string): void;
  /** Answers as a NATS server does for a request that nobody listens to: a header `503`. */
  noResponders(): void;
}

/** Sees each publish on the subjects it was set for. */
export type FakeHandler = (message: FakeMessage) => void;

/** A subscription that a client holds. */
export interface FakeSubscription {
  readonly subject: string;
  readonly queue: string | undefined;
  readonly sid: string;
}

/** How the fake server presents itself. */
export interface FakeNatsOptions {
  /** Fields of INFO that differ, such as `max_payload` or `auth_required`. */
  readonly info?: Readonly<Record<string, unknown>>;
  /** Sees the options of each CONNECT; what it returns is sent as `-ERR` and ends the connection. */
  readonly refuse?: (options: Readonly<Record<string, unknown>>) => string | undefined;
}

/**
 * A NATS server in this process, as far as clients need one: it routes publishes to subscribers, and a spec scripts
 * the server side of a protocol on top of it, with answers that a real server would never give.
 */
export interface FakeNats {
  readonly host: string;
  readonly port: number;
  readonly url: string;
  /** What the connected clients are subscribed to. */
  readonly subscriptions: readonly FakeSubscription[];
  /** How many clients are connected. */
  readonly connections: number;
  /** How many clients have connected since its start. */
  readonly accepted: number;
  /** Whether PINGs of NATS clients are answered. Default true. */
  answersPings: boolean;
  /** Calls the handler with each publish on a subject that fits the pattern (`*` and `>` as in NATS). Gives a way to end that. */
  onPublish(pattern: string, handler: FakeHandler): () => void;
  /** Publishes as another client would, and returns how many subscriptions got it. */
  publish(subject: string, data: Uint8Array | string, reply?: string): number;
  /** Writes bytes to every client as they are, such as half a frame or no frame at all. */
  sendRaw(bytes: Uint8Array | string): void;
  /** Ends all connections; clients may come back. */
  cut(): void;
  stop(): Promise<void>;
}

interface Subscription extends FakeSubscription {
  readonly connection: Connection;
  delivered: number;
  max: number | undefined;
}

interface Connection {
  readonly socket: Socket;
  readonly subscriptions: Map<string, Subscription>;
  options: Readonly<Record<string, unknown>>;
}

const noRespondersHeader = Buffer.from('NATS/1.0 503\r\n\r\n');
const none = new Uint8Array(0);

/** Starts a fake NATS server on a port of loopback. */
export async function startFakeNats(options: FakeNatsOptions = {}): Promise<FakeNats> {
  const connections = new Set<Connection>();
  const handlers = new Set<{ readonly pattern: string; readonly handler: FakeHandler }>();
  const host = '127.0.0.1';
  let accepted = 0;
  let port = 0;

  const all = (): Subscription[] => [...connections].flatMap(({ subscriptions }) => [...subscriptions.values()]);

  const route = (
    subject: string,
    data: Uint8Array,
    reply: string | undefined,
    headers: Uint8Array | undefined,
    from?: Connection,
  ): number => {
    let count = 0;
    const groups = new Set<string>();
    for (const subscription of all()) {
      const { queue, connection } = subscription;
      const isEcho = connection === from && connection.options['echo'] === false;
      if (isEcho || !matches(subscription.subject, subject)) {
        continue;
      }
      const group = `${queue} ${subscription.subject}`;
      if (queue !== undefined && groups.has(group)) {
        continue;
      }
      groups.add(group);
      deliver(subscription, subject, data, reply, headers);
      count++;
    }
    return count;
  };

  const sendNoResponders = (reply: string | undefined): void => {
    if (reply !== undefined) {
      route(reply, none, undefined, noRespondersHeader);
    }
  };

  const onPub = (frame: Extract<ClientFrame, { kind: 'pub' }>, from: Connection): void => {
    const { subject, reply, headers, data } = frame;
    const fitting = [...handlers].filter(({ pattern }) => matches(pattern, subject));
    const count = route(subject, data, reply, headers, from);
    if (count + fitting.length === 0 && from.options['no_responders'] === true) {
      sendNoResponders(reply);
    }
    for (const { handler } of fitting) {
      handler({
        subject,
        reply,
        headers,
        data,
        respond(answer, own) {
          if (reply === undefined) {
            throw new Error(`The publish on ${subject} has no reply subject.`);
          }
          route(reply, bytes(answer), own, undefined);
        },
        noResponders: () => sendNoResponders(reply),
      });
    }
  };

  const take = (frame: ClientFrame, connection: Connection): void => {
    const { socket, subscriptions } = connection;
    switch (frame.kind) {
      case 'connect': {
        connection.options = frame.options;
        const refusal = options.refuse?.(frame.options);
        if (refusal !== undefined) {
          socket.end(`-ERR '${refusal}'\r\n`);
        }
        break;
      }
      case 'ping':
        if (fake.answersPings) {
          socket.write('PONG\r\n');
        }
        break;
      case 'pong':
        break;
      case 'sub': {
        const { subject, queue, sid } = frame;
        subscriptions.set(sid, { subject, queue, sid, connection, delivered: 0, max: undefined });
        break;
      }
      case 'unsub': {
        const subscription = subscriptions.get(frame.sid);
        if (subscription && frame.max !== undefined && subscription.delivered < frame.max) {
          subscription.max = frame.max;
        } else {
          subscriptions.delete(frame.sid);
        }
        break;
      }
      case 'pub':
        onPub(frame, connection);
        break;
    }
    if (connection.options['verbose'] === true && frame.kind !== 'ping' && frame.kind !== 'pong') {
      socket.write('+OK\r\n');
    }
  };

  const server = createServer((socket) => {
    const connection: Connection = { socket, subscriptions: new Map(), options: {} };
    const parser = new ClientParser();
    accepted++;
    connections.add(connection);
    socket.setNoDelay(true);
    socket.on('error', () => undefined);
    socket.on('close', () => connections.delete(connection));
    socket.on('data', (chunk) => {
      for (const frame of parser.push(chunk)) {
        take(frame, connection);
      }
    });
    const info = {
      server_id: 'FAKE',
      server_name: 'fake',
      version: '2.9.24',
      go: 'none',
      host,
      port,
      headers: true,
      proto: 1,
      client_id: accepted,
      max_payload: 1_048_576,
      ...options.info,
    };
    socket.write(`INFO ${JSON.stringify(info)}\r\n`);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, host, resolve);
  });
  port = (server.address() as AddressInfo).port;

  const fake: FakeNats = {
    host,
    port,
    url: `nats://${host}:${port}`,
    answersPings: true,
    get subscriptions() {
      return all().map(({ subject, queue, sid }) => ({ subject, queue, sid }));
    },
    get connections() {
      return connections.size;
    },
    get accepted() {
      return accepted;
    },
    onPublish(pattern, handler) {
      const entry = { pattern, handler };
      handlers.add(entry);
      return () => void handlers.delete(entry);
    },
    publish: (subject, data, reply) => route(subject, bytes(data), reply, undefined),
    sendRaw(raw) {
      for (const { socket } of connections) {
        socket.write(raw);
      }
    },
    cut() {
      for (const { socket } of connections) {
        socket.destroy();
      }
      connections.clear();
    },
    async stop() {
      unregister(fake);
      fake.cut();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  register(fake);
  return fake;
}

function deliver(
  subscription: Subscription,
  subject: string,
  data: Uint8Array,
  reply: string | undefined,
  headers: Uint8Array | undefined,
): void {
  const { connection, sid } = subscription;
  const { socket } = connection;
  const words = [subject, sid, ...(reply === undefined ? [] : [reply])];
  if (headers) {
    socket.write(`HMSG ${words.join(' ')} ${headers.length} ${headers.length + data.length}\r\n`);
    socket.write(headers);
  } else {
    socket.write(`MSG ${words.join(' ')} ${data.length}\r\n`);
  }
  socket.write(data);
  socket.write('\r\n');
  subscription.delivered++;
  if (subscription.delivered === subscription.max) {
    connection.subscriptions.delete(sid);
  }
}

/** Whether a subject fits a pattern: `*` stands for one token, `>` for one or more at the end. */
export function matches(pattern: string, subject: string): boolean {
  const tokens = subject.split('.');
  const wanted = pattern.split('.');
  for (const [index, token] of wanted.entries()) {
    if (token === '>') {
      return tokens.length > index;
    }
    if (index >= tokens.length || (token !== '*' && token !== tokens[index])) {
      return false;
    }
  }
  return wanted.length === tokens.length;
}

function bytes(data: Uint8Array | string): Uint8Array {
  return typeof data === 'string' ? Buffer.from(data) : data;
}
