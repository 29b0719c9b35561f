import type { Clock } from '../../core/clock.js';
import { offsetKey } from '../../core/offset.js';
import { ChunkHeader, readChunkHeader } from '../codec/deliver.js';
import { keys } from '../codec/keys.js';
import { encodeStreamStats, encodeSubscribe, encodeUnsubscribe } from '../codec/requests.js';
import { readStreamStats } from '../codec/responses.js';
import type { Connection } from '../connection/connection.js';
import type { Session } from './session.js';

/** How long to wait for the last chunk, in milliseconds. A stream that holds nothing but stored positions never sends one. */
const patience = 1000;

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
  let tell: (last: LastRecord | undefined) => void = () => undefined;
  let fail: (error: unknown) => void = () => undefined;
  const told = new Promise<LastRecord | undefined>((resolve, reject) => {
    tell = resolve;
    fail = reject;
  });
  // it may fail while something else is awaited
  told.catch(() => undefined);
  const id = link.addSubscriber(stream, {
    deliver: (bytes, start, end) => {
      const header = new ChunkHeader();
      readChunkHeader(bytes, start, end, header);
      const { firstOffset, records, timestamp } = header;
      tell({ offset: offsetKey(BigInt(firstOffset) + BigInt(records) - 1n), timestamp });
    },
    flushed: () => undefined,
    update: (_active, reply) => reply({ type: 'none' }),
    refused: () => undefined,
    lost: fail,
  });
  let subscribed = false;
  try {
    const stats = await streamStats(connection, stream);
    if ((stats.get('committed_chunk_id') ?? 0n) < 0n) return undefined;
    const subject = { action: `read the last chunk of '${stream}'`, stream };
    subscribed = true;
    await connection.request(
      keys.subscribe,
      (correlation) =>
        encodeSubscribe(correlation, { subscriptionId: id, stream, offset: { type: 'last' }, credit: 1 }),
      () => undefined,
      subject,
    );
    const cancel = clock.after(patience, () => tell(undefined));
    return await told.finally(cancel);
  } finally {
    if (subscribed) await unsubscribe(connection, id);
    link.removeSubscriber(id);
  }
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
