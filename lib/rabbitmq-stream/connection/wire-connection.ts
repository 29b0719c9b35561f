import { Buffer } from 'node:buffer';
import type { BrokerTimeoutError, WeirError } from '../../core/errors.js';
import { FrameSplitter } from '../codec/frames.js';
import { keyName, keys } from '../codec/keys.js';
import type { OffsetSpec } from '../codec/offset-spec.js';
import type { Reader } from '../codec/reader.js';
import {
  encodeClose,
  encodeCloseResponse,
  encodeConsumerUpdateResponse,
  encodeHeartbeat,
  encodeMetadata,
} from '../codec/requests.js';
import { responseCodes } from '../codec/response-codes.js';
import { readMetadata, type NodeAddress, type StreamMetadata } from '../codec/responses.js';
import { supportsCommand } from './command-support.js';
import type { Connection, ConnectionEvents, ConnectionOptions } from './connection.js';
import {
  closedByUs,
  connectTimedOut,
  dead,
  dropped,
  notAnswered,
  speaksOther,
  tooLarge,
  unsupported,
} from './endings.js';
import { closeFailure, failure, type RequestSubject } from './failures.js';
import { foreignProtocol } from './foreign-protocol.js';
import type { Handshake } from './handshake.js';
import { Heartbeats } from './heartbeats.js';
import { Inbound } from './inbound.js';
import { Opening } from './opening.js';
import { addressOf, socketFailure, type SocketPhase } from './socket-failures.js';
import { WaitingRequests, type Late } from './waiting-requests.js';
import { Wire } from './wire.js';

/** Milliseconds that an orderly end may take at most, for the broker's answer and for the last bytes to leave. */
const closeLimit = 2000;
/** How many unknown commands of the broker are logged, one line a command. */
const maxUnknown = 16;

/**
 * A socket and what is said over it. What could show a secret is private, so that `inspect` does not reach it.
 * @internal
 */
export class WireConnection implements Connection {
  readonly name: string;
  readonly remote: NodeAddress;
  readonly #options: ConnectionOptions;
  readonly #events: ConnectionEvents;
  readonly #wire: Wire;
  readonly #splitter: FrameSplitter;
  readonly #requests: WaitingRequests;
  readonly #inbound: Inbound;
  readonly #opening = new Opening();
  readonly #unknown = new Set<number>();
  #state: 'opening' | 'open' | 'closing' | 'ended' = 'opening';
  #hasRead = false;
  #frameMax = 0;
  #heartbeat = 0;
  #heartbeats: Heartbeats | undefined;
  #handshake: Handshake | undefined;
  /** What ended it; undefined where that was `close`. */
  #reason: unknown;
  #closing: Promise<void> | undefined;

  constructor(options: ConnectionOptions, events: ConnectionEvents) {
    const { host, port, clock, maxFrame, properties } = options;
    this.#options = options;
    this.#events = events;
    this.remote = { host, port };
    this.name = properties['connection_name'] ?? addressOf(options);
    this.#requests = new WaitingRequests(clock);
    this.#inbound = new Inbound(
      {
        answer: (key, correlationId, reader) => this.#answer(key, correlationId, reader),
        tune: (tune) => {
          if (!this.#opening.tuned(tune)) this.#warn('sent Tune out of turn; it is ignored');
        },
        closeAsked: (correlationId, code, reason) => this.#closeAsked(correlationId, code, reason),
        consumerUpdateAsked: (correlationId, id, active) => this.#consumerUpdateAsked(correlationId, id, active),
        unknown: (key) => this.#unknownCommand(key),
      },
      events,
    );
    this.#splitter = new FrameSplitter(
      // a frame that spans reads may be kept by whom it is for, so it shares no memory
      { maxFrame, allocate: (size) => Buffer.allocUnsafeSlow(size) },
      (bytes, start, end, owned) => {
        if (this.#state === 'open') this.#inbound.frame(bytes, start, end, owned);
        else this.#inbound.frameUntold(bytes, start, end);
      },
    );
    this.#wire = new Wire(options, {
      ready: () => this.#opening.connected(),
      read: (bytes, length) => this.#read(bytes, length),
      drained: () => this.#guarded(() => this.#events.drained()),
      lost: (error, phase) => this.#lost(error, phase),
    });
  }

  /** Does all that it takes until requests can be sent; what ends it before rejects. */
  async open(): Promise<void> {
    const handshake = await this.#opening.run(this.#options, {
      ask: (key, make, read, subject) => this.#issue(key, make, withCode(read, subject), subject),
      agree: ({ frameMax, heartbeat }, frame) => {
        this.#frameMax = frameMax;
        this.#heartbeat = heartbeat;
        this.#write(frame);
      },
    });
    // it can have ended after the last answer, in the same read
    if (this.#state !== 'opening') throw this.#reason;
    this.#handshake = handshake;
    this.#state = 'open';
    this.#heartbeats = new Heartbeats(this.#options.clock, this.#heartbeat * 1000, {
      beat: () => void this.#write(encodeHeartbeat()),
      dead: () => this.#fail(dead(this.remote, this.#heartbeat)),
    });
    this.#options.log.debug(`connected to RabbitMQ at ${addressOf(this.remote)} as '${this.name}'`);
  }

  /** Ends it while it is being opened. */
  abandon(reason: unknown): void {
    this.#fail(reason);
  }

  /** What to say when opening takes longer than `limit` milliseconds. */
  timedOut(limit: number): BrokerTimeoutError {
    return connectTimedOut(this.remote, this.#opening.step, limit);
  }

  get advertised(): NodeAddress | undefined {
    return this.#handshake?.advertised;
  }

  get serverProperties(): ReadonlyMap<string, string> {
    return this.#handshake?.serverProperties ?? new Map<string, string>();
  }

  get frameMax(): number {
    return this.#frameMax;
  }

  get closed(): boolean {
    return this.#state !== 'open';
  }

  supports(key: number, version: number): boolean {
    return supportsCommand(this.#handshake?.versions, key, version);
  }

  request<R>(
    key: number,
    make: (correlationId: number) => Uint8Array,
    read: (reader: Reader) => R,
    subject: RequestSubject,
  ): Promise<R> {
    return this.#request(key, make, withCode(read, subject), subject);
  }

  metadata(streams: readonly string[]): Promise<StreamMetadata[]> {
    return this.#request(keys.metadata, (id) => encodeMetadata(id, { streams }), readMetadata, {
      action: `look up ${streams.map((stream) => `'${stream}'`).join(', ')}`,
    });
  }

  send(frame: Uint8Array): boolean {
    if (this.#state !== 'open') return false;
    this.#checkSize(frame, 'send a frame');
    return this.#write(frame);
  }

  close(reason = 'OK'): Promise<void> {
    return (this.#closing ??= this.#close(reason));
  }

  destroy(error: WeirError): void {
    this.#fail(error);
  }

  async #request<R>(
    key: number,
    make: (correlationId: number) => Uint8Array,
    read: (reader: Reader) => R,
    subject: RequestSubject,
  ): Promise<R> {
    const { action } = subject;
    if (this.#state !== 'open') {
      const reason: unknown = this.#reason ?? closedByUs(this.remote, action);
      throw reason;
    }
    if (!this.supports(key, 1)) throw unsupported(key, action, this.serverProperties.get('version'));
    const { requestTimeout } = this.#options;
    const message = notAnswered(this.remote, action, key, requestTimeout);
    return this.#issue(key, make, read, subject, { after: requestTimeout, message });
  }

  #issue<R>(
    key: number,
    make: (correlationId: number) => Uint8Array,
    read: (reader: Reader) => R,
    subject: RequestSubject,
    late?: Late,
  ): Promise<R> {
    const { correlationId, answer } = this.#requests.open(key, read, late);
    try {
      const frame = make(correlationId);
      this.#checkSize(frame, subject.action);
      this.#write(frame);
    } catch (error) {
      this.#requests.drop(correlationId);
      throw error;
    }
    return answer;
  }

  #checkSize(frame: Uint8Array, action: string): void {
    const limit = this.#frameMax;
    if (limit !== 0 && frame.length > limit) throw tooLarge(this.remote, action, frame.length, limit);
  }

  #write(frame: Uint8Array): boolean {
    this.#heartbeats?.wrote();
    return this.#wire.write(frame);
  }

  #read(bytes: Uint8Array, length: number): void {
    this.#heartbeats?.read();
    if (!this.#hasRead) {
      this.#hasRead = true;
      const foreign = foreignProtocol(bytes, length);
      if (foreign !== undefined) {
        this.#fail(speaksOther(this.remote, foreign));
        return;
      }
    }
    this.#guarded(() => {
      this.#splitter.push(bytes, 0, length);
      if (this.#state === 'open') this.#events.flushed();
    });
  }

  /** Nothing may be thrown into the socket's callbacks, where it would end the process. */
  #guarded(call: () => void): void {
    try {
      call();
    } catch (error) {
      const reason = dropped(this.remote, error);
      if (reason.code !== 'PROTOCOL') this.#options.log.error(reason.message, error);
      this.#fail(reason);
    }
  }

  #answer(key: number, correlationId: number, reader: Reader): void {
    if (this.#requests.answer(key, correlationId, reader)) return;
    this.#options.log.debug(`${keyName(key)} was answered after its time by ${addressOf(this.remote)}, and is ignored`);
  }

  #closeAsked(correlationId: number, code: number, reason: string): void {
    this.#wire.write(encodeCloseResponse(correlationId));
    this.#wire.finish(closeLimit);
    this.#end(closeFailure(code, reason, addressOf(this.remote)));
  }

  #consumerUpdateAsked(correlationId: number, subscriptionId: number, active: boolean): void {
    let replied = false;
    const reply = (offset: OffsetSpec): void => {
      if (replied) return;
      replied = true;
      if (this.#state === 'open') this.#write(encodeConsumerUpdateResponse(correlationId, { offset }));
    };
    try {
      this.#events.consumerUpdate(subscriptionId, active, reply);
    } catch (error) {
      this.#options.log.error('a handler of ConsumerUpdate threw; the broker is told to go on as subscribed', error);
      // without any reply the broker would drop the connection after a minute
      reply({ type: 'none' });
    }
  }

  #unknownCommand(key: number): void {
    if (this.#unknown.has(key) || this.#unknown.size >= maxUnknown) return;
    this.#unknown.add(key);
    this.#warn(`sent ${keyName(key)}, which this client does not know; it is ignored`);
  }

  #warn(what: string): void {
    this.#options.log.warn(`RabbitMQ at ${addressOf(this.remote)} ${what}`);
  }

  #lost(error: unknown, phase: SocketPhase): void {
    const step = this.#state === 'opening' ? (this.#opening.step ?? 'the connection') : undefined;
    const tls = this.#options.tls !== undefined;
    this.#fail(socketFailure(error, { ...this.remote, tls, phase, step, insideFrame: this.#splitter.inside }));
  }

  #fail(reason: unknown): void {
    this.#wire.destroy();
    this.#end(reason);
  }

  /** Ends all but the socket. */
  #end(reason: unknown): void {
    const before = this.#state;
    if (before === 'ended') return;
    this.#state = 'ended';
    this.#reason = before === 'closing' ? undefined : reason;
    this.#heartbeats?.stop();
    this.#splitter.stop();
    this.#requests.fail(reason);
    this.#opening.fail(reason);
    if (before !== 'open') return;
    try {
      this.#events.closed(reason as WeirError);
    } catch (error) {
      this.#options.log.error('a handler of the end of a connection threw', error);
    }
  }

  async #close(reason: string): Promise<void> {
    if (this.#state === 'open') {
      this.#state = 'closing';
      this.#heartbeats?.stop();
      this.#requests.fail(closedByUs(this.remote, 'wait for an answer'));
      const limit = Math.min(closeLimit, this.#options.requestTimeout);
      const late = { after: limit, message: 'no answer to Close' };
      const { correlationId, answer } = this.#requests.open(keys.close, () => undefined, late);
      this.#write(encodeClose(correlationId, { code: responseCodes.OK, reason }));
      try {
        await answer;
        this.#wire.finish(limit);
        this.#end(undefined);
      } catch {
        // the broker is gone, or has stopped to read; either way there is nobody to part from
        this.#fail(undefined);
      }
    }
    await this.#wire.gone;
  }
}

/** Takes the response code before the rest, which is there only where the code says OK. */
function withCode<R>(read: (reader: Reader) => R, subject: RequestSubject): (reader: Reader) => R {
  return (reader) => {
    const code = reader.u16();
    if (code !== responseCodes.OK) throw failure(code, subject);
    return read(reader);
  };
}
