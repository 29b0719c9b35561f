import type { WeirError } from '../../core/errors.js';

/** How a call ended, as its trailers say it, or as what came instead of them is read. @internal */
export interface CallStatus {
  /** The gRPC status code: 0 is OK. */
  readonly code: number;
  /** Its name, such as `NOT_FOUND`. */
  readonly name: string;
  /** What the server says about it; may be empty. */
  readonly message: string;
}

/**
 * What a streaming call tells. None of them may throw, except that `message` may throw a ProtocolError, which ends the call
 * with that as its cause.
 * @internal
 */
export interface CallHandlers {
  /**
   * One message of the answer: the bytes from `start` to before `end` of a chunk that nobody changes afterwards. False: no
   * more until `resume()`. The call then stops reading, and HTTP/2 flow control makes the server wait.
   */
  message(bytes: Uint8Array, start: number, end: number): boolean;
  /** What one chunk brought was handed over, or reading was stopped in the middle of it. */
  flushed(): void;
  /** There is room to write again after `write` returned false. */
  drained(): void;
  /**
   * The call is over: once, last, never after `cancel()`, and never before `call()` has returned. `cause` is there where the
   * connection was lost or dropped (the code is 14, UNAVAILABLE), where the bytes were no gRPC (a ProtocolError), or where a
   * limit or an option of this side ended it. While reading is stopped, a regular end waits for `resume()`, so that all
   * messages before it are handed over; where the server reset the call, or there is a cause, what was not read is dropped.
   */
  ended(status: CallStatus, cause: WeirError | undefined): void;
}

/** A streaming call. @internal */
export interface Call {
  /** Until it is cancelled or has ended. */
  readonly open: boolean;
  /**
   * Of one that has ended: whether the broker has certainly looked at nothing of it, because its request was never sent, or
   * was refused unread. What was written on it can be written again.
   */
  readonly unseen: boolean;
  /**
   * Writes messages in gRPC frames. The bytes are taken over and must not change. False: hold back until `drained`; also
   * false, and nothing is written, when the call is no longer open or was half-closed.
   */
  write(frames: Uint8Array): boolean;
  /** No more will be written. */
  halfClose(): void;
  /** Goes on after `message` returned false: with the rest of the chunk that it stopped in before this returns. */
  resume(): void;
  /** Ends it (RST_STREAM with CANCEL). No handler is called afterwards. Idempotent. */
  cancel(): void;
}
