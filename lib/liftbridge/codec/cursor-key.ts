import { crc32 } from '../../core/wire/crc32.js';
import { encodeText } from '../../core/wire/text.js';

/** What a stored position is kept under, and found by. */
export function cursorKey(cursorId: string, stream: string, partition: number): Uint8Array {
  return encodeText(`${cursorId},${stream},${String(partition)}`);
}

/**
 * The partition of `__cursors` whose leader keeps a position.
 * @param count - how many partitions `__cursors` has, at least 1
 */
export function cursorPartition(cursorId: string, stream: string, partition: number, count: number): number {
  return partitionOfKey(cursorKey(cursorId, stream, partition), count);
}

/**
 * The partition that a key belongs to, as all clients spread them. No key is as an empty one: partition 0.
 * @param count - how many partitions the stream has, at least 1
 */
export function partitionOfKey(key: Uint8Array | undefined, count: number): number {
  return key === undefined ? 0 : crc32(key) % count;
}
