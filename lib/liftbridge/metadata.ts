import { groupErrors, streamErrors } from './codec/enums.js';
import type * as wire from './codec/metadata.js';

/** A server of a cluster. */
export interface BrokerInfo {
  readonly id: string;
  /** The host that it advertises, which may not be reachable from here. */
  readonly host: string;
  /** The port that it advertises. */
  readonly port: number;
  /** How many partitions it holds a copy of. */
  readonly partitionCount: number;
  /** How many of them it leads. */
  readonly leaderCount: number;
}

/** Where a partition lives. */
export interface PartitionInfo {
  readonly id: number;
  /** The id of the broker that leads it; undefined while there is none. It stays for some seconds after that broker has died. */
  readonly leader: string | undefined;
  /** The ids of the brokers that have a copy, or should. */
  readonly replicas: readonly string[];
  /** The ids of those whose copy is up to date, the leader's with them. */
  readonly isr: readonly string[];
  /** Whether it was paused. It stays true when the partition is at work again: a hint, no more. */
  readonly paused: boolean;
  /** Whether it takes no messages. */
  readonly readonly: boolean;
}

/** When something happened first and last, in nanoseconds since the Unix epoch; undefined: never. */
export interface EventTimes {
  readonly first: bigint | undefined;
  readonly latest: bigint | undefined;
}

/** How a partition stands, as its leader tells. Times are those since the leader has started. */
export interface PartitionMetadata extends PartitionInfo {
  /** The newest offset that is committed, and so can be read; undefined: none. */
  readonly highWatermark: bigint | undefined;
  /** The newest offset that is stored; undefined: the partition is empty. */
  readonly newestOffset: bigint | undefined;
  /** When messages came. */
  readonly messagesReceived: EventTimes;
  /** When it was paused, or resumed. */
  readonly pauses: EventTimes;
  /** When it was made readonly, or writable. */
  readonly readonlyChanges: EventTimes;
}

/** A stream and where its partitions live. */
export interface StreamMetadata {
  readonly name: string;
  /** The NATS subject of partition 0; that of any other has its number behind it, after a dot. */
  readonly subject: string;
  /** When it was made, in nanoseconds since the Unix epoch; a stream made anew under the same name has another. */
  readonly created: bigint;
  /** In the order of their numbers. */
  readonly partitions: readonly PartitionInfo[];
}

/** A consumer group. */
export interface GroupMetadata {
  readonly id: string;
  /** The id of the broker that deals out its partitions. */
  readonly coordinator: string;
  /** Grows with every change of its members. */
  readonly epoch: bigint;
}

/** What a cluster consists of. */
export interface ClusterMetadata {
  /** The brokers that are at work, by their ids' order. */
  readonly brokers: readonly BrokerInfo[];
  /** All streams by their names' order, or those of the streams asked for that there are. */
  readonly streams: readonly StreamMetadata[];
  /** Those of the consumer groups asked for that there are. */
  readonly groups: readonly GroupMetadata[];
}

/** A stream as the rooms of a handle know it. @internal */
export interface StreamInfo {
  readonly name: string;
  readonly subject: string;
  /** Nanoseconds since the Unix epoch. */
  readonly created: bigint;
  readonly partitions: ReadonlyMap<number, PartitionInfo>;
  /** How many partitions there are. */
  readonly count: number;
}

/** @internal */
export function clusterMetadata(response: wire.FetchMetadataResponse): ClusterMetadata {
  return {
    brokers: response.brokers
      .map(({ id, host, port, partitionCount, leaderCount }) => ({ id, host, port, partitionCount, leaderCount }))
      .sort(by((broker) => broker.id)),
    streams: response.streams
      .filter(({ error }) => error === streamErrors.ok)
      .map((stream) => {
        const { name, subject, created, partitions } = streamInfo(stream);
        return { name, subject, created, partitions: [...partitions.values()] };
      })
      .sort(by((stream) => stream.name)),
    groups: response.groups
      .filter(({ error }) => error === groupErrors.ok)
      .map(({ groupId, coordinator, epoch }) => ({ id: groupId, coordinator, epoch }))
      .sort(by((group) => group.id)),
  };
}

/** @internal */
export function streamInfo(stream: wire.StreamMetadata): StreamInfo {
  const { name, subject, creationTimestamp, partitions } = stream;
  const ordered = [...partitions].sort(([one], [other]) => one - other);
  return {
    name,
    subject,
    created: creationTimestamp,
    partitions: new Map(ordered.map(([id, partition]) => [id, partitionInfo(id, partition)])),
    count: partitions.size,
  };
}

/** @internal */
export function partitionMetadata(id: number, partition: wire.PartitionMetadata): PartitionMetadata {
  const { highWatermark, newestOffset } = partition;
  return {
    ...partitionInfo(id, partition),
    highWatermark: highWatermark < 0n ? undefined : highWatermark,
    newestOffset: newestOffset < 0n ? undefined : newestOffset,
    messagesReceived: eventTimes(partition.messagesReceivedTimestamps),
    pauses: eventTimes(partition.pauseTimestamps),
    readonlyChanges: eventTimes(partition.readonlyTimestamps),
  };
}

function partitionInfo(id: number, { leader, replicas, isr, paused, readonly }: wire.PartitionMetadata): PartitionInfo {
  return { id, leader: leader === '' ? undefined : leader, replicas, isr, paused, readonly };
}

function eventTimes(times: wire.PartitionEventTimestamps | undefined): EventTimes {
  const at = (time = 0n): bigint | undefined => (time === 0n ? undefined : time);
  return { first: at(times?.firstTimestamp), latest: at(times?.latestTimestamp) };
}

function by<T>(key: (item: T) => string): (one: T, other: T) => number {
  return (one, other) => (key(one) < key(other) ? -1 : key(one) > key(other) ? 1 : 0);
}
