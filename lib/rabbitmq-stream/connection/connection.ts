import type { Clock } from '../../core/clock.js';
import type { WeirError } from '../../core/errors.js';
import type { Logger } from '../../core/logger.js';
import type { OffsetSpec } from '../codec/offset-spec.js';
import type { Reader } from '../codec/reader.js';
import type { NodeAddress, StreamMetadata } from '../codec/responses.js';
import type { RequestSubject } from './failures.js';
import type { TlsOptions } from '../../core/tls.js';
import { WireConnection } from './wire-connection.js';

/** One socket to one node. @internal */
export interface ConnectionOptions extends NodeAddress {
  /** TLS from the first byte; absent: plain TCP. */
  readonly tls?: TlsOptions | undefined;
  /** `external`: the client's certificate says who it is, and username and password are not sent. */
  readonly sasl: 'plain' | 'external';
  readonly username: string;
  readonly password: string;
  readonly vhost: string;
  /** The largest frame to send, in bytes with the size field; 0: as the broker says. The smaller of both sides' counts. */
  readonly frameMax: number;
  /** Milliseconds, rounded up to seconds; 0: as the broker says. The smaller of both sides' counts. */
  readonly heartbeat: number;
  /** Milliseconds for everything until the virtual host is open. The broker takes 3 s to refuse credentials. */
  readonly connectTimeout: number;
  /** Milliseconds that each request may take. */
  readonly requestTimeout: number;
  /** The largest frame to accept, in bytes. It is no part of the negotiation: brokers send chunks beyond the frame limit. */
  readonly maxFrame: number;
  /** What this client says of itself: `connection_name` and so on. */
  readonly properties: Readonly<Record<string, string>>;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * What a connection tells. Called while bytes are read: a handler that throws a ProtocolError has seen a frame that should
 * not have come, and one that throws anything else is a defect; either drops the connection.
 * @internal
 */
export interface ConnectionEvents {
  /** `count` publishing ids of 8 bytes each begin at `start`. */
  confirm(publisherId: number, bytes: Uint8Array, start: number, count: number): void;
  publishError(publisherId: number, id: number | bigint, code: number): void;
  /** A chunk, from its first byte (the magic one) to `end`. Unless `owned`, the bytes are valid during the call only. */
  deliver(subscriptionId: number, bytes: Uint8Array, start: number, end: number, owned: boolean): void;
  creditError(subscriptionId: number, code: number): void;
  metadataUpdate(stream: string, code: number): void;
  /** Calls `reply` once, soon; further calls do nothing. A handler that throws before has replied "as subscribed". */
  consumerUpdate(subscriptionId: number, active: boolean, reply: (spec: OffsetSpec) => void): void;
  /** What one read of the socket brought was handled: time to write what was gathered meanwhile. */
  flushed(): void;
  /** The socket takes more again, after `send` returned false. */
  drained(): void;
  /**
   * The connection ended, and not by its own `close()`. Called once, last, and never before `openConnection` resolved. The
   * requests that were waiting have been rejected with the same error.
   */
  closed(error: WeirError): void;
}

/** @internal */
export interface Connection {
  /** Who it is in logs: the `connection_name` property, or where it goes. */
  readonly name: string;
  /** The node that was asked for. */
  readonly remote: NodeAddress;
  /** Which node it says it is; undefined where it does not. Another one than `remote` behind a load balancer. */
  readonly advertised: NodeAddress | undefined;
  /** The largest frame to send, in bytes with the size field; 0: no limit. */
  readonly frameMax: number;
  /** `product`, `version`, `cluster_name` and so on. */
  readonly serverProperties: ReadonlyMap<string, string>;
  /** True from the call of `close()`, or from the loss of the connection. */
  readonly closed: boolean;

  /** Whether the broker knows this version of the command. */
  supports(key: number, version: number): boolean;

  /**
   * Sends a request and resolves with what `read` makes of the answer, after its response code.
   * @param make - the whole frame
   * @param subject - what is asked, for errors
   * @throws BrokerTimeoutError after requestTimeout; an answer that comes later is ignored
   * @throws FrameTooLargeError, UnsupportedError before anything is written
   * @throws ClosedError after `close()`, and the error of `closed` after a loss
   * @throws what `failure` makes of any other response code than OK
   */
  request<R>(
    key: number,
    make: (correlationId: number) => Uint8Array,
    read: (reader: Reader) => R,
    subject: RequestSubject,
  ): Promise<R>;

  /** Where streams live, in no particular order; one that does not exist has its code in its place. Rejects as `request`. */
  metadata(streams: readonly string[]): Promise<StreamMetadata[]>;

  /**
   * Writes a whole frame that has no answer. The bytes must not change afterwards. False: the socket is full, and `drained`
   * follows; also false, and nothing is written, once `closed`.
   * @throws FrameTooLargeError, and nothing is written
   */
  send(frame: Uint8Array): boolean;

  /** Ends it in the broker's own way, and at once where the broker does not answer. Never rejects; no event follows its call. */
  close(reason?: string): Promise<void>;

  /** Ends it at once, as if it had been lost by `error`: requests are rejected with it, and `closed` is called. */
  destroy(error: WeirError): void;
}

/**
 * Connects, authenticates and opens the virtual host.
 * @throws ConnectionError, AuthenticationError, AuthorizationError, BrokerTimeoutError, ProtocolError, UnsupportedError;
 * `signal.reason` where that came first
 * @internal
 */
export async function openConnection(
  options: ConnectionOptions,
  events: ConnectionEvents,
  signal?: AbortSignal,
): Promise<Connection> {
  signal?.throwIfAborted();
  const { clock, connectTimeout } = options;
  const connection = new WireConnection(options, events);
  const abort = (): void => connection.abandon(signal?.reason);
  const cancel = clock.after(connectTimeout, () => connection.abandon(connection.timedOut(connectTimeout)));
  signal?.addEventListener('abort', abort, { once: true });
  try {
    await connection.open();
    return connection;
  } catch (error) {
    connection.abandon(error);
    throw error;
  } finally {
    cancel();
    signal?.removeEventListener('abort', abort);
  }
}
