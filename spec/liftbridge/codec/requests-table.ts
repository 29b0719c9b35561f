import fc from 'fast-check';
import { encodeFetchCursorRequest, encodeSetCursorRequest } from '../../../lib/liftbridge/codec/cursors.js';
import {
  encodeFetchConsumerGroupAssignmentsRequest,
  encodeJoinConsumerGroupRequest,
  encodeLeaveConsumerGroupRequest,
  encodeReportConsumerGroupCoordinatorRequest,
} from '../../../lib/liftbridge/codec/groups.js';
import {
  encodeCreateStreamRequest,
  encodeDeleteStreamRequest,
  encodeFetchMetadataRequest,
  encodeFetchPartitionMetadataRequest,
  encodePauseStreamRequest,
  encodePublishRequest,
  encodePublishToSubjectRequest,
  encodeSetStreamReadonlyRequest,
  encodeSubscribeRequest,
} from '../../../lib/liftbridge/codec/requests.js';
import { bytes, headers, int32, int32s, int64, maybe, record, text, texts, uint64 } from './arbitraries.js';
import type { Fields } from './oracle.js';

/** One request: how we write it, and examples of it. */
export interface RequestRow {
  readonly name: string;
  readonly encode: (request: Fields) => Uint8Array;
  readonly examples: fc.Arbitrary<Fields>;
  /** The same by the names of the wire, where they differ. */
  readonly toWire: (request: Fields) => Fields;
}

function row<T extends object>(
  name: string,
  encode: (request: T) => Uint8Array,
  examples: { [K in keyof Required<T>]: fc.Arbitrary<T[K]> },
  toWire: (request: Fields) => Fields = (request) => request,
): RequestRow {
  return {
    name,
    encode: encode as unknown as RequestRow['encode'],
    examples: record(examples) as unknown as fc.Arbitrary<Fields>,
    toWire,
  };
}

const flag = maybe(fc.boolean());
const long = maybe(int64);
const own = ['subject', 'name', 'group', 'replicationFactor', 'partitions'];

/** All but the first five fields are in a message of their own, which can be absent. */
function wrapped(request: Fields): Fields {
  return Object.fromEntries(
    Object.entries(request).map(([key, value]) => [key, own.includes(key) || value === undefined ? value : { value }]),
  );
}

const anyOffset = (request: Fields): Fields => ({ ...request, expectedOffset: request['expectedOffset'] ?? -1n });

export const requests: readonly RequestRow[] = [
  row(
    'CreateStreamRequest',
    encodeCreateStreamRequest,
    {
      subject: text,
      name: text,
      group: maybe(text),
      replicationFactor: maybe(int32),
      partitions: maybe(int32),
      retentionMaxBytes: long,
      retentionMaxMessages: long,
      retentionMaxAge: long,
      cleanerInterval: long,
      segmentMaxBytes: long,
      segmentMaxAge: long,
      compactMaxGoroutines: maybe(int32),
      compactEnabled: flag,
      autoPauseTime: long,
      autoPauseDisableIfSubscribers: flag,
      minIsr: maybe(int32),
      optimisticConcurrencyControl: flag,
      encryption: flag,
    },
    wrapped,
  ),
  row('DeleteStreamRequest', encodeDeleteStreamRequest, { name: text }),
  row('PauseStreamRequest', encodePauseStreamRequest, { name: text, partitions: maybe(int32s), resumeAll: flag }),
  row('SetStreamReadonlyRequest', encodeSetStreamReadonlyRequest, {
    name: text,
    partitions: maybe(int32s),
    readonly: fc.boolean(),
  }),
  row('SubscribeRequest', encodeSubscribeRequest, {
    stream: text,
    partition: maybe(int32),
    startPosition: maybe(fc.nat(5)),
    startOffset: long,
    startTimestamp: long,
    readISRReplica: flag,
    resume: flag,
    stopPosition: maybe(fc.nat(4)),
    stopOffset: long,
    stopTimestamp: long,
    consumer: maybe(record({ groupId: text, groupEpoch: uint64, consumerId: text })),
    reverse: flag,
  }),
  row('FetchMetadataRequest', encodeFetchMetadataRequest, { streams: maybe(texts), groups: maybe(texts) }),
  row('FetchPartitionMetadataRequest', encodeFetchPartitionMetadataRequest, { stream: text, partition: int32 }),
  row(
    'PublishRequest',
    encodePublishRequest,
    {
      key: maybe(bytes),
      value: maybe(bytes),
      stream: text,
      partition: maybe(int32),
      headers: maybe(headers),
      ackInbox: maybe(text),
      correlationId: maybe(text),
      ackPolicy: maybe(fc.nat(3)),
      expectedOffset: long,
    },
    anyOffset,
  ),
  row('PublishToSubjectRequest', encodePublishToSubjectRequest, {
    key: maybe(bytes),
    value: maybe(bytes),
    subject: text,
    headers: maybe(headers),
    ackInbox: maybe(text),
    correlationId: maybe(text),
    ackPolicy: maybe(fc.nat(3)),
  }),
  row('SetCursorRequest', encodeSetCursorRequest, { stream: text, partition: int32, cursorId: text, offset: int64 }),
  row('FetchCursorRequest', encodeFetchCursorRequest, { stream: text, partition: int32, cursorId: text }),
  row('JoinConsumerGroupRequest', encodeJoinConsumerGroupRequest, { groupId: text, consumerId: text, streams: texts }),
  row('LeaveConsumerGroupRequest', encodeLeaveConsumerGroupRequest, { groupId: text, consumerId: text }),
  row('FetchConsumerGroupAssignmentsRequest', encodeFetchConsumerGroupAssignmentsRequest, {
    groupId: text,
    consumerId: text,
    epoch: uint64,
  }),
  row('ReportConsumerGroupCoordinatorRequest', encodeReportConsumerGroupCoordinatorRequest, {
    groupId: text,
    consumerId: text,
    coordinator: text,
    epoch: uint64,
  }),
];
