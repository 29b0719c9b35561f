/** What a match has at least; shorter ones are not worth their offset. */
const minMatch = 4;
/** How far back a match may lie. */
const maxOffset = 65_535;
/** The format wants the last five bytes as literals, and no match that starts in the last twelve. */
const lastLiterals = 5;
const lastMatchStart = 12;

const hashBits = 13;
/** Where the bytes of each hash were seen last, kept because a block needs all of it and none of it afterwards. */
let seen: Int32Array | undefined;

/** The most bytes that a block of that many takes: literals alone, and their length. @internal */
export function maxLz4Block(length: number): number {
  return length + Math.ceil(length / 255) + 16;
}

/** Writes one block of the bytes from `start` to before `end`, and returns where it ends in `out`. @internal */
export function writeLz4Block(bytes: Uint8Array, start: number, end: number, out: Uint8Array, at: number): number {
  const positions = (seen ??= new Int32Array(1 << hashBits));
  positions.fill(-1);
  const matchesEnd = end - lastLiterals;
  let literals = start;
  let pos = start;
  let to = at;
  // the longer nothing is found, the larger the steps: bytes that don't compress are passed over quickly
  for (let misses = 0; pos <= end - lastMatchStart;) {
    const four = word(bytes, pos);
    const hash = Math.imul(four, 0x9e3779b1) >>> (32 - hashBits);
    const earlier = positions[hash]!;
    positions[hash] = pos;
    if (earlier < 0 || pos - earlier > maxOffset || word(bytes, earlier) !== four) {
      pos += 1 + (misses++ >>> 6);
      continue;
    }
    let length = minMatch;
    while (pos + length < matchesEnd && bytes[earlier + length] === bytes[pos + length]) length++;
    to = writeLiterals(bytes, literals, pos, out, to, length - minMatch);
    const offset = pos - earlier;
    out[to++] = offset & 0xff;
    out[to++] = offset >>> 8;
    if (length - minMatch >= 15) to = writeMore(out, to, length - minMatch - 15);
    pos += length;
    literals = pos;
    misses = 0;
  }
  return writeLiterals(bytes, literals, end, out, to, 0);
}

/** The token of a sequence, which has the match's length in it as well, and the literals. */
function writeLiterals(
  bytes: Uint8Array,
  start: number,
  end: number,
  out: Uint8Array,
  at: number,
  match: number,
): number {
  const length = end - start;
  let to = at;
  out[to++] = (Math.min(length, 15) << 4) | Math.min(match, 15);
  if (length >= 15) to = writeMore(out, to, length - 15);
  if (length > 32) out.set(bytes.subarray(start, end), to);
  else for (let each = 0; each < length; each++) out[to + each] = bytes[start + each]!;
  return to + length;
}

function writeMore(out: Uint8Array, at: number, rest: number): number {
  let to = at;
  for (; rest >= 255; rest -= 255) out[to++] = 255;
  out[to++] = rest;
  return to;
}

/**
 * Inflates the block from `start` to before `end` into `out` at `at`, and returns where that ends.
 * Matches reach back to `history` at most, and nothing is written from `limit` on.
 * @internal
 */
export function readLz4Block(
  bytes: Uint8Array,
  start: number,
  end: number,
  out: Uint8Array,
  at: number,
  history: number,
  limit: number,
): number {
  let pos = start;
  let to = at;
  while (pos < end) {
    const token = bytes[pos++]!;
    let length = token >>> 4;
    if (length === 15) {
      for (let more = 255; more === 255; length += more) more = pos < end ? bytes[pos++]! : cutOff();
    }
    if (length > end - pos) cutOff();
    if (length > limit - to) tooMuch();
    if (length > 32) out.set(bytes.subarray(pos, pos + length), to);
    else for (let each = 0; each < length; each++) out[to + each] = bytes[pos + each]!;
    pos += length;
    to += length;
    // the last sequence has no match
    if (pos === end) return to;

    if (end - pos < 2) cutOff();
    const offset = bytes[pos]! | (bytes[pos + 1]! << 8);
    pos += 2;
    if (offset === 0 || offset > to - history) throw new Error('a match lies before the start');
    length = (token & 15) + minMatch;
    if (length === 15 + minMatch) {
      for (let more = 255; more === 255; length += more) more = pos < end ? bytes[pos++]! : cutOff();
    }
    if (length > limit - to) tooMuch();
    // a match may overlap what it makes, which copyWithin would not repeat
    if (length > 32 && offset >= length) out.copyWithin(to, to - offset, to - offset + length);
    else for (let each = to; each < to + length; each++) out[each] = out[each - offset]!;
    to += length;
  }
  return cutOff();
}

function cutOff(): never {
  throw new Error('a block is cut off');
}

function tooMuch(): never {
  throw new Error('a block inflates to more than it may');
}

function word(bytes: Uint8Array, pos: number): number {
  return bytes[pos]! | (bytes[pos + 1]! << 8) | (bytes[pos + 2]! << 16) | (bytes[pos + 3]! << 24);
}
