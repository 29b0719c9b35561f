import { encodeHeaders, headerFields, type HeaderEntries } from './headers.js';
import { Writer } from '../../core/wire/writer.js';

// What is undefined is not sent. A number in the place of a bigint must be a safe integer.

/** Creates a stream. What is undefined from `retentionMaxBytes` on is the server's to choose; 0 and false are sent. */
export interface CreateStreamRequest {
  readonly subject: string;
  readonly name: string;
  readonly group?: string | undefined;
  /** -1: on all servers there are. Default: 1. */
  readonly replicationFactor?: number | undefined;
  /** Default: 1. */
  readonly partitions?: number | undefined;
  readonly retentionMaxBytes?: number | bigint | undefined;
  readonly retentionMaxMessages?: number | bigint | undefined;
  /** ms */
  readonly retentionMaxAge?: number | bigint | undefined;
  /** ms */
  readonly cleanerInterval?: number | bigint | undefined;
  readonly segmentMaxBytes?: number | bigint | undefined;
  /** ms */
  readonly segmentMaxAge?: number | bigint | undefined;
  readonly compactMaxGoroutines?: number | undefined;
  readonly compactEnabled?: boolean | undefined;
  /** ms */
  readonly autoPauseTime?: number | bigint | undefined;
  readonly autoPauseDisableIfSubscribers?: boolean | undefined;
  readonly minIsr?: number | undefined;
  readonly optimisticConcurrencyControl?: boolean | undefined;
  readonly encryption?: boolean | undefined;
}

export function encodeCreateStreamRequest(request: CreateStreamRequest): Uint8Array {
  return new Writer()
    .string(1, request.subject)
    .string(2, request.name)
    .string(3, request.group)
    .int32(4, request.replicationFactor)
    .int32(5, request.partitions)
    .nullableInt(6, request.retentionMaxBytes)
    .nullableInt(7, request.retentionMaxMessages)
    .nullableInt(8, request.retentionMaxAge)
    .nullableInt(9, request.cleanerInterval)
    .nullableInt(10, request.segmentMaxBytes)
    .nullableInt(11, request.segmentMaxAge)
    .nullableInt(12, request.compactMaxGoroutines)
    .nullableBool(13, request.compactEnabled)
    .nullableInt(14, request.autoPauseTime)
    .nullableBool(15, request.autoPauseDisableIfSubscribers)
    .nullableInt(16, request.minIsr)
    .nullableBool(17, request.optimisticConcurrencyControl)
    .nullableBool(18, request.encryption)
    .finish();
}

/** Deletes a stream. */
export interface DeleteStreamRequest {
  readonly name: string;
}

export function encodeDeleteStreamRequest(request: DeleteStreamRequest): Uint8Array {
  return new Writer().string(1, request.name).finish();
}

/** Pauses partitions of a stream. */
export interface PauseStreamRequest {
  readonly name: string;
  /** Empty: all. */
  readonly partitions?: readonly number[] | undefined;
  /** A publish to one partition resumes all. */
  readonly resumeAll?: boolean | undefined;
}

export function encodePauseStreamRequest(request: PauseStreamRequest): Uint8Array {
  return new Writer().string(1, request.name).int32s(2, request.partitions).bool(3, request.resumeAll).finish();
}

/** Makes partitions of a stream take no messages, or take them again. */
export interface SetStreamReadonlyRequest {
  readonly name: string;
  /** Empty: all. */
  readonly partitions?: readonly number[] | undefined;
  readonly readonly: boolean;
}

export function encodeSetStreamReadonlyRequest(request: SetStreamReadonlyRequest): Uint8Array {
  return new Writer().string(1, request.name).int32s(2, request.partitions).bool(3, request.readonly).finish();
}

/** The member of a consumer group that a subscription is for. */
export interface Consumer {
  readonly groupId: string;
  readonly groupEpoch: bigint;
  readonly consumerId: string;
}

/** Asks for the messages of a partition. */
export interface SubscribeRequest {
  readonly stream: string;
  readonly partition?: number | undefined;
  /** One of `startPositions`. */
  readonly startPosition?: number | undefined;
  readonly startOffset?: number | bigint | undefined;
  /** Nanoseconds since the Unix epoch. */
  readonly startTimestamp?: bigint | undefined;
  readonly readISRReplica?: boolean | undefined;
  /** Of a partition that is paused. */
  readonly resume?: boolean | undefined;
  /** One of `stopPositions`. */
  readonly stopPosition?: number | undefined;
  readonly stopOffset?: number | bigint | undefined;
  /** Nanoseconds since the Unix epoch. */
  readonly stopTimestamp?: bigint | undefined;
  readonly consumer?: Consumer | undefined;
  /** Newest first. Servers up to 1.9 do not know it and go forward. */
  readonly reverse?: boolean | undefined;
}

export function encodeSubscribeRequest(request: SubscribeRequest): Uint8Array {
  const { consumer } = request;
  const fields = new Writer()
    .string(1, request.stream)
    .int32(2, request.partition)
    .int32(3, request.startPosition)
    .int64(4, request.startOffset)
    .int64(5, request.startTimestamp)
    .bool(6, request.readISRReplica)
    .bool(7, request.resume)
    .int32(8, request.stopPosition)
    .int64(9, request.stopOffset)
    .int64(10, request.stopTimestamp);
  if (consumer !== undefined) fields.message(11, encodeConsumer(consumer));
  return fields.bool(12, request.reverse).finish();
}

function encodeConsumer({ groupId, groupEpoch, consumerId }: Consumer): Uint8Array {
  return new Writer().string(1, groupId).int64(2, groupEpoch).string(3, consumerId).view();
}

/** Asks for brokers, streams and consumer groups. */
export interface FetchMetadataRequest {
  /** Empty: all. */
  readonly streams?: readonly string[] | undefined;
  /** Empty: none. */
  readonly groups?: readonly string[] | undefined;
}

export function encodeFetchMetadataRequest(request: FetchMetadataRequest): Uint8Array {
  return new Writer().strings(1, request.streams).strings(2, request.groups).finish();
}

/** Asks the leader of a partition about it. */
export interface FetchPartitionMetadataRequest {
  readonly stream: string;
  readonly partition: number;
}

export function encodeFetchPartitionMetadataRequest(request: FetchPartitionMetadataRequest): Uint8Array {
  return new Writer().string(1, request.stream).int32(2, request.partition).finish();
}

/** A message for a partition. `PublishEncoder` writes the same for many of them. */
export interface PublishRequest {
  readonly key?: Uint8Array | undefined;
  readonly value?: Uint8Array | undefined;
  readonly stream: string;
  readonly partition?: number | undefined;
  readonly headers?: HeaderEntries | undefined;
  readonly ackInbox?: string | undefined;
  readonly correlationId?: string | undefined;
  /** One of `ackPolicies`. */
  readonly ackPolicy?: number | undefined;
  /** The offset that the message has to get. Default: -1, any; the wire's own default would be 0. */
  readonly expectedOffset?: number | bigint | undefined;
}

export function encodePublishRequest(request: PublishRequest): Uint8Array {
  return new Writer()
    .bytes(1, request.key)
    .bytes(2, request.value)
    .string(3, request.stream)
    .int32(4, request.partition)
    .fields(encodeHeaders(request.headers ?? [], headerFields.publish))
    .string(6, request.ackInbox)
    .string(7, request.correlationId)
    .int32(8, request.ackPolicy)
    .int64(9, request.expectedOffset ?? -1)
    .finish();
}

/** A message for a NATS subject, in the envelope of Liftbridge. */
export interface PublishToSubjectRequest {
  readonly key?: Uint8Array | undefined;
  readonly value?: Uint8Array | undefined;
  readonly subject: string;
  readonly headers?: HeaderEntries | undefined;
  readonly ackInbox?: string | undefined;
  readonly correlationId?: string | undefined;
  /** One of `ackPolicies`. */
  readonly ackPolicy?: number | undefined;
}

export function encodePublishToSubjectRequest(request: PublishToSubjectRequest): Uint8Array {
  return new Writer()
    .bytes(1, request.key)
    .bytes(2, request.value)
    .string(3, request.subject)
    .fields(encodeHeaders(request.headers ?? [], headerFields.publishToSubject))
    .string(5, request.ackInbox)
    .string(6, request.correlationId)
    .int32(7, request.ackPolicy)
    .finish();
}
