import { EventEmitter, once } from 'node:events';
import {
  constants,
  createSecureServer,
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
  type Settings,
} from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import type { TlsOptions } from 'node:tls';
import { FrameReader } from '../../lib/liftbridge/codec/frame-reader.js';
import { grpcFrame } from '../../lib/liftbridge/codec/grpc-frame.js';
import { register, unregister } from './brokers/registry.js';
import { until } from './wait.js';

/** How a call ends: a gRPC status and its text. */
export interface FakeStatus {
  readonly code: number;
  readonly message?: string;
}

/** The answer to a unary call: the bytes of the message, or the status that it fails with; undefined: no answer at all. */
export type FakeAnswer = Uint8Array | FakeStatus | undefined;

/** Serves a call of one method. What it throws ends the call with INTERNAL. */
export type FakeHandler = (call: FakeCall) => void;

/** How the fake server presents itself. */
export interface FakeLiftbridgeOptions {
  /** Speaks TLS with these, plain TCP without. */
  readonly tls?: TlsOptions;
  /** HTTP/2 settings, beside Node's own. */
  readonly settings?: Settings;
  /** Default: any that is free. */
  readonly port?: number;
}

/** A call that a client has begun. */
export class FakeCall {
  /** Such as `Subscribe`: the last part of the path. */
  readonly method: string;
  /** The messages that came so far. */
  readonly requests: Buffer[] = [];
  /** The code of a RST_STREAM of the client, or of the loss of the connection; undefined while neither has come. */
  reset: number | undefined;
  /** Whether the client has half-closed. */
  halfClosed = false;
  /** Whether the call is over. */
  closed = false;
  readonly #events = new EventEmitter();
  #responded = false;

  constructor(
    readonly stream: ServerHttp2Stream,
    readonly headers: IncomingHttpHeaders,
  ) {
    this.method = String(headers[':path']).split('/').at(-1) ?? '';
    const reader = new FrameReader({ maxMessage: 2 ** 30 }, (bytes, start, end) => {
      const message = Buffer.from(bytes.subarray(start, end));
      this.requests.push(message);
      this.#events.emit('request', message);
    });
    stream.on('error', () => undefined);
    stream.on('data', (chunk: Buffer) => reader.push(chunk));
    stream.on('end', () => {
      this.halfClosed = true;
      this.#events.emit('end');
    });
    stream.on('close', () => {
      if (stream.rstCode !== constants.NGHTTP2_NO_ERROR) this.reset = stream.rstCode;
      this.closed = true;
    });
  }

  /** Calls for each message that comes from here on. */
  onRequest(handler: (message: Buffer) => void): void {
    this.#events.on('request', handler);
  }

  /** Calls when the client has half-closed. */
  onEnd(handler: () => void): void {
    if (this.halfClosed) handler();
    else this.#events.once('end', handler);
  }

  /** Waits for the nth message, counted from 1. */
  request(nth = 1): Promise<Buffer> {
    return until(() => this.requests[nth - 1], { every: 2, message: `message ${String(nth)} of ${this.method}` });
  }

  /** Sends response headers; those that are not given are a gRPC server's. `send` and `end` do so by themselves. */
  respond(headers: OutgoingHttpHeaders = {}): void {
    if (this.#responded || this.stream.destroyed) return;
    this.#responded = true;
    this.stream.respond({ ':status': 200, 'content-type': 'application/grpc', ...headers }, { waitForTrailers: true });
  }

  /** Sends messages, each in a gRPC frame, as one piece. False: it is full, until 'drain' of `stream`. */
  send(...messages: readonly Uint8Array[]): boolean {
    return this.raw(Buffer.concat(messages.map(grpcFrame)));
  }

  /** Sends bytes in the place of gRPC frames. */
  raw(bytes: Uint8Array): boolean {
    this.respond();
    // Node 20 sends frames without end for a write of nothing
    if (bytes.length === 0) return true;
    return !this.stream.destroyed && this.stream.write(bytes);
  }

  /** Ends the call: with trailers after a response, with headers alone before it. */
  end(status: FakeStatus = { code: 0 }): void {
    this.trailers({
      'grpc-status': String(status.code),
      ...(status.message && { 'grpc-message': escaped(status.message) }),
    });
  }

  /** Ends the call with these trailers, or none. */
  trailers(trailers: OutgoingHttpHeaders | undefined): void {
    const { stream } = this;
    if (stream.destroyed) return;
    if (!this.#responded && trailers) {
      this.#responded = true;
      stream.respond({ ':status': 200, 'content-type': 'application/grpc', ...trailers }, { endStream: true });
      return;
    }
    this.respond();
    stream.once('wantTrailers', () => (trailers ? stream.sendTrailers(trailers) : stream.close()));
    stream.end();
  }

  /** Sends RST_STREAM. */
  rst(code: number): void {
    const { stream } = this;
    // Node 20 sends frames without end where it has something to write then
    if (this.#responded) setImmediate(() => stream.close(code));
    else stream.close(code);
  }
}

/**
 * The server side of gRPC over HTTP/2 in this process. What it is not told to serve is refused with UNIMPLEMENTED, but for
 * the health check; a spec scripts what a real one does not do on demand.
 */
export class FakeLiftbridge {
  readonly host = '127.0.0.1';
  /** All connections since the start, in their order. */
  readonly sockets: Socket[] = [];
  /** All HTTP/2 sessions since the start, in their order. */
  readonly sessions: ServerHttp2Session[] = [];
  /** All calls since the start, in their order. */
  readonly calls: FakeCall[] = [];
  /** While true, calls are noted and not served. */
  silent = false;
  readonly #server: Http2Server;
  readonly #handlers = new Map<string, FakeHandler>();
  #port = 0;

  private constructor({ tls, settings }: FakeLiftbridgeOptions) {
    this.#server = tls
      ? createSecureServer({ ...tls, ...(settings && { settings }) })
      : createServer({ ...(settings && { settings }) });
    this.#server.on(tls ? 'secureConnection' : 'connection', (socket: Socket) => {
      socket.on('error', () => undefined);
      this.sockets.push(socket);
    });
    // a client that refuses the certificate, or has none of its own
    this.#server.on('tlsClientError', () => undefined);
    this.#server.on('sessionError', () => undefined);
    this.#server.on('session', (session) => {
      session.on('error', () => undefined);
      this.sessions.push(session);
    });
    this.#server.on('stream', (stream, headers) => this.#serve(new FakeCall(stream, headers)));
    this.unary('Check', () => Uint8Array.of(8, 1));
  }

  static async start(options: FakeLiftbridgeOptions = {}): Promise<FakeLiftbridge> {
    const fake = new FakeLiftbridge(options);
    fake.#server.listen(options.port ?? 0, fake.host);
    await once(fake.#server, 'listening');
    fake.#port = (fake.#server.address() as AddressInfo).port;
    register(fake);
    return fake;
  }

  get port(): number {
    return this.#port;
  }

  /** `host:port`. */
  get url(): string {
    return `${this.host}:${String(this.#port)}`;
  }

  /** How many connections are there now. */
  get open(): number {
    return this.sockets.filter(({ destroyed }) => !destroyed).length;
  }

  /** Serves the calls of a method from here on, in place of what did so before. */
  on(method: string, handler: FakeHandler): void {
    this.#handlers.set(method, handler);
  }

  /** Answers the unary calls of a method from here on, when the client has half-closed. */
  unary(method: string, answer: (request: Buffer, call: FakeCall) => FakeAnswer | Promise<FakeAnswer>): void {
    this.on(method, (call) => {
      call.onEnd(() => {
        const answering = Promise.resolve(answer(call.requests[0] ?? Buffer.alloc(0), call));
        void answering.then(
          (answered) => {
            if (answered instanceof Uint8Array) {
              call.send(answered);
              call.end();
            } else if (answered) {
              call.end(answered);
            }
          },
          (error: unknown) => call.end({ code: 13, message: String(error) }),
        );
      });
    });
  }

  /** The calls of a method since the start. */
  callsOf(method: string): FakeCall[] {
    return this.calls.filter((call) => call.method === method);
  }

  /** Waits for the nth call of a method, counted from 1. */
  call(method: string, nth = 1): Promise<FakeCall> {
    return until(() => this.callsOf(method)[nth - 1], { every: 2, message: `call ${String(nth)} of ${method}` });
  }

  /**
   * Says goodbye on all connections.
   * @param lastStream - the last stream that is still served; absent: all that are open
   */
  goaway(code: number = constants.NGHTTP2_NO_ERROR, text = '', lastStream?: number): void {
    for (const session of this.sessions) {
      if (!session.destroyed) session.goaway(code, lastStream, Buffer.from(text));
    }
  }

  /** Writes bytes on the latest connection, past HTTP/2. */
  raw(bytes: Uint8Array): void {
    this.sockets.at(-1)?.write(bytes);
  }

  /** Ends all connections at once; new ones are taken. With `reset` the client sees ECONNRESET. */
  cut(options: { readonly reset?: boolean } = {}): void {
    for (const socket of this.sockets) {
      if (options.reset) socket.resetAndDestroy();
      else socket.destroy();
    }
  }

  async stop(): Promise<void> {
    unregister(this);
    for (const session of this.sessions) session.destroy();
    for (const socket of this.sockets) socket.destroy();
    if (this.#server.listening) await new Promise((resolve) => this.#server.close(resolve));
  }

  #serve(call: FakeCall): void {
    this.calls.push(call);
    if (this.silent) return;
    const handler = this.#handlers.get(call.method);
    if (!handler) {
      call.end({ code: 12, message: `unknown method ${call.method}` });
      return;
    }
    try {
      handler(call);
    } catch (error) {
      call.end({ code: 13, message: String(error) });
    }
  }
}

/** As gRPC servers escape the text of a status: everything beyond printable ASCII, and the percent sign. */
function escaped(text: string): string {
  return [...Buffer.from(text)]
    .map((byte) =>
      byte >= 0x20 && byte <= 0x7e && byte !== 0x25
        ? String.fromCharCode(byte)
        : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`,
    )
    .join('');
}
