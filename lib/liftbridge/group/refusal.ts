import { StreamNotFoundError, StreamUnavailableError, type WeirError } from '../../core/errors.js';
import { grpcStatus } from '../codec/grpc-status.js';
import type { CallStatus } from '../connection/call.js';

const broker = 'liftbridge';

/** Why a call of a consumer group was refused, as far as it makes a difference to a member. @internal */
export type RefusalReason =
  /** The group has a later or an earlier epoch. */
  | 'epoch'
  /** The broker asked is not, or not yet, the coordinator. */
  | 'coordinator'
  /** The group has no such member. */
  | 'stranger'
  /** There is no such group, or the broker asked has not heard of it yet. */
  | 'no group'
  /** The group has such a member already. */
  | 'member'
  /** The group was made by another member at the same moment. */
  | 'made'
  /** The stream does not exist. */
  | 'no stream';

/** The texts of the server, which are all that tells most of these apart: they share a status code. */
const texts: readonly (readonly [text: string, reason: RefusalReason])[] = [
  ['group epoch differs', 'epoch'],
  ['Coordinator generation mismatch', 'epoch'],
  ['not the consumer group coordinator', 'coordinator'],
  ['not a member of', 'stranger'],
  ['consumer group does not exist', 'no group'],
  ['No such consumer group', 'no group'],
  ['already a member', 'member'],
  ['consumer group already exists', 'made'],
  ['stream does not exist', 'no stream'],
];

/** Which broker coordinates a group, and since which change. @internal */
export interface Generation {
  /** The id of a broker. */
  readonly coordinator: string;
  readonly epoch: bigint;
}

/** What a broker answers to a call of a consumer group that is not a matter of trying again as it is. @internal */
export class GroupRefusal extends StreamUnavailableError {
  constructor(
    message: string,
    readonly reason: RefusalReason,
    /** The one that the group has, where the broker says so. */
    readonly generation: Generation | undefined,
    status: CallStatus,
  ) {
    super(message, { broker, retriable: false, detail: { ...status } });
  }
}

/** Why, if it was refused. @internal */
export function reasonOf(error: unknown): RefusalReason | undefined {
  return error instanceof GroupRefusal ? error.reason : undefined;
}

/**
 * Reads the status of a call of a consumer group; undefined where it means what it does everywhere.
 * @param asked - after "cannot"
 * @internal
 */
export function groupFailure(asked: string, status: CallStatus): WeirError | undefined {
  const { code, message } = status;
  const refused = code === grpcStatus.failedPrecondition || code === grpcStatus.notFound;
  const reason = refused ? texts.find(([text]) => message.includes(text))?.[1] : undefined;
  if (reason) return new GroupRefusal(`cannot ${asked}: ${message}`, reason, generationIn(message), status);
  // the group is moved, restored or without a leader; nothing about it is final
  if (refused || code === grpcStatus.internal || code === grpcStatus.unknown) {
    return new StreamUnavailableError(`cannot ${asked}: ${message}; it is tried again`, {
      broker,
      retriable: true,
      detail: { ...status },
    });
  }
  return undefined;
}

/** A report of a coordinator that is none any more is answered with the one that is. */
function generationIn(message: string): Generation | undefined {
  const found = /current coordinator: (\S+) epoch: (\d{1,20})/.exec(message);
  return found ? { coordinator: found[1]!, epoch: BigInt(found[2]!) } : undefined;
}

/** @internal */
export function noGroup(group: string): GroupRefusal {
  const status = { code: grpcStatus.notFound, name: 'NOT_FOUND', message: 'consumer group does not exist' };
  return new GroupRefusal(`the consumer group '${group}' does not exist any more`, 'no group', undefined, status);
}

/** @internal */
export function noStream(group: string, stream: string, cause?: unknown): StreamNotFoundError {
  return new StreamNotFoundError(
    `cannot read '${stream}' in the consumer group '${group}': there is no such stream; create it first`,
    { broker, cause, detail: { stream, group } },
  );
}
