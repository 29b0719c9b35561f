import { FieldWriter } from './field-writer.js';

/** A subscription to one topic, as the broadcaster lists it. @internal */
export interface ExactEntry {
  readonly topic: Uint8Array;
  /** Where the broadcaster tells a loss. */
  readonly recovery?: string | undefined;
}

/** A subscription to a glob, as the broadcaster lists it. @internal */
export interface GlobEntry {
  readonly glob: string;
  /** Where the broadcaster tells a loss. */
  readonly recovery?: string | undefined;
}

/** All subscriptions of one URL. @internal */
export interface Entries {
  readonly exact: readonly ExactEntry[];
  readonly globs: readonly GlobEntry[];
}

/** In the one order that a broadcaster takes: by bytes, each topic and each glob once (the first of its kind stays). @internal */
export function sortEntries(entries: Entries): Entries {
  return {
    exact: sortedUnique(entries.exact, (a, b) => compareBytes(a.topic, b.topic)),
    globs: sortedUnique(entries.globs, (a, b) => compareTexts(a.glob, b.glob)),
  };
}

/**
 * What the etag of a list of subscriptions is the SHA-512 of.
 * @param exact - as {@link sortEntries} gives them
 * @param globs - as {@link sortEntries} gives them
 * @internal
 */
export function etagDocument(url: string, exact: readonly ExactEntry[], globs: readonly GlobEntry[]): Uint8Array {
  const out = new FieldWriter(1024).raw(labels.url).lp16(url).raw(labels.exact);
  for (const { topic, recovery } of exact) out.lp16(topic).lp16(recovery);
  out.raw(labels.glob);
  for (const { glob, recovery } of globs) out.lp16(glob).lp16(recovery);
  return out.raw(labels.end).finish();
}

const ascii = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0));
const labels = { url: ascii('URL'), exact: ascii('\nEXACT'), glob: ascii('\nGLOB'), end: ascii('\n') };

function sortedUnique<T>(entries: readonly T[], compare: (a: T, b: T) => number): T[] {
  const sorted = [...entries].sort(compare);
  return sorted.filter((entry, at) => at === 0 || compare(sorted[at - 1]!, entry) !== 0);
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at++) {
    const difference = a[at]! - b[at]!;
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** As their UTF-8 compares, which is by code points; a plain comparison is by UTF-16 and has U+10000 before U+FFFF. */
function compareTexts(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at++) {
    const [x, y] = [a.charCodeAt(at), b.charCodeAt(at)];
    if (x === y) continue;
    const [highX, highY] = [isSurrogate(x), isSurrogate(y)];
    return highX === highY ? x - y : highX ? 1 : -1;
  }
  return a.length - b.length;
}

function isSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdfff;
}
