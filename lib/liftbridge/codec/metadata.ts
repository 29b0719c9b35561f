import { Reader } from '../../core/wire/reader.js';
import { frameOf } from './malformed.js';

/** A server of the cluster. */
export interface Broker {
  id: string;
  /** As it was told to advertise itself; not always reachable from here. */
  host: string;
  port: number;
  partitionCount: number;
  leaderCount: number;
}

/** When something happened to a partition, in nanoseconds since the Unix epoch; 0: never. */
export interface PartitionEventTimestamps {
  firstTimestamp: bigint;
  latestTimestamp: bigint;
}

/** Offsets and event times count only where the leader itself has answered. */
export interface PartitionMetadata {
  id: number;
  /** The id of a broker, which need not be among the brokers told of; empty: none. */
  leader: string;
  replicas: string[];
  isr: string[];
  /** The newest offset that is committed; -1: none. */
  highWatermark: bigint;
  /** -1: the partition is empty. */
  newestOffset: bigint;
  /** Stays true after a partition was resumed. */
  paused: boolean;
  readonly: boolean;
  messagesReceivedTimestamps: PartitionEventTimestamps | undefined;
  pauseTimestamps: PartitionEventTimestamps | undefined;
  readonlyTimestamps: PartitionEventTimestamps | undefined;
}

export interface StreamMetadata {
  name: string;
  subject: string;
  /** One of `streamErrors`. */
  error: number;
  /** By their number. */
  partitions: Map<number, PartitionMetadata>;
  /** Nanoseconds since the Unix epoch. */
  creationTimestamp: bigint;
}

export interface ConsumerGroupMetadata {
  groupId: string;
  /** One of `groupErrors`. */
  error: number;
  /** The id of a broker. */
  coordinator: string;
  epoch: bigint;
}

/** What the cluster consists of, in no order. */
export interface FetchMetadataResponse {
  brokers: Broker[];
  streams: StreamMetadata[];
  groups: ConsumerGroupMetadata[];
}

/** Throws `ProtocolError`. */
export function decodeFetchMetadataResponse(bytes: Uint8Array): FetchMetadataResponse {
  const reader = new Reader(bytes, frameOf('FetchMetadataResponse'));
  const response: FetchMetadataResponse = { brokers: [], streams: [], groups: [] };
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) response.brokers.push(readBroker(reader.message(frameOf('Broker'))));
    else if (field === 2) response.streams.push(readStream(reader.message(frameOf('StreamMetadata'))));
    else if (field === 3) response.groups.push(readGroup(reader.message(frameOf('ConsumerGroupMetadata'))));
    else reader.skip();
  }
  return response;
}

/** What the leader of a partition says about it. */
export interface FetchPartitionMetadataResponse {
  metadata: PartitionMetadata | undefined;
}

/** Throws `ProtocolError`. */
export function decodeFetchPartitionMetadataResponse(bytes: Uint8Array): FetchPartitionMetadataResponse {
  const reader = new Reader(bytes, frameOf('FetchPartitionMetadataResponse'));
  const response: FetchPartitionMetadataResponse = { metadata: undefined };
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) response.metadata = readPartition(reader.message(frameOf('PartitionMetadata')));
    else reader.skip();
  }
  return response;
}

function readBroker(reader: Reader): Broker {
  const broker: Broker = { id: '', host: '', port: 0, partitionCount: 0, leaderCount: 0 };
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) broker.id = reader.string();
    else if (field === 2) broker.host = reader.string();
    else if (field === 3) broker.port = reader.int32();
    else if (field === 4) broker.partitionCount = reader.int32();
    else if (field === 5) broker.leaderCount = reader.int32();
    else reader.skip();
  }
  return broker;
}

function readStream(reader: Reader): StreamMetadata {
  const stream: StreamMetadata = { name: '', subject: '', error: 0, partitions: new Map(), creationTimestamp: 0n };
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) stream.name = reader.string();
    else if (field === 2) stream.subject = reader.string();
    else if (field === 3) stream.error = reader.int32();
    else if (field === 4) readPartitionEntry(reader.message(frameOf('StreamMetadata')), stream.partitions);
    else if (field === 5) stream.creationTimestamp = reader.int64();
    else reader.skip();
  }
  return stream;
}

/** Where a number comes twice the last one counts. */
function readPartitionEntry(entry: Reader, into: Map<number, PartitionMetadata>): void {
  let id = 0;
  let partition: PartitionMetadata | undefined;
  for (let field = entry.next(); field !== 0; field = entry.next()) {
    if (field === 1) id = entry.int32();
    else if (field === 2) partition = readPartition(entry.message(frameOf('PartitionMetadata')));
    else entry.skip();
  }
  into.set(id, partition ?? emptyPartition());
}

function emptyPartition(): PartitionMetadata {
  return {
    id: 0,
    leader: '',
    replicas: [],
    isr: [],
    highWatermark: 0n,
    newestOffset: 0n,
    paused: false,
    readonly: false,
    messagesReceivedTimestamps: undefined,
    pauseTimestamps: undefined,
    readonlyTimestamps: undefined,
  };
}

function readPartition(reader: Reader): PartitionMetadata {
  const partition = emptyPartition();
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) partition.id = reader.int32();
    else if (field === 2) partition.leader = reader.string();
    else if (field === 3) partition.replicas.push(reader.string());
    else if (field === 4) partition.isr.push(reader.string());
    else if (field === 5) partition.highWatermark = reader.int64();
    else if (field === 6) partition.newestOffset = reader.int64();
    else if (field === 7) partition.paused = reader.bool();
    else if (field === 8) partition.readonly = reader.bool();
    else if (field === 9) partition.messagesReceivedTimestamps = readTimestamps(reader);
    else if (field === 10) partition.pauseTimestamps = readTimestamps(reader);
    else if (field === 11) partition.readonlyTimestamps = readTimestamps(reader);
    else reader.skip();
  }
  return partition;
}

function readTimestamps(outer: Reader): PartitionEventTimestamps {
  const reader = outer.message(frameOf('PartitionEventTimestamps'));
  const timestamps: PartitionEventTimestamps = { firstTimestamp: 0n, latestTimestamp: 0n };
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) timestamps.firstTimestamp = reader.int64();
    else if (field === 2) timestamps.latestTimestamp = reader.int64();
    else reader.skip();
  }
  return timestamps;
}

function readGroup(reader: Reader): ConsumerGroupMetadata {
  const group: ConsumerGroupMetadata = { groupId: '', error: 0, coordinator: '', epoch: 0n };
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) group.groupId = reader.string();
    else if (field === 2) group.error = reader.int32();
    else if (field === 3) group.coordinator = reader.string();
    else if (field === 4) group.epoch = reader.uint64();
    else reader.skip();
  }
  return group;
}
