/** How many bytes the AMQP 1.0 data section of a body has. */
export function dataSectionLength(bodyLength: number): number {
  return bodyLength < 256 ? 5 + bodyLength : 8 + bodyLength;
}

/**
 * Writes a record: the sections before the body as they are, and the body as a data section.
 * Gives the position behind it.
 */
export function writeRecord(out: Uint8Array, at: number, body: Uint8Array, preamble: Uint8Array | undefined): number {
  let pos = at;
  if (preamble !== undefined) {
    out.set(preamble, pos);
    pos += preamble.length;
  }
  const { length } = body;
  // descriptor 0x75 (data), then binary with a length of 8 or of 32 bits
  out[pos] = 0x00;
  out[pos + 1] = 0x53;
  out[pos + 2] = 0x75;
  if (length < 256) {
    out[pos + 3] = 0xa0;
    out[pos + 4] = length;
    pos += 5;
  } else {
    out[pos + 3] = 0xb0;
    out[pos + 4] = length >>> 24;
    out[pos + 5] = length >>> 16;
    out[pos + 6] = length >>> 8;
    out[pos + 7] = length;
    pos += 8;
  }
  out.set(body, pos);
  return pos + length;
}
