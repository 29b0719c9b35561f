/** A set of characters: `[abc]`, `[a-c]`, `[^abc]`. @internal */
export interface GlobSet {
  readonly kind: 'set';
  /** As it was written. */
  readonly text: string;
  readonly negated: boolean;
  /** First and last code point of each run of members, in ascending order without overlaps. */
  readonly runs: readonly number[];
  /** It has a range whose end comes before its start. */
  readonly backward: boolean;
}

/** What a glob is made of. @internal */
export type GlobToken =
  /** Any characters, also none; so many `*` one after the other, which mean what one means. */
  | { readonly kind: 'any'; readonly stars: number }
  /** One character. */
  | { readonly kind: 'one' }
  | { readonly kind: 'literal'; readonly code: number }
  | GlobSet;

const star = 0x2a;
const question = 0x3f;
const open = 0x5b;
const close = 0x5d;
const caret = 0x5e;
const hyphen = 0x2d;

/**
 * A glob as SQLite's GLOB reads it, code point by code point. Undefined: a `[` is not closed, so that nothing matches.
 * @internal
 */
export function parseGlob(glob: string): readonly GlobToken[] | undefined {
  const codes = codePoints(glob);
  const tokens: GlobToken[] = [];
  for (let at = 0; at < codes.length;) {
    const code = codes[at]!;
    if (code === star) {
      const start = at;
      while (codes[at] === star) at++;
      tokens.push({ kind: 'any', stars: at - start });
    } else if (code === open) {
      const end = setEnd(codes, at);
      if (end === 0) return undefined;
      tokens.push(parseSet(codes.slice(at, end)));
      at = end;
    } else {
      tokens.push(code === question ? { kind: 'one' } : { kind: 'literal', code });
      at++;
    }
  }
  return tokens;
}

/** Whether the character is one that the set means. @internal */
export function isInSet(set: GlobSet, code: number): boolean {
  return hasMember(set, code) !== set.negated;
}

/** Whether the character is between the brackets. @internal */
export function hasMember({ runs }: GlobSet, code: number): boolean {
  let low = 0;
  let high = runs.length / 2;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (code > runs[middle * 2 + 1]!) low = middle + 1;
    else high = middle;
  }
  return low * 2 < runs.length && code >= runs[low * 2]!;
}

/** SQLite's strings end at a NUL, those that it is given too. @internal */
export function beforeNul(text: string): string {
  const nul = text.indexOf('\0');
  return nul < 0 ? text : text.slice(0, nul);
}

function codePoints(glob: string): number[] {
  return Array.from(beforeNul(glob), (character) => character.codePointAt(0)!);
}

/** Where the set that begins there ends; 0 where it does not. A `]` that comes first is a member. */
function setEnd(codes: readonly number[], start: number): number {
  const first = start + (codes[start + 1] === caret ? 2 : 1);
  return codes.indexOf(close, codes[first] === close ? first + 1 : first) + 1;
}

/** @param codes - with both brackets */
function parseSet(codes: readonly number[]): GlobSet {
  const negated = codes[1] === caret;
  const end = codes.length - 1;
  let at = negated ? 2 : 1;
  const ranges: [number, number][] = [];
  let backward = false;
  // what a hyphen would make the start of a range: not a bracket that came first, and not the end of another range
  let before = 0;
  if (codes[at] === close && at < end) {
    ranges.push([close, close]);
    at++;
  }
  while (at < end) {
    const code = codes[at]!;
    if (code === hyphen && before !== 0 && at + 1 < end) {
      const last = codes[at + 1]!;
      // the start is in the set by itself already, so that a backward range leaves it there, and not its end
      if (last >= before) ranges.push([before, last]);
      else backward = true;
      before = 0;
      at += 2;
    } else {
      ranges.push([code, code]);
      before = code;
      at++;
    }
  }
  return { kind: 'set', text: String.fromCodePoint(...codes), negated, runs: merged(ranges), backward };
}

function merged(ranges: [number, number][]): number[] {
  const runs: number[] = [];
  for (const [first, last] of ranges.sort((a, b) => a[0] - b[0])) {
    const end = runs.length - 1;
    if (end > 0 && first <= runs[end]! + 1) runs[end] = Math.max(runs[end]!, last);
    else runs.push(first, last);
  }
  return runs;
}
