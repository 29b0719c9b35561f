import { StreamNotFoundError } from '../../core/errors.js';
import { keys } from '../codec/keys.js';
import { encodePartitions, encodeRoute } from '../codec/requests.js';
import { responseCodes } from '../codec/response-codes.js';
import { readPartitions, readRoute } from '../codec/responses.js';
import type { Connection } from '../connection/connection.js';
import { failure } from '../connection/failures.js';
import type { Address } from '../options.js';

/** Where a stream lives. @internal */
export interface Placement {
  /** Absent while there is none: an election is under way. */
  readonly leader: Address | undefined;
  readonly replicas: readonly Address[];
}

/**
 * Where a stream lives.
 * @throws StreamNotFoundError, StreamUnavailableError, AuthorizationError
 * @internal
 */
export async function findPlacement(connection: Connection, stream: string): Promise<Placement> {
  const subject = { action: `find the stream '${stream}'`, stream };
  const streams = await connection.metadata([stream]);
  const found = streams.find((each) => each.stream === stream);
  if (found?.code !== responseCodes.OK) throw failure(found?.code ?? responseCodes.STREAM_DOES_NOT_EXIST, subject);
  return { leader: found.leader, replicas: found.replicas };
}

/**
 * The streams of a super stream, in their order; at least one.
 * @throws StreamNotFoundError
 * @internal
 */
export async function findPartitions(connection: Connection, superStream: string): Promise<string[]> {
  const action = `find the partitions of the super stream '${superStream}'`;
  const partitions = await connection.request(
    keys.partitions,
    (id) => encodePartitions(id, { superStream }),
    readPartitions,
    { action, stream: superStream },
  );
  if (partitions.length > 0) return partitions;
  // any exchange is a super stream for the broker
  throw new StreamNotFoundError(
    `cannot ${action}: there is an exchange of that name, to which no stream is bound; create the super stream, or check its name`,
    { broker: 'rabbitmq-stream', detail: { stream: superStream } },
  );
}

/** The streams that a routing key leads to. @throws StreamNotFoundError @internal */
export function findRoute(connection: Connection, superStream: string, routingKey: string): Promise<string[]> {
  return connection.request(keys.route, (id) => encodeRoute(id, { routingKey, superStream }), readRoute, {
    action: `find the partition of the super stream '${superStream}' for a routing key`,
    stream: superStream,
  });
}
