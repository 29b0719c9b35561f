import type { Cancel } from '../../core/clock.js';
import type { AuthorizationError, WeirError } from '../../core/errors.js';

/** Who is told how a session does. Every call comes from the session's own turn; what a hook throws is logged. @internal */
export interface SessionHooks {
  /**
   * The link is up and the server knows this client: subscriptions and publishes may be written.
   * - `first`: the first registration since `start`
   * - `kept`: the link returned, or the server answers again, and it still knows this client: subscriptions stand
   * - `renewed`: a new registration, after `lost`: subscriptions are to be made again, on a new `ackInbox`
   */
  connected(kept: 'first' | 'kept' | 'renewed'): void;
  /** The link dropped, or the server does not answer: nothing may be written until `connected`. */
  interrupted(cause: WeirError): void;
  /** The link dropped, after `interrupted` too: what was on its way in either direction is lost. */
  dropped(cause: WeirError): void;
  /**
   * The server does not know this client any more, or its link is gone: all its subscriptions are. `connected` or `failed` follows.
   * @param endAcks - where the server has said so itself: its answers to what was published until then may still be on their
   * way, and are told to `lateAck` until this is called. Twice is fine.
   */
  lost(cause: WeirError, endAcks: Cancel | undefined): void;
  /** The end, which `close` is not: the session is idle, and `start` may be called anew. All pending requests have failed. */
  failed(error: WeirError): void;
  /** Another process owns the client id; `failed` follows. */
  replaced(reason: string): void;
  /** What came on the inbox for confirmations. That nobody listens is not told here: the session looks for itself. */
  pubAck(data: Uint8Array): void;
  /** The same, for the registration before. */
  lateAck(data: Uint8Array): void;
  /** The NATS server refused what was published on that subject, or a subscription whose owner gave no `denied`. */
  denied(subject: string, error: AuthorizationError): void;
  /** Something that should not have come was dropped. */
  fault(error: WeirError): void;
}
