const prime1 = 0x9e3779b1;
const prime2 = 0x85ebca77;
const prime3 = 0xc2b2ae3d;
const prime4 = 0x27d4eb2f;
const prime5 = 0x165667b1;

/** xxHash, 32 bits, of the bytes from `start` to before `end`, with seed 0; unsigned. @internal */
export function xxh32(bytes: Uint8Array, start = 0, end = bytes.length): number {
  const length = end - start;
  let pos = start;
  let hash = prime5;
  if (length >= 16) {
    let a = (prime1 + prime2) | 0;
    let b = prime2 | 0;
    let c = 0;
    let d = -prime1 | 0;
    for (const last = end - 16; pos <= last; pos += 16) {
      a = round(a, bytes, pos);
      b = round(b, bytes, pos + 4);
      c = round(c, bytes, pos + 8);
      d = round(d, bytes, pos + 12);
    }
    hash = rotate(a, 1) + rotate(b, 7) + rotate(c, 12) + rotate(d, 18);
  }
  hash = (hash + length) | 0;
  for (; pos <= end - 4; pos += 4) hash = Math.imul(rotate(hash + Math.imul(word(bytes, pos), prime3), 17), prime4);
  for (; pos < end; pos++) hash = Math.imul(rotate(hash + Math.imul(bytes[pos]!, prime5), 11), prime1);
  hash = Math.imul(hash ^ (hash >>> 15), prime2);
  hash = Math.imul(hash ^ (hash >>> 13), prime3);
  return (hash ^ (hash >>> 16)) >>> 0;
}

function round(lane: number, bytes: Uint8Array, pos: number): number {
  return Math.imul(rotate(lane + Math.imul(word(bytes, pos), prime2), 13), prime1);
}

function rotate(value: number, by: number): number {
  return (value << by) | (value >>> (32 - by));
}

function word(bytes: Uint8Array, pos: number): number {
  return bytes[pos]! | (bytes[pos + 1]! << 8) | (bytes[pos + 2]! << 16) | (bytes[pos + 3]! << 24);
}
