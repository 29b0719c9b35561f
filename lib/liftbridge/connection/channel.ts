import type { Cancel, Clock } from '../../core/clock.js';
import type { WeirError } from '../../core/errors.js';
import type { Logger } from '../../core/logger.js';
import type { TlsOptions } from '../../core/tls.js';
import type { Address } from './address.js';
import type { Call, CallHandlers, CallStatus } from './call.js';
import { HttpChannel } from './http-channel.js';
import { Opening } from './opening.js';

/**
 * What goes with every call beside the request: names of headers, and their values. Values of names that end in `-bin` are
 * bytes, or their base64.
 * @internal
 */
export type CallMetadata = Readonly<Record<string, string | Uint8Array>>;

/** @internal */
export interface ChannelOptions {
  /** Absent: HTTP/2 without TLS, by prior knowledge. */
  readonly tls: TlsOptions | undefined;
  /** Gives what goes with each call; asked before each. None of the values gets into an error or a log. */
  readonly metadata: (() => CallMetadata | Promise<CallMetadata>) | undefined;
  /** Milliseconds until the broker must have sent its settings. */
  readonly connectTimeout: number;
  /** The longest message that is accepted, in bytes. */
  readonly maxMessageBytes: number;
  /** What a broker may send on one call before this side has read it, in bytes. */
  readonly windowBytes: number;
  readonly clock: Clock;
  readonly log: Logger;
}

/** @internal */
export interface UnaryOptions<T> {
  /** After "cannot", for errors: `create the stream 'orders'`. */
  readonly asked: string;
  /** Reads the answer; the ProtocolError that it throws is what the call rejects with. */
  decode(bytes: Uint8Array): T;
  /** Milliseconds that the call may take. */
  readonly timeout: number;
  /**
   * Whether the broker is told of the timeout (`grpc-timeout`), with a little added so that its own answer loses no race.
   * @defaultValue true
   */
  readonly deadline?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  /** The caller's own reading of a status, before the general one. */
  fail?(status: CallStatus): WeirError | undefined;
}

/** One HTTP/2 session with one broker, and the gRPC calls on it. @internal */
export interface Channel {
  readonly address: Address;
  /** Whether calls can be begun: false from the first sign that it ends. */
  readonly up: boolean;
  /** How many streaming calls are open. */
  readonly calls: number;
  /** How many unary calls wait for their answer; a probe is none of them. */
  readonly pending: number;
  /** How many calls the broker takes at a time; those beyond wait until others have ended. Infinity: as many as there are. */
  readonly limit: number;
  /** How many bytes have come from the broker. It costs nothing to look, for those who want to know whether anything comes. */
  readonly received: number;
  /**
   * Asks, and resolves with what `decode` makes of the answer.
   * @param method - such as `CreateStream`
   * @param request - the message, without a gRPC frame
   * @throws BrokerTimeoutError, ConnectionError, ProtocolError, and what the status says; `signal.reason`
   */
  unary<T>(method: string, request: Uint8Array, options: UnaryOptions<T>): Promise<T>;
  /**
   * Begins a streaming call. Never throws: where it cannot be begun, it ends soon.
   * @param first - the one message of a server-streaming call, without a gRPC frame; nothing can be written after it
   */
  call(method: string, handlers: CallHandlers, first?: Uint8Array): Call;
  /**
   * Told once when it is gone: with the last call where the broker says goodbye and lets calls end, at once where it just
   * goes. Not told of `close()`. Told soon where it is gone already.
   */
  onLost(listener: (error: WeirError) => void): Cancel;
  /**
   * Told once when it takes no more calls while those that are open go on, as a broker or proxy wants it that is going to
   * stop; `onLost` comes later. Not told where it is so already.
   */
  onGoodbye(listener: () => void): Cancel;
  /**
   * Checks that the broker answers: true for any answer to a health check, be it a refusal. Where nothing comes within
   * `timeout` milliseconds, the channel is destroyed, and the answer is false. One with as many calls as the broker takes cannot
   * be asked, and counts as alive.
   */
  probe(timeout: number): Promise<boolean>;
  /** Ends the open calls as their `cancel()` does, then the session in its own way. Never rejects; `onLost` is not told. */
  close(): Promise<void>;
  /** Ends all at once, as if the connection had been lost by `error`. */
  destroy(error: WeirError): void;
}

/**
 * Connects, and resolves when the broker has sent its settings: with TLS 1.3 it looks at the client's certificate only after
 * the client counts as connected.
 * @throws ConnectionError, AuthenticationError, BrokerTimeoutError, ProtocolError, InvalidOptionError for certificates that
 * cannot be read; `signal.reason`
 * @internal
 */
export async function openChannel(address: Address, options: ChannelOptions, signal?: AbortSignal): Promise<Channel> {
  signal?.throwIfAborted();
  const opening = new Opening(address, options, (established) => new HttpChannel(address, options, established));
  const abort = (): void => opening.abandon(signal?.reason);
  const cancel = options.clock.after(options.connectTimeout, () => opening.timedOut());
  signal?.addEventListener('abort', abort, { once: true });
  try {
    return await opening.established;
  } finally {
    cancel();
    signal?.removeEventListener('abort', abort);
  }
}
