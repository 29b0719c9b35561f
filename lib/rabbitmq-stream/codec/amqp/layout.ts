import { readU32 } from '../integers.js';
import { codes } from './codes.js';

/**
 * Where the value ends that begins at `pos`, also one of an unknown type: the type says how long it is. What is in it
 * is not looked at. -1 if it does not end before `end`, or begins with no type.
 */
export function valueEnd(bytes: Uint8Array, pos: number, end: number): number {
  // a described value is two values, of which the first may be described as well
  for (let values = 1; values > 0; values--) {
    if (pos >= end) return -1;
    const code = bytes[pos++]!;
    if (code === codes.described) {
      values += 2;
      continue;
    }
    const width = widthOf(code >>> 4);
    if (width < 0 || width > end - pos) return -1;
    // from 0xa0 on, the width is that of a length
    if (code >= codes.binary8) {
      const length = width === 1 ? bytes[pos]! : readU32(bytes, pos);
      pos += width;
      if (length > end - pos) return -1;
      pos += length;
    } else {
      pos += width;
    }
  }
  return pos;
}

/** How many bytes follow a type of that category, or how many its length has; -1 if there is no such category. */
function widthOf(category: number): number {
  switch (category) {
    case 0x4:
      return 0;
    case 0x5:
    case 0xa:
    case 0xc:
    case 0xe:
      return 1;
    case 0x6:
      return 2;
    case 0x7:
    case 0xb:
    case 0xd:
    case 0xf:
      return 4;
    case 0x8:
      return 8;
    case 0x9:
      return 16;
    default:
      return -1;
  }
}
