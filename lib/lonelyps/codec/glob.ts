import { encodeText } from '../../core/wire/text.js';
import { beforeNul, isInSet, parseGlob, type GlobToken } from './glob-pattern.js';
import { isUtf8Topic } from './topic-text.js';

export { globWarning } from './glob-warning.js';

/** Longer ones make SQLite fail, and with it every notification of the broadcaster that it is registered with. */
const globLimit = 50_000;

/** Says whether a topic, as text, matches. @internal */
export type GlobMatch = (topicText: string) => boolean;

/**
 * A glob as broadcasters read it: SQLite's GLOB. `*` is any characters, `/` among them, `?` one, `[abc]`, `[a-c]` and
 * `[^a]` one of a set; letters have their case, and there is no escape but `[*]`. Topics that are not UTF-8 never match.
 *
 * A match takes time in proportion to the topic, and at worst to its length times that of the longest part between two
 * `*`. A glob of which {@link globProblem} says something matches nothing.
 * @internal
 */
export function compileGlob(glob: string): GlobMatch {
  const tokens = globProblem(glob) === undefined ? parseGlob(glob) : undefined;
  if (tokens === undefined) return () => false;
  const [first, ...others] = partsOf(tokens);
  const last = others.pop();
  return (topicText) => {
    if (!isUtf8Topic(topicText)) return false;
    const text = beforeNul(topicText);
    let at = endOfMatch(first!, text, 0);
    if (last === undefined) return at === text.length;
    for (const part of others) {
      if (at < 0) return false;
      at = endOfSearch(part, text, at);
    }
    return at >= 0 && matchesAtEnd(last, text, at);
  };
}

/** What is wrong with a glob, in words that fit after "a glob"; undefined if nothing is. @internal */
export function globProblem(glob: string): string | undefined {
  if (!isUtf8Topic(glob)) return 'must be Unicode text, and this one has half a character (a lone surrogate)';
  const length = glob.length * 3 <= globLimit ? 0 : encodeText(glob).length;
  if (length > globLimit) {
    return `can have ${String(globLimit)} bytes at most, SQLite's limit, and this one has ${String(length)}`;
  }
  if (parseGlob(glob) === undefined) return 'needs a ] for each [, else it matches nothing; a [ itself is written [[]';
  return undefined;
}

/** What is between two `*`: only characters that stand for themselves, or others too. */
type Part = string | readonly Exclude<GlobToken, { kind: 'any' }>[];

function partsOf(tokens: readonly GlobToken[]): Part[] {
  const parts: Exclude<GlobToken, { kind: 'any' }>[][] = [[]];
  for (const token of tokens) {
    if (token.kind === 'any') parts.push([]);
    else parts.at(-1)!.push(token);
  }
  return parts.map((part) => {
    const plain = part.filter((token) => token.kind === 'literal');
    return plain.length < part.length ? part : plain.map(({ code }) => String.fromCodePoint(code)).join('');
  });
}

/** Where the part ends that matches right there; -1 where it does not. */
function endOfMatch(part: Part, text: string, start: number): number {
  if (typeof part === 'string') return text.startsWith(part, start) ? start + part.length : -1;
  let at = start;
  for (const token of part) {
    const code = text.codePointAt(at);
    if (code === undefined) return -1;
    if (token.kind === 'literal' && token.code !== code) return -1;
    if (token.kind === 'set' && !isInSet(token, code)) return -1;
    at += code > 0xffff ? 2 : 1;
  }
  return at;
}

/** Where the first match of the part ends that begins there or later; -1 where there is none. The first leaves most to the others. */
function endOfSearch(part: Part, text: string, start: number): number {
  if (typeof part === 'string') {
    const found = text.indexOf(part, start);
    return found < 0 ? -1 : found + part.length;
  }
  for (let at = start; at + part.length <= text.length; at++) {
    const end = isLowSurrogate(text, at) ? -1 : endOfMatch(part, text, at);
    if (end >= 0) return end;
  }
  return -1;
}

/** Whether the part matches what the text ends with, at `from` or later. */
function matchesAtEnd(part: Part, text: string, from: number): boolean {
  if (typeof part === 'string') return text.length - part.length >= from && text.endsWith(part);
  let at = text.length;
  for (let left = part.length; left > 0 && at > from; left--) at -= isLowSurrogate(text, at - 1) ? 2 : 1;
  return at >= from && endOfMatch(part, text, at) === text.length;
}

function isLowSurrogate(text: string, at: number): boolean {
  return (text.charCodeAt(at) & 0xfc00) === 0xdc00;
}
