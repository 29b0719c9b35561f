import type { Clock } from '../../core/clock.js';
import { offsetBefore, type OffsetKey } from '../../core/offset.js';
import { keys } from '../codec/keys.js';
import { encodeSubscribe, encodeUnsubscribe } from '../codec/requests.js';
import type { Session } from '../session/session.js';
import { Chunk } from './chunk.js';
import { committedChunk } from './starting.js';

/** The end of a stream. @internal */
export interface LastRecord {
  readonly offset: OffsetKey;
  /** ms since 1970 */
  readonly timestamp: number;
}

/** Milliseconds in which a chunk that is there arrives. A stream with nothing but the broker's own notes sends none. */
const patience = 1_000;

/**
 * The last record that a stream has; undefined where it has none. The protocol tells where the last chunk begins and not
 * how many records it has, so that chunk is looked at.
 * @throws StreamNotFoundError and others of the session
 * @internal
 */
export async function lastRecord(
  session: Session,
  clock: Clock,
  stream: string,
  signal?: AbortSignal,
): Promise<LastRecord | undefined> {
  const link = await session.consumerLink(stream, signal);
  const { connection } = link;
  let take: (last: LastRecord | undefined) => void = () => undefined;
  let fail: (error: unknown) => void = () => undefined;
  const found = new Promise<LastRecord | undefined>((resolve, reject) => {
    take = resolve;
    fail = reject;
  });
  // who only waits for an answer to a request is told by that
  found.catch(() => undefined);
  const id = link.addSubscriber(stream, {
    deliver: (bytes, start, end, owned) => {
      const chunk = new Chunk(bytes, start, end, owned);
      take({ offset: offsetBefore(chunk.after) ?? 0, timestamp: chunk.timestamp });
    },
    flushed: () => undefined,
    update: (_active, reply) => {
      reply({ type: 'none' });
    },
    refused: () => undefined,
    lost: (error) => {
      fail(error);
    },
  });
  let subscribed = false;
  try {
    if ((await committedChunk(connection, stream)) === undefined) return undefined;
    await connection.request(
      keys.subscribe,
      (correlationId) =>
        encodeSubscribe(correlationId, { subscriptionId: id, stream, offset: { type: 'last' }, credit: 1 }),
      () => undefined,
      { action: `look at the end of '${stream}'`, stream },
    );
    subscribed = true;
    const cancel = clock.after(patience, () => {
      take(undefined);
    });
    return await found.finally(cancel);
  } finally {
    if (subscribed && !link.closed) {
      await connection
        .request(
          keys.unsubscribe,
          (correlationId) => encodeUnsubscribe(correlationId, { subscriptionId: id }),
          () => undefined,
          { action: `look at the end of '${stream}'`, stream },
        )
        .catch(() => undefined);
    }
    link.removeSubscriber(id);
  }
}
