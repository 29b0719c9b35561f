import { constants, type ClientHttp2Session, type ClientHttp2Stream, type OutgoingHttpHeaders } from 'node:http2';
import type { Socket } from 'node:net';
import type { Cancel } from '../../core/clock.js';
import { BrokerTimeoutError, type WeirError } from '../../core/errors.js';
import { codeOf } from '../../core/tls.js';
import { addressText, type Address } from './address.js';
import type { Call, CallHandlers } from './call.js';
import type { CallMetadata, Channel, ChannelOptions, UnaryOptions } from './channel.js';
import { brokenBy } from './failures.js';
import { GrpcCall, type CallHost } from './grpc-call.js';
import { closedByUs, dead, goingAway, lost, type Goodbye } from './losses.js';
import { addMetadata, baseHeaders, grpcTimeout, noMetadata } from './request-headers.js';
import { Unary } from './unary.js';
import { resetName } from './wire-status.js';

/** Milliseconds that a session has to say goodbye before its socket is destroyed. */
const goodbyeTime = 1_000;

/** Milliseconds by which the broker's deadline is later than ours: of an answer at the last moment, its own is the better one. */
const deadlineMargin = 250;

const service = '/proto.API/';
const healthCheck = '/grpc.health.v1.Health/Check';

/** A HealthCheckRequest for the service `proto.API`: field 1, a string of 9 bytes. */
const healthRequest = Uint8Array.of(0x0a, 9, ...Buffer.from('proto.API'));

/** A session that is set up: the broker's settings are here. @internal */
export interface Established {
  readonly socket: Socket;
  readonly session: ClientHttp2Session;
}

/** @internal */
export class HttpChannel implements Channel, CallHost {
  readonly address: Address;
  readonly maxMessageBytes: number;
  readonly #options: ChannelOptions;
  readonly #socket: Socket;
  readonly #session: ClientHttp2Session;
  readonly #headers: OutgoingHttpHeaders;
  readonly #streaming = new Set<GrpcCall>();
  /** Those with one message each way, health checks included. */
  readonly #unary = new Set<GrpcCall>();
  /** The timers of those that wait for their metadata. */
  readonly #limits = new Map<GrpcCall, Cancel>();
  readonly #listeners = new Set<(error: WeirError) => void>();
  readonly #goodbyeListeners = new Set<() => void>();
  /** Resolves when nothing is left of session and socket. */
  readonly #over: Promise<unknown>;
  #pending = 0;
  #goodbye: Goodbye | undefined;
  #lost: WeirError | undefined;
  #closing: Promise<void> | undefined;

  constructor(address: Address, options: ChannelOptions, { socket, session }: Established) {
    this.address = address;
    this.maxMessageBytes = options.maxMessageBytes;
    this.#options = options;
    this.#socket = socket;
    this.#session = session;
    this.#headers = baseHeaders(address, options.tls !== undefined);
    let error: unknown;
    const note = (first: unknown): void => {
      error ??= first;
    };
    session.on('error', note);
    socket.on('error', note);
    session.on('goaway', (code: number, last: number, data: Uint8Array | undefined) => {
      const text = data ? Buffer.from(data).toString('latin1').slice(0, 200) : '';
      this.#goodbye = { code, text, last };
      options.log.debug(`Liftbridge at ${addressText(address)} says goodbye with ${resetName(code)}`, text);
      this.#windDown();
    });
    session.once('close', () => this.#lose(lost(address, error, this.#goodbye)));
    this.#over = Promise.all([session, socket].map((one) => new Promise((resolve) => one.once('close', resolve))));
  }

  get up(): boolean {
    return !this.gone && !this.#closing && !this.#session.closed;
  }

  get calls(): number {
    return this.#streaming.size;
  }

  get pending(): number {
    return this.#pending;
  }

  get limit(): number {
    return this.#session.remoteSettings.maxConcurrentStreams ?? Infinity;
  }

  get received(): number {
    return this.#socket.bytesRead;
  }

  get gone(): boolean {
    return this.#lost !== undefined || this.#session.destroyed;
  }

  async unary<T>(method: string, request: Uint8Array, options: UnaryOptions<T>): Promise<T> {
    options.signal?.throwIfAborted();
    this.#pending++;
    try {
      return await this.#ask(service + method, request, options, this.#options.metadata);
    } finally {
      this.#pending--;
    }
  }

  call(method: string, handlers: CallHandlers, first?: Uint8Array): Call {
    const call = new GrpcCall(this, handlers, first);
    this.#streaming.add(call);
    this.#begin(call, { ':path': service + method }, this.#options.metadata);
    return call;
  }

  onLost(listener: (error: WeirError) => void): Cancel {
    const entry = (error: WeirError): void => {
      if (this.#listeners.delete(entry)) listener(error);
    };
    this.#listeners.add(entry);
    const error = this.#lost;
    if (error && !this.#closing) this.#options.clock.soon(() => entry(error));
    return () => void this.#listeners.delete(entry);
  }

  onGoodbye(listener: () => void): Cancel {
    this.#goodbyeListeners.add(listener);
    return () => void this.#goodbyeListeners.delete(listener);
  }

  // After a frame that breaks a limit of HTTP/2, Node says goodbye to the broker, reads no more (not even that it hangs up),
  // and tells nobody: to this side it looks like a broker that is silent.
  async probe(timeout: number): Promise<boolean> {
    // the check would wait behind calls that may never end
    if (this.up && this.#streaming.size + this.#unary.size >= this.limit) return true;
    let answered = false;
    // any status is an answer, also that of a broker that knows nothing of health
    const fail = (): undefined => {
      answered = true;
    };
    const options: UnaryOptions<void> = { asked: 'check the health of the broker', decode: ignore, timeout, fail };
    try {
      // without the metadata: it is the connection that is in question, not who asks
      await this.#ask(healthCheck, healthRequest, options, undefined);
      return true;
    } catch (error) {
      if (!answered) this.destroy(error instanceof BrokerTimeoutError ? dead(this.address, timeout) : brokenBy(error));
      return answered;
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  destroy(error: WeirError): void {
    this.#lose(error);
    this.#drop();
  }

  passedOver(stream: number): boolean {
    return this.#goodbye !== undefined && stream > this.#goodbye.last;
  }

  left(call: GrpcCall): void {
    this.#endLimit(call);
    this.#streaming.delete(call);
    this.#unary.delete(call);
    if (this.#goodbye) this.#windDown();
  }

  /** After a goodbye, the last call is what there was to wait for; Node would go on to wait for the broker to hang up. */
  #windDown(): void {
    // the last call has yet to say that it has ended, and of a goodbye with an error Node says more
    this.#options.clock.soon(() => {
      if (this.#closing || this.#lost || this.#goodbye?.code !== constants.NGHTTP2_NO_ERROR) return;
      if (this.#streaming.size + this.#unary.size > 0) this.#tellGoodbye();
      else this.destroy(lost(this.address, undefined, this.#goodbye));
    });
  }

  #tellGoodbye(): void {
    const listeners = [...this.#goodbyeListeners];
    this.#goodbyeListeners.clear();
    for (const listener of listeners) listener();
  }

  async #ask<T>(path: string, request: Uint8Array, options: UnaryOptions<T>, metadata: MetadataOf): Promise<T> {
    const { timeout, deadline = true } = options;
    const unary = new Unary(this.address, options, this.#options.clock, (handlers) => {
      const call = new GrpcCall(this, handlers, request);
      this.#unary.add(call);
      const timed = deadline ? { 'grpc-timeout': grpcTimeout(timeout + deadlineMargin) } : {};
      this.#begin(call, { ':path': path, ...timed }, metadata);
      return call;
    });
    return unary.answer;
  }

  /** Sends the request of a call, when its metadata is there. */
  #begin(call: GrpcCall, headers: OutgoingHttpHeaders, metadata: MetadataOf): void {
    try {
      const given = this.#refusal() ? undefined : metadata?.();
      if (!isPromise(given)) {
        this.#request(call, headers, given);
        return;
      }
      const refused = (error: unknown): void => call.fail(noMetadata(error));
      if (this.#streaming.has(call)) this.#limit(call, refused);
      Promise.resolve(given)
        .then((late) => this.#request(call, headers, late))
        .catch(refused);
    } catch (error) {
      // whoever has begun the call has not got it yet
      this.#options.clock.soon(() => call.fail(noMetadata(error)));
    }
  }

  /** A streaming call has no limit of its own, and must not wait for ever for a function of the user's. */
  #limit(call: GrpcCall, refused: (error: unknown) => void): void {
    const { clock, connectTimeout } = this.#options;
    const late = new Error(`it gave nothing within ${String(connectTimeout)} ms (connectTimeout)`);
    this.#limits.set(
      call,
      clock.after(connectTimeout, () => refused(late)),
    );
  }

  #endLimit(call: GrpcCall): void {
    this.#limits.get(call)?.();
    this.#limits.delete(call);
  }

  #request(call: GrpcCall, headers: OutgoingHttpHeaders, metadata: CallMetadata | undefined): void {
    this.#endLimit(call);
    if (!call.open) return;
    const all = { ...this.#headers, ...headers };
    if (metadata) addMetadata(all, metadata);
    let stream;
    try {
      if (!this.#refusal()) stream = this.#session.request(all);
    } catch (error) {
      // Node's message may show a header, which may be a secret
      this.#options.log.debug(`Node does not send the request (${codeOf(error) ?? 'no code'})`);
    }
    if (stream?.destroyed === false) {
      call.begin(stream);
      return;
    }
    if (stream) this.#usedUp(stream);
    this.#options.clock.soon(() => call.fail(this.#refusal() ?? goingAway(this.address)));
  }

  /** A session has 2^30 streams. What is open goes on; the rest is for another connection. */
  #usedUp(stream: ClientHttp2Stream): void {
    stream.on('error', ignore);
    if (this.#session.destroyed) return;
    this.#session.close();
    this.#tellGoodbye();
  }

  /** Why no call can be begun; undefined where one can. */
  #refusal(): WeirError | undefined {
    if (this.#closing) return closedByUs(this.address);
    if (this.#lost) return this.#lost;
    return this.#session.closed || this.#session.destroyed ? goingAway(this.address) : undefined;
  }

  #lose(error: WeirError): void {
    if (this.#lost) return;
    this.#lost = error;
    for (const call of [...this.#streaming, ...this.#unary]) call.fail(error);
    if (!this.#closing) for (const listener of [...this.#listeners]) listener(error);
    this.#listeners.clear();
    this.#goodbyeListeners.clear();
  }

  async #close(): Promise<void> {
    const closed = closedByUs(this.address);
    for (const call of [...this.#streaming]) call.cancel();
    for (const call of [...this.#unary]) call.fail(closed);
    this.#listeners.clear();
    this.#goodbyeListeners.clear();
    if (this.gone) this.#drop();
    else this.#session.close();
    const late = this.#options.clock.after(goodbyeTime, () => this.#drop());
    await this.#over;
    late();
  }

  #drop(): void {
    this.#session.destroy();
    this.#socket.destroy();
  }
}

type MetadataOf = ChannelOptions['metadata'];

function isPromise(given: CallMetadata | Promise<CallMetadata> | undefined): given is Promise<CallMetadata> {
  // a promise of another making counts too; metadata is made of strings and bytes
  return typeof (given as { then?: unknown } | undefined)?.then === 'function';
}

function ignore(): void {
  // that there is an answer says all
}
