import { offsetAfter, offsetKey, type OffsetKey } from '../../core/offset.js';
import type { Start } from '../../core/starts.js';
import { keys } from '../codec/keys.js';
import type { OffsetSpec } from '../codec/offset-spec.js';
import { encodeStreamStats } from '../codec/requests.js';
import { readStreamStats } from '../codec/responses.js';
import type { Connection } from '../connection/connection.js';
import type { Chunk } from './chunk.js';

/** Where a log is read from: what the broker is told, and what is passed over because the wire is coarser than that. @internal */
export interface Beginning {
  readonly spec: OffsetSpec;
  /** Records below this offset were not asked for. */
  readonly from?: OffsetKey | undefined;
  /** Whether the record at `from` is there, or will be, unless retention has removed it. */
  readonly expected?: boolean | undefined;
  /** Chunks stored before this time, in ms since 1970, were not asked for. */
  readonly since?: number | undefined;
  /** Chunks that were stored before the subscription, up to the one that begins here, were not asked for. */
  readonly after?: OffsetKey | undefined;
  /** Of the first chunk, if it is one of those, only the last record is asked for. */
  readonly lastOf?: OffsetKey | undefined;
  /** Where the same subscription begins if it has to be made again before anything came. Default: the same. */
  readonly again?: Beginning | undefined;
}

/** How far the broker's clock and ours may differ, in ms, where nothing else can tell what came first. */
const clockSkew = 1_000;

/**
 * Whether a chunk was stored before the subscription began. A chunk with the broker's own notes has the offset that the
 * next record gets, so that of a chunk with the same one only its time tells.
 * @param committed - what {@link committedChunk} said then
 * @param began - ms since 1970
 * @internal
 */
export function storedBefore(chunk: Chunk, committed: OffsetKey, began: number): boolean {
  return chunk.first < committed || (chunk.first === committed && chunk.timestamp <= began + clockSkew);
}

/**
 * The first offset of the last chunk that is committed on this node; undefined where the stream is empty. It can be that of
 * a chunk with the broker's own notes, which is never delivered.
 * @internal
 */
export async function committedChunk(connection: Connection, stream: string): Promise<OffsetKey | undefined> {
  return statistic(connection, stream, 'committed_chunk_id');
}

/** The first offset of the oldest chunk that this node has; undefined where the stream is empty. @internal */
export async function firstChunk(connection: Connection, stream: string): Promise<OffsetKey | undefined> {
  return statistic(connection, stream, 'first_chunk_id');
}

async function statistic(connection: Connection, stream: string, name: string): Promise<OffsetKey | undefined> {
  const stats = await connection.request(
    keys.streamStats,
    (correlationId) => encodeStreamStats(correlationId, { stream }),
    readStreamStats,
    { action: `ask for the statistics of '${stream}'`, stream },
  );
  const value = stats.get(name) ?? -1n;
  return value < 0n ? undefined : offsetKey(value);
}

/** From a position on. @internal */
export function beginAt(from: OffsetKey, expected = false): Beginning {
  return { spec: { type: 'offset', offset: BigInt(from) }, from, expected };
}

/** After what was read already: the chunk with the last record comes again, and tells whether it is the same log. @internal */
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
