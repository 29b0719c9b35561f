import { once } from 'node:events';
import { Agent, createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { WebSocketServer } from 'ws';
import type { LonelypsAuth } from '../../../lib/lonelyps/auth/auth-options.js';
import type { Zstd } from '../../../lib/lonelyps/platform.js';
import { register, unregister } from '../brokers/registry.js';
import { until } from '../wait.js';
import { bodyOf, send, type FakeAnswer, type FakeReply } from './answer.js';
import { post, type FakeCallback, type FakeCallbackResult } from './callback.js';
import { FakeConnection, type FakeMessage, type FakeMessageOf } from './connection.js';
import { bytesOf, Party, sha512 } from './party.js';
import { Registrations } from './registrations.js';
import { claimOf, contentOf, type FakeContent, type FakeRequest } from './request.js';

/** How the fake broadcaster presents itself. */
export interface FakeBroadcasterOptions {
  /** Default: none in either direction. */
  readonly auth?: LonelypsAuth | undefined;
  /** Default: any that is free. */
  readonly port?: number | undefined;
  /** Offers compression over websockets, and reads what is compressed. Default: it does not know zstd. */
  readonly zstd?: Zstd | undefined;
  /** Whether the headers of its websocket messages have their names. Default false. */
  readonly expanded?: boolean | undefined;
  /** The longest websocket message that it sends, bytes; longer deliveries go in parts. Default 16 MiB. */
  readonly maxFrameBytes?: number | undefined;
  /** Deliveries and parts over a websocket that may be without an answer before it holds back. Default 3. */
  readonly window?: number | undefined;
}

/** Does something with a message of a websocket; `connection.serve(message)` does then what is usual. */
export type FakeHandler<K extends FakeMessage['kind']> = (
  message: FakeMessageOf<K>,
  connection: FakeConnection,
) => void;

const anyPath = '*';

/**
 * A broadcaster in this process. Without a script it does what a real one does, over HTTP and websockets; a spec scripts what a
 * real one does not do on demand, and posts callbacks that no real one would.
 */
export class FakeBroadcaster {
  readonly host = '127.0.0.1';
  readonly auth: LonelypsAuth;
  /** All requests since the start, in the order of their headers. */
  readonly requests: FakeRequest[] = [];
  /** Who is subscribed over HTTP. */
  readonly registrations = new Registrations();
  /** All websockets since the start, in their order. */
  readonly connections: FakeConnection[] = [];
  /** All TCP connections since the start, in their order. */
  readonly sockets: Socket[] = [];
  /** What becomes of those who want a websocket: a number is the status that they get. */
  upgrade: 'accept' | 'hang' | number = 'accept';
  readonly party: Party;
  readonly #options: FakeBroadcasterOptions;
  readonly #agent = new Agent({ keepAlive: true });
  readonly #scripts = new Map<string, FakeAnswer[]>();
  readonly #always = new Map<string, FakeAnswer>();
  readonly #handlers = new Map<string, FakeHandler<FakeMessage['kind']>>();
  readonly #websockets = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: 16 << 20 });
  #server: Server | undefined;
  #port = 0;

  private constructor(options: FakeBroadcasterOptions) {
    this.#options = options;
    this.auth = options.auth ?? {};
    this.party = new Party(this.auth);
  }

  static async start(options: FakeBroadcasterOptions = {}): Promise<FakeBroadcaster> {
    const fake = new FakeBroadcaster(options);
    fake.#port = options.port ?? 0;
    await fake.listen();
    register(fake);
    return fake;
  }

  get port(): number {
    return this.#port;
  }

  get url(): string {
    return `http://${this.host}:${this.#port}`;
  }

  get socketUrl(): string {
    return `ws://${this.host}:${this.#port}`;
  }

  /** How many TCP connections are there now. */
  get open(): number {
    return this.sockets.filter(({ destroyed }) => !destroyed).length;
  }

  /** The answers to the next requests for a path, `*` for any. Those that come later are answered as before. */
  script(path: string, ...answers: readonly FakeAnswer[]): void {
    this.#scripts.set(path, [...(this.#scripts.get(path) ?? []), ...answers]);
  }

  /** The answer to all requests for a path, `*` for any, that no script is there for. */
  always(path: string, answer: FakeAnswer): void {
    this.#always.set(path, answer);
  }

  requestsOf(path: string): FakeRequest[] {
    return this.requests.filter((request) => request.path === path);
  }

  /** Waits for the nth request for a path, counted from 1, to be there with its body. */
  request(path: string, nth = 1): Promise<FakeRequest> {
    const find = (): FakeRequest | undefined => this.requestsOf(path).filter(({ complete }) => complete)[nth - 1];
    return until(find, { every: 2, message: `request ${nth} for ${path}` });
  }

  /** Posts one callback to whatever URL. */
  post(callback: FakeCallback): Promise<FakeCallbackResult> {
    return post(callback, this.party, this.#agent);
  }

  /** Posts a message to all that are subscribed over HTTP, one after the other, each with these changes. */
  async deliver(
    topic: string | Uint8Array,
    message: string | Uint8Array,
    changes: Partial<FakeCallback> = {},
  ): Promise<FakeCallbackResult[]> {
    const results: FakeCallbackResult[] = [];
    for (const row of this.registrations.matching(bytesOf(topic))) {
      const result = await this.post({ kind: 'receive', url: row.url, topic, message, ...changes });
      if (result.answer?.kind === 'unsubscribe') this.registrations.remove(row);
      results.push(result);
    }
    return results;
  }

  /** Tells all that have a recovery URL and are subscribed that a message was lost. */
  async missed(topic: string | Uint8Array, changes: Partial<FakeCallback> = {}): Promise<FakeCallbackResult[]> {
    const urls = this.registrations.matching(bytesOf(topic)).map(({ recovery }) => recovery);
    const posts = urls.filter((url) => url !== undefined);
    return Promise.all(posts.map((url) => this.post({ kind: 'missed', url, topic, ...changes })));
  }

  /** Hands a message to all that are subscribed, and counts them. */
  async publish(topic: string | Uint8Array, message: string | Uint8Array): Promise<number> {
    const wanting = this.connections.filter((connection) => connection.wants(bytesOf(topic)));
    for (const connection of wanting) void connection.deliver(topic, message);
    const results = await this.deliver(topic, message);
    const counts = results.map(({ confirmed, answer }) =>
      confirmed && answer?.kind === 'confirmReceive' ? answer.subscribers : 0,
    );
    return counts.reduce((sum, count) => sum + count, wanting.length);
  }

  /** Has a spec do what is done upon messages of a kind, on all websockets. */
  on<K extends FakeMessage['kind']>(kind: K, handler: FakeHandler<K>): void {
    this.#handlers.set(kind, handler as unknown as FakeHandler<FakeMessage['kind']>);
  }

  /** Does again what is usual. */
  off(kind: FakeMessage['kind']): void {
    this.#handlers.delete(kind);
  }

  /** Waits for the nth websocket, counted from 1. */
  connection(nth = 1): Promise<FakeConnection> {
    return until(() => this.connections[nth - 1], { every: 2, message: `websocket ${nth}` });
  }

  /** Ends all connections at once; new ones are taken. With `reset` the client sees ECONNRESET. */
  cut(options: { readonly reset?: boolean } = {}): void {
    for (const socket of this.sockets) {
      if (options.reset) socket.resetAndDestroy();
      else socket.destroy();
    }
  }

  /** Takes connections, on the same port as before. */
  async listen(): Promise<void> {
    const server = createServer((request, response) => void this.#serve(request, response));
    server.requestTimeout = 0;
    server.on('connection', (socket) => {
      socket.on('error', () => undefined);
      this.sockets.push(socket);
    });
    server.on('upgrade', (request, socket, head) => this.#upgrade(request, socket as Socket, head));
    this.#server = server;
    server.listen(this.#port, this.host);
    await once(server, 'listening');
    this.#port = (server.address() as AddressInfo).port;
  }

  /** Refuses connections, and ends those that are there. What is subscribed stays. */
  async deafen(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    const closed = server && new Promise((resolve) => server.close(resolve));
    this.cut();
    await closed;
  }

  async stop(): Promise<void> {
    unregister(this);
    this.#agent.destroy();
    await this.deafen();
  }

  async #serve(message: IncomingMessage, response: ServerResponse): Promise<void> {
    response.on('error', () => undefined);
    const { request, received } = this.#record(message);
    let answer = this.#answerTo(request.path);
    if (answer === 'resetEarly') message.socket.resetAndDestroy();
    if (!(await received)) return;
    while (typeof answer === 'function') answer = await answer(request);
    if (answer === 'hang') return;
    if (answer === 'reset') message.socket.resetAndDestroy();
    else if (answer === 'close') message.socket.destroy();
    else if (answer !== 'resetEarly') await this.#reply(request, answer, response);
  }

  /** Notes a request as its headers are there, and resolves with whether its body came too. */
  #record(message: IncomingMessage): { readonly request: FakeRequest; readonly received: Promise<boolean> } {
    const parts: Buffer[] = [];
    const { method = '', url = '', headers, socket } = message;
    const request = {
      ...{ method, path: url, headers, socket, authorization: headers.authorization ?? '' },
      ...{ body: Buffer.alloc(0), complete: false, at: performance.now() },
    };
    this.requests.push(request);
    const received = new Promise<boolean>((resolve) => {
      message.on('data', (part: Buffer) => parts.push(part));
      message.on('error', () => undefined);
      message.on('close', () => {
        request.body = Buffer.concat(parts);
        request.complete = message.complete;
        resolve(message.complete);
      });
    });
    return { request, received };
  }

  #answerTo(path: string): FakeAnswer {
    const scripted = this.#scripts.get(path)?.shift() ?? this.#scripts.get(anyPath)?.shift();
    return scripted ?? this.#always.get(path) ?? this.#always.get(anyPath) ?? 'ok';
  }

  async #reply(request: FakeRequest, answer: 'ok' | number | FakeReply, response: ServerResponse): Promise<void> {
    if (typeof answer === 'number') {
      await send(response, { status: answer }, new Uint8Array(0));
      return;
    }
    const reply = answer === 'ok' ? {} : answer;
    const done = await this.#do(request, reply);
    if (typeof done === 'number') await send(response, { status: done, ...reply }, new Uint8Array(0));
    else await send(response, reply, done);
  }

  /** Does what is asked for, unless the reply is one that a real broadcaster gives without; the status where it cannot. */
  async #do(request: FakeRequest, reply: FakeReply): Promise<Uint8Array | number> {
    if (reply.status !== undefined && reply.status !== 200) return reply.status;
    if (request.method !== 'POST') return 405;
    let content: FakeContent | undefined;
    try {
      content = contentOf(request);
    } catch {
      return 400;
    }
    if (!content) return 404;
    const refusal = this.party.verify(claimOf(content), content.tracing, request.authorization);
    if (refusal !== undefined) return refusal === 'missing' ? 401 : 403;
    const outcome = await this.#perform(content);
    if (outcome.status !== undefined) return outcome.status;
    const url = content.kind === 'check' || content.kind === 'set' ? content.url : '';
    return bodyOf(content, { notified: outcome.notified, ...reply }, this.registrations.etag(url), this.party);
  }

  async #perform(content: FakeContent): Promise<{ readonly status?: number; readonly notified: number }> {
    const registrations = this.registrations;
    const conflict = (isDone: boolean) => (isDone ? { notified: 0 } : { status: 409, notified: 0 });
    switch (content.kind) {
      case 'subscribe':
        return conflict(registrations.add(content.row));
      case 'unsubscribe':
        return conflict(registrations.remove(content.row));
      case 'notify': {
        if (Buffer.compare(sha512(content.message), content.sha512) !== 0) return { status: 400, notified: 0 };
        return { notified: await this.publish(content.topic, content.message) };
      }
      case 'check':
        return { notified: 0 };
      case 'set': {
        const { url, etag } = content;
        const asked = new Registrations();
        asked.set(url, content);
        if (Buffer.compare(asked.etag(url), etag) !== 0) return { status: 400, notified: 0 };
        registrations.set(url, content);
        return { notified: 0 };
      }
    }
  }

  #upgrade(request: IncomingMessage, socket: Socket, head: Buffer): void {
    const { upgrade } = this;
    if (upgrade === 'hang') return;
    if (upgrade !== 'accept' || !request.url?.endsWith('/v1/websocket')) {
      const status = upgrade === 'accept' ? 404 : upgrade;
      socket.end(`HTTP/1.1 ${status} No\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
      return;
    }
    const { zstd, expanded = false, maxFrameBytes = 16 << 20, window = 3 } = this.#options;
    this.#websockets.handleUpgrade(request, socket, head, (websocket) => {
      const connection = new FakeConnection(websocket, request, {
        ...{ party: this.party, zstd, expanded, maxFrameBytes, window },
        publish: (topic, message) => this.publish(topic, message),
        handled: (message, from) => {
          const handler = this.#handlers.get(message.kind);
          handler?.(message, from);
          return handler !== undefined;
        },
      });
      this.connections.push(connection);
    });
  }
}
