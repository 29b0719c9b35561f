import type { Start } from '../../core/starts.js';
import type { StoredMessage } from './message.js';

/** What a subscription asks of the server. @internal */
export interface SubscribeRequest {
  /** Who asks. A durable without a queue belongs to its client: another client's durable of that name is another one. */
  readonly client: object;
  readonly channel: string;
  /** Where to begin. Ignored where a durable or a queue group has a position already. */
  readonly start: Start;
  readonly durable?: string | undefined;
  readonly queue?: string | undefined;
  /** First deliveries stop at this many unacked; redeliveries go beyond it. */
  readonly maxInFlight: number;
  /** Milliseconds from a delivery until it comes again. */
  readonly ackWait: number;
}

/**
 * Takes a message. Called from the server's drain only, never from within `publish`, `subscribe`, `ack` or any other
 * call to the server; it may call the server itself, `ack` and `close` included.
 * @param redeliveries - how often this message was sent before within its subscription or group; 0 the first time
 * @internal
 */
export type Deliver = (message: StoredMessage, redeliveries: number) => void;

/** A subscription in being: the only member of its own position, or one of a queue group. @internal */
export interface Membership {
  /** False after `close()`, and after the server was wiped: nothing comes any more and acks are ignored. */
  readonly active: boolean;
  /**
   * The lowest offset that has yet to come or to be acked, of the whole group. Beyond `server.lastOffset` there is
   * nothing left to come from what is stored.
   */
  readonly position: bigint;
  /** How many were sent to this member and not acked. */
  readonly unacked: number;
  /** Settles a message, also one that another member of the group has. Of an unknown or acked one: nothing happens. */
  ack(offset: number | bigint): void;
  /**
   * The link is down: nothing is sent until `resume()`. What was sent counts as sent; in a queue group it goes to the
   * others after `ackWait`. Without a group what falls due meanwhile comes at `resume()`, and the rest at its time.
   *
   * To model messages that are lost on the wire, don't pause but ignore what `deliver` gets: it comes again after
   * `ackWait`, as redelivered, behind newer ones.
   */
  pause(): void;
  /** The link is up again. */
  resume(): void;
  /** Everything unacked of this member comes again at once, in order, without waiting for `ackWait`. */
  redeliverUnacked(): void;
  /**
   * Leaves. Unacked messages go to the other members at once, or wait for the durable to be resumed. A position without
   * `durable` is gone with its last member. Idempotent.
   */
  close(): void;
}
