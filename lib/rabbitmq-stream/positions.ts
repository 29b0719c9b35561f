import { OffsetNotFoundError, StreamUnavailableError } from '../core/errors.js';
import { keys } from './codec/keys.js';
import { encodeQueryOffset, encodeQueryPublisherSequence, encodeStoreOffset } from './codec/requests.js';
import { readQueryOffset, readQueryPublisherSequence } from './codec/responses.js';
import type { Connection } from './connection/connection.js';

// What a stream keeps by name beside its records: offsets of consumers, and the last publishing ids of producers. Any
// connection can ask for them.

const broker = 'rabbitmq-stream';

/**
 * Stored in place of an offset that is forgotten, because the protocol cannot delete one. A client that does not know of it
 * resumes one after it, which comes round to 0: at the beginning, as with no offset.
 * @internal
 */
export const forgotten = 2n ** 64n - 1n;

/**
 * The offset that was stored last under that name.
 * @throws OffsetNotFoundError where none is, or it was forgotten; StreamNotFoundError, AuthorizationError
 * @internal
 */
export async function queryOffset(connection: Connection, reference: string, stream: string): Promise<bigint> {
  const action = `tell the offset stored as '${reference}' on '${stream}'`;
  const offset = await ask(connection, reference, stream, action);
  if (offset !== forgotten) return offset;
  throw new OffsetNotFoundError(`cannot ${action}: it was forgotten`, { broker, detail: { stream, reference } });
}

/**
 * Stores an offset, and asks for it, because storing has no answer of its own. The broker handles both in their order.
 * @throws StreamNotFoundError, AuthorizationError, StreamUnavailableError where nothing is stored afterwards
 * @internal
 */
export async function storeOffset(
  connection: Connection,
  reference: string,
  stream: string,
  offset: bigint,
): Promise<void> {
  const action = `store an offset as '${reference}' on '${stream}'`;
  connection.send(encodeStoreOffset({ reference, stream, offset }));
  try {
    await ask(connection, reference, stream, action);
  } catch (error) {
    if (!(error instanceof OffsetNotFoundError)) throw error;
    throw new StreamUnavailableError(`cannot ${action}: RabbitMQ did not keep it; try again`, {
      broker,
      cause: error,
      detail: { stream, reference },
    });
  }
}

/**
 * Makes an offset that was stored as good as never stored.
 * @throws StreamNotFoundError, AuthorizationError, StreamUnavailableError
 * @internal
 */
export async function forgetOffset(connection: Connection, reference: string, stream: string): Promise<void> {
  try {
    await queryOffset(connection, reference, stream);
  } catch (error) {
    // a name that was never used needs no entry among the few that the broker keeps
    if (error instanceof OffsetNotFoundError) return;
    throw error;
  }
  await storeOffset(connection, reference, stream, forgotten);
}

/** The last publishing id that is stored of a producer; 0 also where none is. @throws StreamNotFoundError @internal */
export async function lastPublishingId(connection: Connection, reference: string, stream: string): Promise<bigint> {
  const id = await connection.request(
    keys.queryPublisherSequence,
    (correlationId) => encodeQueryPublisherSequence(correlationId, { reference, stream }),
    readQueryPublisherSequence,
    { action: `tell the last publishing id of '${reference}' on '${stream}'`, stream, reference },
  );
  return BigInt(id);
}

async function ask(connection: Connection, reference: string, stream: string, action: string): Promise<bigint> {
  const offset = await connection.request(
    keys.queryOffset,
    (correlationId) => encodeQueryOffset(correlationId, { reference, stream }),
    readQueryOffset,
    { action, stream, reference },
  );
  return BigInt(offset);
}
