import type { WeirError } from '../../core/errors.js';

/** What a websocket tells. @internal */
export interface SocketHandlers {
  opened(): void;
  /** A whole binary message; the bytes are the handler's to keep. */
  message(bytes: Uint8Array): void;
  /** A text message, which the protocol does not have. */
  text(): void;
  /** Any sign of life beneath messages (a pong). */
  alive(): void;
  /** There is room to send again after `send` returned false. */
  drained(): void;
  /** Once, last; also for a connection that was never made. Never after `terminate()`. */
  closed(code: number, reason: string, cause: WeirError | undefined): void;
}

/** A websocket: `ws` in Node, the page's own in a browser. @internal */
export interface Socket {
  /** False: so much waits to be sent that it is better to hold on until `drained`. */
  send(bytes: Uint8Array): boolean;
  /** Asks for a sign of life; undefined where the platform cannot (a page). */
  readonly ping: (() => void) | undefined;
  /** Says goodbye; `closed` follows. */
  close(): void;
  /** Drops it at once; nothing is told any more. */
  terminate(): void;
}
