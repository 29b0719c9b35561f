import type { Clock } from '../../core/clock.js';
import { StreamUnavailableError, type WeirError } from '../../core/errors.js';
import { offsetKey } from '../../core/offset.js';
import { ChunkHeader, readChunkHeader } from '../codec/deliver.js';
import { keys } from '../codec/keys.js';
import { encodeStreamStats, encodeSubscribe, encodeUnsubscribe } from '../codec/requests.js';
import { readStreamStats } from '../codec/responses.js';
import type { Connection } from '../connection/connection.js';
import { pause } from '../../core/pause.js';
import type { Session } from './session.js';

/** How long to wait for the last chunk to be stored by enough nodes, and between two looks, in milliseconds. */
const patience = 10_000;
const lookAgain = 20;

/** What the broker knows about a stream, by name; -1 where there is nothing to tell yet. @throws StreamNotFoundError @internal */
export function streamStats(connection: Connection, stream: string): Promise<Map<string, bigint>> {
  return connection.request(keys.streamStats, (id) => encodeStreamStats(id, { stream }), readStreamStats, {
    action: `tell how the stream '${stream}' stands`,
    stream,
  });
}

/** The end of a stream. @internal */
export interface LastRecord {
  readonly offset: number | bigint;
  /** That of its chunk, in ms since 1970. */
  readonly timestamp: number;
}

/**
 * The last record that is stored for good; undefined where there is none. The protocol tells where the last chunk begins and
 * not how many records it has, so the leader is asked for that chunk.
 * @throws StreamNotFoundError, StreamUnavailableError, AuthorizationError, ConnectionError
 * @internal
 */
export async function lastRecord(
  session: Session,
  clock: Clock,
  stream: string,
  signal?: AbortSignal,
): Promise<LastRecord | undefined> {
  // a replica may not have heard yet that what was confirmed just now is
  const link = await session.consumerLink(stream, signal, { leader: true });
  const { connection } = link;
  const seen: { last?: LastRecord; gone?: WeirError } = {};
  const id = link.addSubscriber(stream, {
    deliver: (bytes, start, end) => {
      const header = new ChunkHeader();
      readChunkHeader(bytes, start, end, header);
      const { firstOffset, records, timestamp } = header;
      seen.last = { offset: offsetKey(BigInt(firstOffset) + BigInt(records) - 1n), timestamp };
    },
    flushed: () => undefined,
    update: (_active, reply) => reply({ type: 'none' }),
    refused: () => undefined,
    lost: (error) => {
      seen.gone = error;
    },
  });
  let subscribed = false;
  try {
    if (endOf(await streamStats(connection, stream)) === 'empty') return undefined;
    const subject = { action: `read the last chunk of '${stream}'`, stream };
    subscribed = true;
    await connection.request(
      keys.subscribe,
      (correlation) =>
        encodeSubscribe(correlation, { subscriptionId: id, stream, offset: { type: 'last' }, credit: 1 }),
      () => undefined,
      subject,
    );
    const deadline = clock.now() + patience;
    for (;;) {
      // the broker serves a connection in turn: a chunk that is there has been sent when this is answered
      const end = endOf(await streamStats(connection, stream));
      if (seen.last !== undefined) return seen.last;
      if (seen.gone !== undefined) throw seen.gone;
      // nothing but stored positions
      if (end !== 'under way') return undefined;
      if (clock.now() >= deadline) throw underWay(stream);
      await pause(lookAgain, clock, signal);
    }
  } finally {
    if (subscribed && seen.gone === undefined) await unsubscribe(connection, id);
    link.removeSubscriber(id);
  }
}

/** A leader that has just been elected has chunks of which it does not know yet that enough nodes have them. */
function endOf(stats: ReadonlyMap<string, bigint>): 'empty' | 'under way' | 'committed' {
  const last = stats.get('last_chunk_id') ?? -1n;
  const committed = stats.get('committed_chunk_id') ?? -1n;
  if (last < 0n) return committed < 0n ? 'empty' : 'committed';
  return committed < last ? 'under way' : 'committed';
}

function underWay(stream: string): StreamUnavailableError {
  return new StreamUnavailableError(
    `the end of '${stream}' is not known: its leader waits for the other nodes to have stored it; try again`,
    { broker: 'rabbitmq-stream', detail: { stream } },
  );
}

async function unsubscribe(connection: Connection, id: number): Promise<void> {
  try {
    await connection.request(
      keys.unsubscribe,
      (correlation) => encodeUnsubscribe(correlation, { subscriptionId: id }),
      () => undefined,
      { action: 'end the subscription' },
    );
  } catch {
    // it is gone with its stream or its connection
  }
}
