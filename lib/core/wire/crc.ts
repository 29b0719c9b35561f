/** What a CRC of 32 bits is worked out with: eight tables of 256 entries, table n for a byte that n others follow. @internal */
export type CrcTables = Int32Array;

/** @param polynomial - its bits reversed @internal */
export function crcTables(polynomial: number): CrcTables {
  const tables = new Int32Array(8 * 256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 0 ? crc >>> 1 : (crc >>> 1) ^ polynomial;
    tables[byte] = crc;
  }
  for (let at = 256; at < tables.length; at++) {
    const before = tables[at - 256]!;
    tables[at] = (before >>> 8) ^ tables[before & 0xff]!;
  }
  return tables;
}

/** The CRC of the bytes from `start` to before `end`, unsigned. @internal */
export function crcOf(table: CrcTables, bytes: Uint8Array, start: number, end: number): number {
  let crc = -1;
  let pos = start;
  // eight bytes a round: the loop below alone would take longer than Snappy itself
  for (const last = end - 8; pos <= last; pos += 8) {
    crc ^= bytes[pos]! | (bytes[pos + 1]! << 8) | (bytes[pos + 2]! << 16) | (bytes[pos + 3]! << 24);
    crc =
      table[1792 + (crc & 0xff)]! ^
      table[1536 + ((crc >>> 8) & 0xff)]! ^
      table[1280 + ((crc >>> 16) & 0xff)]! ^
      table[1024 + (crc >>> 24)]! ^
      table[768 + bytes[pos + 4]!]! ^
      table[512 + bytes[pos + 5]!]! ^
      table[256 + bytes[pos + 6]!]! ^
      table[bytes[pos + 7]!]!;
  }
  for (; pos < end; pos++) crc = table[(crc ^ bytes[pos]!) & 0xff]! ^ (crc >>> 8);
  return ~crc >>> 0;
}
