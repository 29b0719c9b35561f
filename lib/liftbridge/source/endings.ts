import type { CallStatus } from '../connection/call.js';

/** The status codes of gRPC that mean something here. */
const codes = {
  ok: 0,
  cancelled: 1,
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  resourceExhausted: 8,
  failedPrecondition: 9,
  internal: 13,
  unavailable: 14,
};

/** What the end of a Subscribe call means. Liftbridge gives several meanings to one code, and only the text tells them apart. @internal */
export type End =
  /** A read-only partition was read to its end, or has nothing to read. */
  | 'exhausted'
  /** The broker does not lead the partition. */
  | 'moved'
  /** The partition is another group member's. */
  | 'fenced'
  /** The log is not open: the partition is paused, or the broker is about to give it up. */
  | 'closed'
  /** The partition was paused. */
  | 'paused'
  /** The stream was deleted. */
  | 'deleted'
  /** Without an error: a newer call of the group took over, or the broker was asked to. */
  | 'ended'
  /** The connection is gone, or the partition moves: to be made again. */
  | 'lost'
  /** Refused. */
  | 'failed';

/**
 * Reads the status with which a Subscribe call ended.
 * @param accepted - whether the broker had accepted it: the same code means something else then
 * @internal
 */
export function endOf({ code, message }: CallStatus, accepted: boolean): End {
  const says = (text: string): boolean => message.includes(text);
  // retention has removed what was being read: what is left is read next
  if (says('segment has been closed')) return accepted ? 'lost' : 'closed';
  switch (code) {
    case codes.ok:
      return 'ended';
    case codes.unavailable:
    case codes.cancelled:
    case codes.deadlineExceeded:
      return 'lost';
    case codes.resourceExhausted:
      if (says('End of readonly partition') || says('Stop offset reached') || says('Stream is empty'))
        return 'exhausted';
      // the answer to pings, which a proxy on the way may send
      return /bandwidth exhausted/i.test(message) ? 'lost' : 'failed';
    case codes.invalidArgument:
      // of a read-only partition, whose end the server sets as the stop position
      return says('Stop offset is before start offset') ? 'exhausted' : 'failed';
    case codes.failedPrecondition:
      if (accepted) return says('commit log was closed') ? 'paused' : 'failed';
      if (says('not partition leader')) return 'moved';
      return says('not currently assigned') ? 'fenced' : 'failed';
    case codes.internal:
      // a call that was reset had no status of the broker's, whatever it was reset for
      return says('commit log was closed') || says('it reset the call') ? 'lost' : 'failed';
    case codes.notFound:
      return 'deleted';
    default:
      return 'failed';
  }
}
