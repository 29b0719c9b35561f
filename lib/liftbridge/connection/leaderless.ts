import { grpcStatus } from '../codec/grpc-status.js';
import type { CallStatus } from './call.js';

/** What servers say when the one that leads the cluster has taken nothing on: there is none, or it has just become another. */
const undone =
  /no known metadata leader|no responders available|node is not the leader|leadership transfer in progress|timed out enqueuing operation|raft is already shutdown/i;

/** The same of what was taken on, and may be decided all the same. */
const unsure =
  /leadership lost while committing log|snapshot restored while committing log|raft operation timed out|nats: timeout|^context deadline exceeded$/i;

/**
 * Whether the cluster had no leader to decide a request, which passes: another one is being elected. `unsure`: it may be decided
 * all the same.
 * @internal
 */
export function leaderless({ code, message }: CallStatus): 'undone' | 'unsure' | undefined {
  if (code !== grpcStatus.internal) return undefined;
  if (unsure.test(message)) return 'unsure';
  return undone.test(message) ? 'undone' : undefined;
}
