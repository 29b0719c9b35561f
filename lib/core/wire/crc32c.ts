import { crcOf, crcTables, type CrcTables } from './crc.js';

let tables: CrcTables | undefined;

/** The CRC-32C (Castagnoli) of the bytes from `start` to before `end`, unsigned. @internal */
export function crc32c(bytes: Uint8Array, start = 0, end = bytes.length): number {
  return crcOf((tables ??= crcTables(0x82f63b78)), bytes, start, end);
}
