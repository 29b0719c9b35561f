import { malformed, type Frame } from './frame.js';

// A varint is worked on as two halves of 32 bits, so that no bigint is made where a number is exact.

const word = 0x1_0000_0000;

/**
 * Where the varint that starts at `start` ends. Throws `ProtocolError` if it goes beyond `end` or beyond 64 bits,
 * so that what lies between can be read without further checks.
 */
export function varintEnd(bytes: Uint8Array, start: number, end: number, frame: Frame): number {
  for (let pos = start; pos < end; pos++) {
    const byte = bytes[pos]!;
    if (pos - start === 9 && byte > 1) throw malformed(frame, bytes, start, 'a varint has more than 64 bits');
    if (byte < 0x80) return pos + 1;
  }
  throw malformed(frame, bytes, start, 'it ends inside a varint');
}

/** The low 32 bits of a varint, signed. It ends before `end`. */
export function lowBits(bytes: Uint8Array, start: number, end: number): number {
  let bits = 0;
  for (let pos = start, shift = 0; pos < end && shift < 32; pos++, shift += 7) bits |= (bytes[pos]! & 0x7f) << shift;
  return bits;
}

/** The high 32 bits of a varint, signed. It ends before `end`. */
export function highBits(bytes: Uint8Array, start: number, end: number): number {
  let pos = start + 4;
  if (pos >= end) return 0;
  let bits = (bytes[pos++]! & 0x7f) >>> 4;
  for (let shift = 3; pos < end; pos++, shift += 7) bits |= (bytes[pos]! & 0x7f) << shift;
  return bits;
}

/** A signed varint, an offset: a number where that is exact, else a bigint. It ends before `end`. */
export function signedKeyAt(bytes: Uint8Array, start: number, end: number): number | bigint {
  const low = lowBits(bytes, start, end);
  if (end - start <= 4) return low;
  const high = highBits(bytes, start, end);
  const value = high * word + (low >>> 0);
  return Number.isSafeInteger(value) ? value : signedOf(low, high);
}

/** An unsigned varint: a number where that is exact, else a bigint. It ends before `end`. */
export function unsignedKeyAt(bytes: Uint8Array, start: number, end: number): number | bigint {
  const low = lowBits(bytes, start, end);
  return end - start <= 4 ? low : unsignedKeyOf(low, highBits(bytes, start, end));
}

/** Two halves as an unsigned number where that is exact, else as a bigint. */
export function unsignedKeyOf(low: number, high: number): number | bigint {
  return high >>> 21 === 0 ? high * word + (low >>> 0) : unsignedOf(low, high);
}

/** Two halves as a signed bigint. */
export function signedOf(low: number, high: number): bigint {
  return (BigInt(high) << 32n) | BigInt(low >>> 0);
}

/** Two halves as an unsigned bigint. */
export function unsignedOf(low: number, high: number): bigint {
  return (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
}

/** The low half, signed, of a value to be written. */
export function lowOf(value: number | bigint): number {
  return typeof value === 'number' ? (value % word) | 0 : Number(BigInt.asIntN(32, value));
}

/** The high half, signed, of a value to be written. */
export function highOf(value: number | bigint): number {
  return typeof value === 'number' ? Math.floor(value / word) | 0 : Number(BigInt.asIntN(32, value >> 32n));
}

/** How many bytes the varint of two halves takes. */
export function varintSize(low: number, high: number): number {
  if (high === 0) {
    if (low >>> 7 === 0) return 1;
    if (low >>> 14 === 0) return 2;
    if (low >>> 21 === 0) return 3;
    return low >>> 28 === 0 ? 4 : 5;
  }
  let size = 5;
  for (let rest = high >>> 3; rest !== 0; rest >>>= 7) size++;
  return size;
}

/** Writes the varint of two halves at `pos`, and says where it ends. */
export function writeVarint(out: Uint8Array, pos: number, low: number, high: number): number {
  while (high !== 0) {
    out[pos++] = (low & 0x7f) | 0x80;
    low = (low >>> 7) | (high << 25);
    high >>>= 7;
  }
  while (low >>> 7 !== 0) {
    out[pos++] = (low & 0x7f) | 0x80;
    low >>>= 7;
  }
  out[pos++] = low;
  return pos;
}
