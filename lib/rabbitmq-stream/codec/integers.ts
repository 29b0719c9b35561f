// Byte arithmetic: V8 compiles it to a few instructions, where a DataView has to be made for each buffer first.

/** A big-endian unsigned integer of 32 bits. The caller has checked that the four bytes are there. */
export function readU32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}

/**
 * An id, an offset: an unsigned integer of 64 bits, as a number where that is exact, else as a bigint.
 * The caller has checked that the eight bytes are there.
 */
export function readId(bytes: Uint8Array, at: number): number | bigint {
  const high = readU32(bytes, at);
  const low = readU32(bytes, at + 4);
  if (high < 0x20_0000) return high * 0x1_0000_0000 + low;
  return (BigInt(high) << 32n) | BigInt(low);
}

/** A signed integer of 64 bits as a number, rounded where it is beyond 2^53. */
export function readI64Number(bytes: Uint8Array, at: number): number {
  return (readU32(bytes, at) | 0) * 0x1_0000_0000 + readU32(bytes, at + 4);
}

/** Writes 32 bits of a number; those above are dropped. */
export function writeU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

/** Writes 64 bits; a number has to be a safe integer, negative ones become two's complement as bigints do. */
export function writeU64(bytes: Uint8Array, at: number, value: number | bigint): void {
  if (typeof value === 'number') {
    writeU32(bytes, at, Math.floor(value / 0x1_0000_0000));
    writeU32(bytes, at + 4, value);
  } else {
    writeU32(bytes, at, Number(BigInt.asUintN(32, value >> 32n)));
    writeU32(bytes, at + 4, Number(BigInt.asUintN(32, value)));
  }
}
