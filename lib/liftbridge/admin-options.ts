import { checkOptions, checkValue, count, flag, instance, list, required, text, type Shape } from '../core/check.js';
import { InvalidOptionError } from '../core/errors.js';
import type { CreateStreamRequest } from './codec/requests.js';
import { cursorId, hasWildcard, natsGroup, ownStreamName, partitionNumber, streamName, subjectName } from './names.js';

/**
 * What `createStream` takes. What is left out from `retentionMaxBytes` on, the server chooses as it is configured; its own
 * defaults are told. All times are whole milliseconds.
 */
export interface CreateStreamOptions {
  /** The stream's name, of up to 200 bytes; only one stream of a cluster has it. */
  readonly name: string;
  /**
   * The NATS subject that it listens to; `*` and a last `>` stand for many. Partition 0 has the subject itself, any other has
   * its number behind it: `orders.1`. With `>` there is one partition only.
   * @defaultValue the name
   */
  readonly subject?: string | undefined;
  /** Streams of the same subject and group share the messages, instead of getting all of them each. */
  readonly group?: string | undefined;
  /**
   * How many brokers hold a copy, the leader's with it; -1 for all that there are.
   * @defaultValue 1
   */
  readonly replicationFactor?: number | undefined;
  /** Whether all brokers hold a copy. Instead of `replicationFactor`. */
  readonly maxReplication?: boolean | undefined;
  /**
   * How many partitions, for ever.
   * @defaultValue 1
   */
  readonly partitions?: number | undefined;
  /** Bytes that a partition keeps; the oldest segments go first. 0: no bound. Server's default: 0. */
  readonly retentionMaxBytes?: number | undefined;
  /** Messages that a partition keeps. Whole segments go, so that it may keep more or fewer. 0: no bound. Server's default: 0. */
  readonly retentionMaxMessages?: number | undefined;
  /** How long a message is kept. 0: for ever. Server's default: 7 days. */
  readonly retentionMaxAge?: number | undefined;
  /** How often retention and compaction are looked after. Server's default: 5 minutes. */
  readonly cleanerInterval?: number | undefined;
  /** Bytes in one segment. Server's default: 256 MiB. */
  readonly segmentMaxBytes?: number | undefined;
  /**
   * After how long another segment is begun. 0: never for its age. While the newest has no message, other clients that read
   * from a time begin at the end (Liftbridge 1.9); `fromTime()` does not. Server's default: as `retentionMaxAge`.
   */
  readonly segmentMaxAge?: number | undefined;
  /** Whether only the newest message of each key is kept; not in the segment that is being written. Server's default: false. */
  readonly compact?: boolean | undefined;
  /** How much compaction does at once. Server's default: 10. */
  readonly compactMaxGoroutines?: number | undefined;
  /**
   * After how long without a message a partition pauses, which ends what reads it. What is published to its subject past
   * `publish` is lost until it is resumed. 0: never. Server's default: 0.
   */
  readonly autoPauseTime?: number | undefined;
  /** Whether a partition that somebody reads does not pause. Server's default: false. */
  readonly autoPauseDisableIfSubscribers?: boolean | undefined;
  /** How many up-to-date copies a message needs to be committed. With more than there are copies, nothing ever is. Server's default: 1. */
  readonly minIsr?: number | undefined;
  /**
   * Whether a message can name the offset that it expects to get, and is refused if it gets another. Each needs an ack then,
   * and plain NATS messages are refused. Server's default: false.
   */
  readonly optimisticConcurrencyControl?: boolean | undefined;
  /** Whether values are stored encrypted; the servers need a key (LIFTBRIDGE_ENCRYPTION_KEY). Server's default: false. */
  readonly encryption?: boolean | undefined;
  /** Whether it is fine that there is one already, with the same subject and as many partitions. Default false. */
  readonly ifNotExists?: boolean | undefined;
}

/** What `deleteStream` takes. */
export interface DeleteStreamOptions {
  /** Whether it is fine that there is none. Default false. */
  readonly ifExists?: boolean | undefined;
}

/** What `pauseStream` takes. */
export interface PauseStreamOptions {
  /** Which partitions. Default: all. */
  readonly partitions?: readonly number[] | undefined;
  /** Whether publishing to one of them resumes all. Default false. */
  readonly resumeAll?: boolean | undefined;
}

/** What `setStreamReadonly` takes. */
export interface SetStreamReadonlyOptions {
  /** Which partitions. Default: all. */
  readonly partitions?: readonly number[] | undefined;
  /** False: they take messages again. Default true. */
  readonly readonly?: boolean | undefined;
}

/** What `metadata` takes. */
export interface MetadataOptions {
  /** Which streams to tell of. Default: all. */
  readonly streams?: readonly string[] | undefined;
  /** Which consumer groups to tell of. Default: none. */
  readonly groups?: readonly string[] | undefined;
}

/** What `fetchCursor` takes. */
export interface FetchCursorOptions {
  readonly stream: string;
  /** @defaultValue 0 */
  readonly partition?: number | undefined;
  /** The name that the position is stored under: a `durable`. */
  readonly id: string;
}

/** What `setCursor` takes. */
export interface SetCursorOptions extends FetchCursorOptions {
  /** The offset of the last message that was processed. */
  readonly offset: number | bigint;
}

/** The server counts in int64 nanoseconds. */
const longest = 9_223_372_036_854;
const whole = { min: 0, max: Number.MAX_SAFE_INTEGER };
const time = count({ min: 0, max: longest });

const createStreamShape: Shape<CreateStreamOptions> = {
  name: required(ownStreamName),
  subject: subjectName,
  group: natsGroup,
  replicationFactor: instance(isReplicationFactor, 'an integer from 1 to 2147483647, or -1 for all brokers'),
  maxReplication: flag(),
  // each is a folder and a subscription on its leader
  partitions: count({ max: 65_535 }),
  retentionMaxBytes: count(whole),
  retentionMaxMessages: count(whole),
  retentionMaxAge: time,
  // a ticker of Go that does not tick panics
  cleanerInterval: count({ max: longest }),
  segmentMaxBytes: count({ max: Number.MAX_SAFE_INTEGER }),
  segmentMaxAge: time,
  compact: flag(),
  compactMaxGoroutines: count(),
  autoPauseTime: time,
  autoPauseDisableIfSubscribers: flag(),
  minIsr: count(),
  optimisticConcurrencyControl: flag(),
  encryption: flag(),
  ifNotExists: flag(),
};

const deleteStreamShape: Shape<DeleteStreamOptions> = { ifExists: flag() };
// none would be all for the server
const partitions = list(partitionNumber);
const pauseStreamShape: Shape<PauseStreamOptions> = { partitions, resumeAll: flag() };
const setStreamReadonlyShape: Shape<SetStreamReadonlyOptions> = { partitions, readonly: flag() };
const metadataShape: Shape<MetadataOptions> = { streams: list(streamName), groups: list(text()) };
const fetchCursorShape: Shape<FetchCursorOptions> = {
  stream: required(streamName),
  partition: partitionNumber,
  id: required(cursorId),
};
const setCursorShape: Shape<SetCursorOptions> = {
  ...fetchCursorShape,
  offset: required(instance(isOffset, 'an offset: an integer, as number or bigint, from 0 to 2^63 - 1')),
};

/** @throws InvalidOptionError @internal */
export function checkCreateStream(options: unknown): asserts options is CreateStreamOptions {
  const where = `createStream(${named((options as { name?: unknown } | undefined)?.name)})`;
  checkOptions(where, options, createStreamShape);
  const { name, subject = name, partitions, replicationFactor, maxReplication } = options as CreateStreamOptions;
  const refuse = (problem: string): never => {
    throw new InvalidOptionError(`${where}: ${problem}`, { broker: 'liftbridge' });
  };
  if (replicationFactor !== undefined && maxReplication === true) {
    refuse('replicationFactor and maxReplication are both given; give one of them');
  }
  if (subject.endsWith('>') && (partitions ?? 1) > 1) {
    refuse(`partitions must be 1 with the subject '${subject}': '>' has the subjects of the other partitions in it`);
  }
}

/** @throws InvalidOptionError @internal */
export function checkDeleteStream(name: unknown, options: unknown): void {
  const where = `deleteStream(${named(name)})`;
  checkValue(where, 'name', name, ownStreamName);
  checkOptions(where, options, deleteStreamShape);
}

/** @throws InvalidOptionError @internal */
export function checkPauseStream(name: unknown, options: unknown): void {
  const where = `pauseStream(${named(name)})`;
  checkValue(where, 'name', name, streamName);
  checkOptions(where, options, pauseStreamShape);
}

/** @throws InvalidOptionError @internal */
export function checkSetStreamReadonly(name: unknown, options: unknown): void {
  const where = `setStreamReadonly(${named(name)})`;
  checkValue(where, 'name', name, streamName);
  checkOptions(where, options, setStreamReadonlyShape);
}

/** @throws InvalidOptionError @internal */
export function checkMetadata(options: unknown): void {
  checkOptions('metadata()', options, metadataShape);
}

/** @throws InvalidOptionError @internal */
export function checkPartitionMetadata(stream: unknown, partition: unknown): void {
  const where = `partitionMetadata(${named(stream)}, ${String(partition)})`;
  checkValue(where, 'stream', stream, streamName);
  checkValue(where, 'partition', partition, partitionNumber);
}

/** @throws InvalidOptionError @internal */
export function checkFetchCursor(options: unknown): void {
  checkOptions('fetchCursor()', options, fetchCursorShape);
}

/** @throws InvalidOptionError @internal */
export function checkSetCursor(options: unknown): void {
  checkOptions('setCursor()', options, setCursorShape);
}

/** Whether such a subject leaves partitions that not every message reaches. @internal */
export function isAmbiguous({ name, subject = name, partitions = 1 }: CreateStreamOptions): boolean {
  return partitions > 1 && hasWildcard(subject);
}

/** The request as the wire has it. @internal */
export function wireRequest(options: CreateStreamOptions): CreateStreamRequest {
  const { subject = options.name, maxReplication, replicationFactor, compact, ifNotExists, ...same } = options;
  return {
    ...same,
    subject,
    replicationFactor: maxReplication === true ? -1 : replicationFactor,
    compactEnabled: compact,
  };
}

function isReplicationFactor(value: unknown): boolean {
  return value === -1 || (Number.isInteger(value) && (value as number) >= 1 && (value as number) < 2 ** 31);
}

function isOffset(value: unknown): boolean {
  if (typeof value === 'bigint') return value >= 0n && value < 2n ** 63n;
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function named(name: unknown): string {
  return typeof name === 'string' ? `'${name.length > 80 ? `${name.slice(0, 80)}…` : name}'` : String(name);
}
