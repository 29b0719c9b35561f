/** The Castagnoli polynomial, its bits reversed. */
const polynomial = 0x82f63b78;

/** Eight tables of 256 entries one after the other: table n is for a byte that n others follow. */
let tables: Int32Array | undefined;

function makeTables(): Int32Array {
  const made = new Int32Array(8 * 256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 0 ? crc >>> 1 : (crc >>> 1) ^ polynomial;
    made[byte] = crc;
  }
  for (let at = 256; at < made.length; at++) {
    const before = made[at - 256]!;
    made[at] = (before >>> 8) ^ made[before & 0xff]!;
  }
  return made;
}

/** The CRC-32C of the bytes from `start` to before `end`, unsigned. @internal */
export function crc32c(bytes: Uint8Array, start = 0, end = bytes.length): number {
  const table = (tables ??= makeTables());
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
