import { offsetAfter, offsetKey, type OffsetKey } from '../../core/offset.js';
import type { Start } from '../../core/starts.js';
import { keys } from '../codec/keys.js';
import type { OffsetSpec } from '../codec/offset-spec.js';
import { encodeStreamStats } from '../codec/requests.js';
import { readStreamStats } from '../codec/responses.js';
import type { Connection } from '../connection/connection.js';

/** Where a log is read from: what the broker is told, and what is passed over because the wire is coarser than that. @internal */
export interface Beginning {
  readonly spec: OffsetSpec;
  /** Records below this offset were not asked for. */
  readonly from?: OffsetKey | undefined;
  /** Whether the record at `from` is there, or will be, unless retention has removed it. */
  readonly expected?: boolean | undefined;
  /** Chunks stored before this time, in ms since 1970, were not asked for. */
  readonly since?: number | undefined;
  /** Chunks up to the one that begins here were stored before the subscription, and not asked for. */
  readonly after?: OffsetKey | undefined;
  /** Of the first chunk, if it begins at or before this offset, only the last record is asked for. */
  readonly lastOf?: OffsetKey | undefined;
  /** Where the same subscription begins if it has to be made again before anything came. Default: the same. */
  readonly again?: Beginning | undefined;
}

/**
 * The first offset of the last chunk that is committed on this node; undefined where the stream is empty. It can be that of
 * a chunk with the broker's own notes: those take an offset like a record, and are never delivered.
 * @internal
 */
export async function committedChunk(connection: Connection, stream: string): Promise<OffsetKey | undefined> {
  return statistic(connection, stream, 'committed_chunk_id');
}

/**
 * The first offset of the last chunk that this node has, be it committed or not: a leader that was just elected has all that
 * was ever committed, and has committed nothing itself. A server that does not tell tells of what is committed.
 * @internal
 */
export async function lastChunk(connection: Connection, stream: string): Promise<OffsetKey | undefined> {
  return statistic(connection, stream, 'last_chunk_id', 'committed_chunk_id');
}

/** The first offset of the oldest chunk that this node has; undefined where the stream is empty. @internal */
export async function firstChunk(connection: Connection, stream: string): Promise<OffsetKey | undefined> {
  return statistic(connection, stream, 'first_chunk_id');
}

async function statistic(
  connection: Connection,
  stream: string,
  name: string,
  otherwise = name,
): Promise<OffsetKey | undefined> {
  const stats = await connection.request(
    keys.streamStats,
    (correlationId) => encodeStreamStats(correlationId, { stream }),
    readStreamStats,
    { action: `ask for the statistics of '${stream}'`, stream },
  );
  const value = stats.get(name) ?? stats.get(otherwise) ?? -1n;
  return value < 0n ? undefined : offsetKey(value);
}

/** From a position on. @internal */
export function beginAt(from: OffsetKey): Beginning {
  return { spec: { type: 'offset', offset: BigInt(from) }, from };
}

/**
 * After what was read already. The chunk with the last record comes again: it tells whether it is the same log, and that
 * nothing is missing, which the next offset alone cannot, because the broker's own notes take offsets too.
 * @internal
 */
export function beginAfter(last: OffsetKey): Beginning {
  return { spec: { type: 'offset', offset: BigInt(last) }, from: offsetAfter(last), expected: true };
}

/**
 * Where a subscription begins that has no position yet.
 * @param now - ms since 1970, when the source was subscribed: a start that is relative counts from there
 * @internal
 */
export async function beginning(start: Start, connection: Connection, stream: string, now: number): Promise<Beginning> {
  switch (start.kind) {
    case 'earliest':
      return { spec: { type: 'first' } };
    case 'fromOffset':
      return beginAt(offsetKey(start.offset));
    case 'fromTime':
      return fromTime(start.time);
    case 'fromAgo':
      return fromTime(now - start.ms);
    case 'latest': {
      const committed = await committedChunk(connection, stream);
      return committed === undefined ? { spec: { type: 'first' } } : { spec: { type: 'last' }, lastOf: committed };
    }
    case 'newOnly': {
      const committed = await committedChunk(connection, stream);
      if (committed === undefined) return { spec: { type: 'first' } };
      // made again, "next" would lose what came meanwhile
      const again: Beginning = { spec: { type: 'offset', offset: BigInt(committed) }, after: committed };
      return { spec: { type: 'next' }, again };
    }
  }
}

function fromTime(time: number): Beginning {
  // the broker takes a time to come for "from the next one on"
  return { spec: { type: 'timestamp', timestamp: BigInt(Math.ceil(Math.max(time, 0))) }, since: time };
}
