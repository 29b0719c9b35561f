import { beforeNul, hasMember, parseGlob, type GlobSet, type GlobToken } from './glob-pattern.js';

const slash = 0x2f;

/**
 * Why a glob does not mean the same everywhere, in words that fit after "a glob"; undefined if it does.
 *
 * A broadcaster's database reads globs by SQLite's rules, and for websockets a broadcaster then looks again by Python's,
 * which differ with the version. Where the second does not find what the first did, the glob goes silent.
 * @internal
 */
export function globWarning(glob: string): string | undefined {
  if (beforeNul(glob) !== glob) return 'ends at its first NUL character where a broadcaster looks it up';
  const tokens = parseGlob(glob);
  if (tokens === undefined) return undefined;
  for (const token of tokens) {
    const problem = token.kind === 'set' ? setWarning(token) : undefined;
    if (problem !== undefined) return problem;
  }
  return starWarning(tokens);
}

function setWarning(set: GlobSet): string | undefined {
  const { text, backward } = set;
  const shown = text.length > 40 ? `${text.slice(0, 40)}…` : text;
  if (/^\[[!^]/.test(text)) {
    return `has the set ${shown}: a broadcaster's database takes ^ for "none of these" and ! for itself, Python the other way round`;
  }
  if (hasMember(set, slash)) return `has a / in the set ${shown}: newer versions of Python end the set there`;
  if (backward) return `has a range that runs backwards in the set ${shown}: what is left of it differs`;
  if (/^\[\]-[^\]]/.test(text)) return `has ] as the start of a range in the set ${shown}: SQLite knows no such range`;
  return undefined;
}

function starWarning(tokens: readonly GlobToken[]): string | undefined {
  const segments: GlobToken[][] = [[]];
  for (const token of tokens) {
    if (token.kind === 'literal' && token.code === slash) segments.push([]);
    else segments.at(-1)!.push(token);
  }
  for (const [at, segment] of segments.entries()) {
    const found = segment.find((token) => token.kind === 'any');
    if (found === undefined) continue;
    const last = at === segments.length - 1;
    if (segment.length > 1) return `has ${stars(found.stars)} beside other characters: ${crossing}`;
    if (found.stars === 1 && segments.length === 1) return `is a single *: ${crossing}; say ** for all topics`;
    if (found.stars > 2) return `has ${stars(found.stars)}: say **`;
    if (!last) return `has ${stars(found.stars)} before its last part: ${crossing}`;
  }
  return undefined;
}

const crossing = 'it goes across / in a broadcaster, and not in one that runs on Python 3.13 or later';

function stars(count: number): string {
  return count > 3 ? '***…' : '*'.repeat(count);
}
