import type { WeirError } from '../../core/errors.js';
import type { LogSessionHooks } from '../../core/log-handle.js';
import type { Body } from '../body.js';
import type { Arrival, LonelypsRequestHandler } from '../connection/http.js';

/** What is subscribed to. `key` is one string for both kinds: `=` and the topic as text, or `*` and the glob. @internal */
export type Pattern =
  | { readonly kind: 'exact'; readonly key: string; readonly topic: Uint8Array }
  | { readonly kind: 'glob'; readonly key: string; readonly glob: string };

/** What became of a message that was given to {@link Session.notify}. Exactly one is called, once, never in the same turn. @internal */
export interface NotifyOutcome {
  /** @param mayBeDuplicate - an earlier attempt may have been delivered too */
  confirmed(id: string, notified: number, mayBeDuplicate: boolean): void;
  /** Final. */
  refused(error: WeirError, id: string): void;
  /** Written, and nobody can tell. */
  uncertain(error: WeirError, id: string): void;
  /** Not a byte of it left, and the broadcasters are away: it waits until `located`. */
  unwritten(): void;
}

/** @internal */
export interface OutgoingMessage {
  /** The topic as text. */
  readonly channel: string;
  readonly topic: Uint8Array;
  readonly body: Body;
  /** Whether it may be sent again after an attempt that nobody can tell the end of. */
  readonly resend: boolean;
}

/** Who is told. @internal */
export interface SessionHooks extends LogSessionHooks {
  /** After `connected(true)`: subscriptions were away meanwhile, and nobody kept what came. */
  lapsed(): void;
  arrived(arrival: Arrival): void;
  /** A message on this topic was lost on its way to us; not debounced: the broadcaster says it up to twenty times. */
  missed(topic: Uint8Array): void;
  /** `writable` turned true, or `hasRoom` for some topic. */
  drained(): void;
  /** The peer sent what it should not have. */
  fault(error: WeirError): void;
}

/** How a handle talks to its broadcasters: over HTTP, or over a websocket. @internal */
export interface Session {
  /** Whether a broadcaster was reached last time. */
  readonly up: boolean;
  /** Whether `notify` would write something. */
  readonly writable: boolean;
  /** Whether it would write a message to that topic. */
  hasRoom(channel: string): boolean;
  readonly handler: LonelypsRequestHandler | undefined;
  start(): void;
  /** Counts; the first of a key subscribes, as soon as there is a connection, changes of one turn together. */
  want(pattern: Pattern): void;
  /** Counts; the last of a key unsubscribes. */
  unwant(pattern: Pattern): void;
  /** Resolves when what is wanted at the call is subscribed (or the session has failed or closed). */
  settled(): Promise<void>;
  /** Something is to be published: where that takes a connection of its own, it is made. */
  wantOutlet(): void;
  /** Only while `writable`, or the message comes back as unwritten. */
  notify(message: OutgoingMessage, outcome: NotifyOutcome): void;
  /** A loss was told: all subscriptions are to be set again once it is quiet. */
  repair(): void;
  /** Unsubscribes, says goodbye, and ends everything within `ms`; then uncertain is what is unconfirmed. */
  close(ms: number): Promise<void>;
}
