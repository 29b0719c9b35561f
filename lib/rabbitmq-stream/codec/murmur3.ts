/** The seed that the Java, Go, .NET and JavaScript clients hash routing keys with. */
const routingSeed = 104729;

const c1 = 0xcc9e2d51;
const c2 = 0x1b873593;

/**
 * MurmurHash3, the x86 variant of 32 bits, unsigned. With its default seed and the UTF-8 bytes of a key it chooses the
 * partition of a super stream, so every client must come to the same number.
 */
export function murmur3(bytes: Uint8Array, seed: number = routingSeed): number {
  const length = bytes.length;
  const tail = length & ~3;
  let hash = seed | 0;
  for (let pos = 0; pos < tail; pos += 4) {
    hash ^= scramble(bytes[pos]! | (bytes[pos + 1]! << 8) | (bytes[pos + 2]! << 16) | (bytes[pos + 3]! << 24));
    hash = Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64;
  }
  let last = 0;
  for (let pos = length - 1; pos >= tail; pos--) last = (last << 8) | bytes[pos]!;
  hash ^= scramble(last);
  return finish(hash ^ length);
}

/** Of nothing it makes nothing, so a key without a tail needs no case of its own. */
function scramble(block: number): number {
  const mixed = Math.imul(block, c1);
  return Math.imul((mixed << 15) | (mixed >>> 17), c2);
}

function finish(value: number): number {
  let hash = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
