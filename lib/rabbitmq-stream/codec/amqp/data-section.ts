import { readU32, writeU32 } from '../integers.js';

/** What comes before the bytes of a data section: a descriptor of three bytes, a type and a length. */
const shortHead = 5;
const longHead = 8;
/** The longest body whose length fits into one byte. */
const shortBody = 0xff;

/** How many bytes a data section with a body of that length has. */
export function dataSectionLength(bodyLength: number): number {
  return bodyLength <= shortBody ? shortHead + bodyLength : longHead + bodyLength;
}

/** Writes a data section, of `dataSectionLength(body.length)` bytes, and gives the position behind it. */
export function writeDataSection(target: Uint8Array, at: number, body: Uint8Array): number {
  const { length } = body;
  target[at] = 0x00;
  target[at + 1] = 0x53;
  target[at + 2] = 0x75;
  let pos = at + shortHead;
  if (length <= shortBody) {
    target[at + 3] = 0xa0;
    target[at + 4] = length;
  } else {
    target[at + 3] = 0xb0;
    writeU32(target, at + 4, length);
    pos = at + longHead;
  }
  target.set(body, pos);
  return pos + length;
}

/**
 * Where the body of a message begins that is one data section and nothing else, as nearly all are; it ends where the
 * message does. -1 for all others, which `bodyOf` knows how to read.
 */
export function bodyStart(bytes: Uint8Array, start: number, end: number): number {
  if (end - start < shortHead) return -1;
  if (bytes[start] !== 0x00 || bytes[start + 1] !== 0x53 || bytes[start + 2] !== 0x75) return -1;
  const type = bytes[start + 3];
  if (type === 0xa0) return bytes[start + 4] === end - start - shortHead ? start + shortHead : -1;
  if (type !== 0xb0 || end - start < longHead) return -1;
  return readU32(bytes, start + 4) === end - start - longHead ? start + longHead : -1;
}
