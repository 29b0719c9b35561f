import { headBytes } from './head.js';
import { readU32 } from './integers.js';
import { malformed } from './malformed.js';

const idsStart = headBytes + 5;

/**
 * Whose messages are stored. Read it with {@link readConfirm}, and each id with `readId(bytes, start + 8 * i)`. Ids come
 * in no particular order, and an id that was sent twice comes twice.
 */
export class Confirm {
  publisherId = 0;
  /** How many ids. */
  count = 0;
  /** Where the first is. */
  start = 0;
}

/** Reads a PublishConfirm, without making anything. Throws `ProtocolError`. */
export function readConfirm(bytes: Uint8Array, start: number, end: number, into: Confirm): void {
  const ids = start + idsStart;
  if (ids > end) throw malformed('PublishConfirm', 'it ends inside a field', end - start, end - start);
  const count = readU32(bytes, ids - 4);
  if (count * 8 !== end - ids) {
    throw malformed('PublishConfirm', `${String(count)} ids in ${String(end - ids)} bytes`, idsStart - 4, end - start);
  }
  into.publisherId = bytes[start + headBytes]!;
  into.count = count;
  into.start = ids;
}
