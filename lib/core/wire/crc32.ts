import { crcOf, crcTables, type CrcTables } from './crc.js';

let tables: CrcTables | undefined;

/** The CRC-32 (IEEE) of the bytes from `start` to before `end`, unsigned. @internal */
export function crc32(bytes: Uint8Array, start = 0, end = bytes.length): number {
  return crcOf((tables ??= crcTables(0xedb88320)), bytes, start, end);
}
