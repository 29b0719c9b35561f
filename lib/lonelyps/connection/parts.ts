import type { Clock } from '../../core/clock.js';
import type { WeirError } from '../../core/errors.js';
import type { Logger } from '../../core/logger.js';
import type { TlsOptions } from '../../core/tls.js';
import type { Auth } from '../auth/auth.js';
import type { Platform } from '../platform.js';
import type { Arrival } from './http.js';

/** What a connection tells. None of them may throw. @internal */
export interface ConnectionHandlers {
  /**
   * A message has come whole, with the hash that was announced. The websocket has no way to refuse one: each of the three
   * answers of an arrival confirms it, `refuse` and `unwanted` for no subscriber. While three are unanswered the broadcaster
   * sends nothing more on this connection, confirmations included.
   */
  arrived(arrival: Arrival): void;
  /** A message on this topic was lost on its way to the broadcaster that we are connected to. */
  missed(topic: Uint8Array): void;
  /** `writable` turned true. */
  drained(): void;
  /**
   * The connection is gone. Once, and before the changes and notifications that it takes with it are told; never after
   * `close()`, and never while `openConnection` has not resolved: it rejects instead.
   */
  lost(error: WeirError): void;
  /** The broadcaster sent what it should not have. `lost` follows where that ends the connection. */
  fault(error: WeirError): void;
}

/** How zstd is used, where it is not off. @internal */
export interface ResolvedCompression {
  /** Whether to fail with an UnsupportedError where there is no zstd, instead of going without. */
  readonly required: boolean;
  /** The dictionaries that both sides have, by their number: 2 to 65 535. */
  readonly dictionaries: ReadonlyMap<number, Uint8Array>;
  /** The number of the one to begin with; 0 for no wish. */
  readonly initial: number;
  /** Whether the broadcaster may train dictionaries for this connection and send them. */
  readonly training: boolean;
}

/** @internal */
export interface ConnectionOptions {
  /** ms until the broadcaster must have confirmed the connection. */
  readonly connectTimeout: number;
  /** Bytes of a body beyond which it goes to disk. */
  readonly spoolSize: number;
  /** The largest body that is taken, in bytes, compressed or not. */
  readonly maxMessageBytes: number;
  /** The largest websocket message that is sent, in bytes; what does not fit goes in parts. */
  readonly maxFrameBytes: number;
  /** Undefined: off. */
  readonly compression: ResolvedCompression | undefined;
  /** ms without a sign of life until one is asked for; 0 for never. */
  readonly pingInterval: number;
  /** ms that the answer may take. */
  readonly pingTimeout: number;
  readonly tls: TlsOptions | undefined;
}

/** @internal */
export interface ConnectionParts {
  readonly platform: Platform;
  /** Such as `ws://host:3003/v1/websocket`. */
  readonly url: string;
  readonly auth: Auth;
  readonly options: ConnectionOptions;
  readonly clock: Clock;
  readonly handlers: ConnectionHandlers;
  readonly log: Logger;
  readonly signal?: AbortSignal | undefined;
}

/** What became of a notification. Exactly one is called, once, never within the call of `notify`. @internal */
export interface NotificationOutcome {
  /** @param notified - subscribers that the broadcaster handed it to */
  confirmed(id: string, notified: number): void;
  /** Final: its bytes cannot be read or do not fit; it was certainly not delivered. */
  refused(error: WeirError, id: string): void;
  /** @param written - false: no byte of it left */
  lost(error: WeirError, written: boolean, id: string): void;
}
