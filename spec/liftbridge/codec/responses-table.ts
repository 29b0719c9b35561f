import fc from 'fast-check';
import { decodeAck } from '../../../lib/liftbridge/codec/ack.js';
import { decodeActivityEvent } from '../../../lib/liftbridge/codec/activity.js';
import { decodeFetchCursorResponse } from '../../../lib/liftbridge/codec/cursors.js';
import {
  decodeFetchConsumerGroupAssignmentsResponse,
  decodeJoinConsumerGroupResponse,
} from '../../../lib/liftbridge/codec/groups.js';
import {
  decodeFetchMetadataResponse,
  decodeFetchPartitionMetadataResponse,
} from '../../../lib/liftbridge/codec/metadata.js';
import {
  decodeEmptyResponse,
  decodePublishResponse,
  decodePublishToSubjectResponse,
} from '../../../lib/liftbridge/codec/responses.js';
import { bytes, headers, int32, int32s, int64, maybe, record, text, texts, uint64 } from './arbitraries.js';
import type { Fields } from './oracle.js';
import { decodeMessage, scanResponse } from './scans.js';

/** What is received: how we read it, and examples of what comes out. */
export interface ResponseRow {
  readonly name: string;
  readonly type: string;
  readonly decode: (bytes: Uint8Array) => Fields;
  readonly examples: fc.Arbitrary<Fields>;
  /** The same by the names of the wire, where they differ. */
  readonly toWire: (response: Fields) => Fields;
}

function row<T extends object>(
  name: string,
  decode: (bytes: Uint8Array) => T,
  examples: { [K in keyof Required<T>]: fc.Arbitrary<T[K]> },
  { type = name, toWire = (fields: Fields): Fields => fields } = {},
): ResponseRow {
  return {
    name,
    type,
    decode: decode as unknown as ResponseRow['decode'],
    examples: record(examples) as unknown as fc.Arbitrary<Fields>,
    toWire,
  };
}

const ackFields = {
  stream: text,
  partitionSubject: text,
  msgSubject: text,
  offset: int64,
  ackInbox: text,
  correlationId: text,
  ackPolicy: fc.nat(3),
  receptionTimestamp: int64,
  commitTimestamp: int64,
  ackError: fc.nat(5),
};
const ack = maybe(record(ackFields));
const asyncError = maybe(record({ code: fc.nat(9), message: text }));
const timestamps = maybe(record({ firstTimestamp: int64, latestTimestamp: int64 }));
const partition = record({
  id: int32,
  leader: text,
  replicas: texts,
  isr: texts,
  highWatermark: int64,
  newestOffset: int64,
  paused: fc.boolean(),
  readonly: fc.boolean(),
  messagesReceivedTimestamps: timestamps,
  pauseTimestamps: timestamps,
  readonlyTimestamps: timestamps,
});
const stream = record({
  name: text,
  subject: text,
  error: fc.nat(2),
  partitions: fc.array(fc.tuple(int32, partition), { maxLength: 3 }).map((entries) => new Map(entries)),
  creationTimestamp: int64,
});
const broker = record({ id: text, host: text, port: int32, partitionCount: int32, leaderCount: int32 });
const group = record({ groupId: text, error: fc.nat(2), coordinator: text, epoch: uint64 });

const onStream = { id: uint64, stream: text };
const onPartitions = { ...onStream, partitions: int32s };
const onGroup = { id: uint64, groupId: text, consumerId: text };
const activities = {
  'create-stream': record({ op: fc.constant('create-stream' as const), ...onPartitions }),
  'delete-stream': record({ op: fc.constant('delete-stream' as const), ...onStream }),
  'pause-stream': record({ op: fc.constant('pause-stream' as const), ...onPartitions, resumeAll: fc.boolean() }),
  'resume-stream': record({ op: fc.constant('resume-stream' as const), ...onPartitions }),
  'set-stream-readonly': record({
    op: fc.constant('set-stream-readonly' as const),
    ...onPartitions,
    readonly: fc.boolean(),
  }),
  'join-consumer-group': record({ op: fc.constant('join-consumer-group' as const), ...onGroup, streams: texts }),
  'leave-consumer-group': record({
    op: fc.constant('leave-consumer-group' as const),
    ...onGroup,
    expired: fc.boolean(),
  }),
};

function activityToWire({ id, op, code, ...details }: Fields): Fields {
  if (op === 'unknown') return { id, op: code };
  const name = (op as string).replace(/-./g, (pair) => pair.charAt(1).toUpperCase());
  return { id, op: Object.keys(activities).indexOf(op as string), [`${name}Op`]: details };
}

const emptyResponses = [
  'CreateStream',
  'DeleteStream',
  'PauseStream',
  'SetStreamReadonly',
  'SetCursor',
  'LeaveConsumerGroup',
  'ReportConsumerGroupCoordinator',
];

export const responses: readonly ResponseRow[] = [
  ...emptyResponses.map((method) =>
    row<object>(
      `${method}Response`,
      (received) => {
        decodeEmptyResponse(received, `${method}Response`);
        return {};
      },
      {},
    ),
  ),
  row('Ack', decodeAck, ackFields),
  row('PublishResponse', decodePublishResponse, { ack, asyncError, correlationId: text }),
  row('PublishResponse, scanned', scanResponse, { ack, asyncError, correlationId: text }, { type: 'PublishResponse' }),
  row('PublishToSubjectResponse', decodePublishToSubjectResponse, { ack }),
  row('FetchCursorResponse', decodeFetchCursorResponse, { offset: int64 }),
  row('JoinConsumerGroupResponse', decodeJoinConsumerGroupResponse, {
    coordinator: text,
    epoch: uint64,
    consumerTimeout: int64,
    coordinatorTimeout: int64,
  }),
  row('FetchConsumerGroupAssignmentsResponse', decodeFetchConsumerGroupAssignmentsResponse, {
    epoch: uint64,
    assignments: fc.array(record({ stream: text, partitions: int32s }), { maxLength: 3 }),
  }),
  row(
    'FetchMetadataResponse',
    decodeFetchMetadataResponse,
    {
      brokers: fc.array(broker, { maxLength: 3 }),
      streams: fc.array(stream, { maxLength: 3 }),
      groups: fc.array(group, { maxLength: 3 }),
    },
    { toWire: ({ brokers, streams, groups }) => ({ brokers, streamMetadata: streams, groupMetadata: groups }) },
  ),
  row('FetchPartitionMetadataResponse', decodeFetchPartitionMetadataResponse, { metadata: maybe(partition) }),
  {
    name: 'ActivityStreamEvent',
    type: 'ActivityStreamEvent',
    decode: decodeActivityEvent as unknown as ResponseRow['decode'],
    examples: fc.oneof(
      ...Object.values(activities),
      record({ op: fc.constant('unknown'), id: uint64, code: fc.integer({ min: 7, max: 100 }) }),
    ) as fc.Arbitrary<Fields>,
    toWire: activityToWire,
  },
  row('Message', decodeMessage, {
    offset: int64,
    key: bytes,
    value: bytes,
    timestamp: int64,
    stream: text,
    partition: int32,
    subject: text,
    replySubject: text,
    headers,
    ackInbox: text,
    correlationId: text,
    ackPolicy: fc.nat(3),
  }),
];
