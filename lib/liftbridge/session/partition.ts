import { StreamUnavailableError, type ErrorDetail } from '../../core/errors.js';
import { offsetKey, type OffsetKey } from '../../core/offset.js';
import { grpcStatus } from '../codec/grpc-status.js';
import { decodeFetchPartitionMetadataResponse } from '../codec/metadata.js';
import { encodeFetchPartitionMetadataRequest, type FetchPartitionMetadataRequest } from '../codec/requests.js';
import { partitionMetadata, type PartitionMetadata } from '../metadata.js';
import type { Calls } from './calls.js';
import type { Topology } from './topology.js';

/** The end of a partition, as its leader tells. @internal */
export interface PartitionTail {
  /** The newest offset that is stored; undefined: the partition is empty. */
  readonly newest: OffsetKey | undefined;
  /** The newest that is committed, and so can be read. */
  readonly highWatermark: OffsetKey | undefined;
  /** When the newest message came, in nanoseconds since the Unix epoch; 0: not known, since the leader's start none has. */
  readonly latest: bigint;
  /** When the stream was made, in nanoseconds since the Unix epoch. */
  readonly created: bigint;
}

const broker = 'liftbridge';

/** Asks the leader of a partition about it. @internal */
export async function askPartition(
  calls: Calls,
  topology: Pick<Topology, 'isPaused'>,
  { stream, partition }: FetchPartitionMetadataRequest,
  signal: AbortSignal | undefined,
): Promise<PartitionMetadata> {
  const request = encodeFetchPartitionMetadataRequest({ stream, partition });
  const asked = `tell of partition ${partition} of the stream '${stream}'`;
  let refusals = 0;
  const { metadata } = await calls.toLeader(stream, partition, 'FetchPartitionMetadata', request, {
    asked,
    decode: decodeFetchPartitionMetadataResponse,
    signal,
    // the second comes from the leader that was just looked for
    fail: ({ code, message }) =>
      code === grpcStatus.failedPrecondition && ++refusals > 1 && topology.isPaused(stream, partition)
        ? paused(asked, message, { stream, partition, paused: true })
        : undefined,
  });
  if (metadata) return partitionMetadata(partition, metadata);
  throw new StreamUnavailableError(`cannot ${asked}: its leader does not`, { broker, detail: { stream, partition } });
}

/** @internal */
export function tailOf(partition: PartitionMetadata, created: bigint): PartitionTail {
  const { newestOffset, highWatermark, messagesReceived } = partition;
  return {
    newest: newestOffset === undefined ? undefined : offsetKey(newestOffset),
    highWatermark: highWatermark === undefined ? undefined : offsetKey(highWatermark),
    latest: messagesReceived.latest ?? 0n,
    created,
  };
}

function paused(asked: string, message: string, detail: ErrorDetail): StreamUnavailableError {
  return new StreamUnavailableError(
    `cannot ${asked}: it is paused, and has no leader until something is published to it, or it is read with resume: true ` +
      `(${message})`,
    { broker, detail },
  );
}
