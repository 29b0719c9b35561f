function tableOf(polynomial: number): Int32Array {
  const entries = new Int32Array(256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 0 ? crc >>> 1 : (crc >>> 1) ^ polynomial;
    entries[byte] = crc;
  }
  return entries;
}

// the bits of a polynomial are reversed
const ieee = /* @__PURE__ */ tableOf(0xedb88320);
const castagnoli = /* @__PURE__ */ tableOf(0x82f63b78);

/** The CRC-32 (IEEE) of the bytes from `start` to before `end`, unsigned: what keys are spread by. */
export function crc32(bytes: Uint8Array, start = 0, end = bytes.length): number {
  return crcOf(ieee, bytes, start, end);
}

/** The CRC-32C (Castagnoli) of the bytes from `start` to before `end`, unsigned: what envelopes are checked by. */
export function crc32c(bytes: Uint8Array, start = 0, end = bytes.length): number {
  return crcOf(castagnoli, bytes, start, end);
}

function crcOf(table: Int32Array, bytes: Uint8Array, start: number, end: number): number {
  let crc = -1;
  for (let pos = start; pos < end; pos++) crc = table[(crc ^ bytes[pos]!) & 0xff]! ^ (crc >>> 8);
  return ~crc >>> 0;
}
