import { etagDocument, sortEntries, type Entries } from '../codec/etag.js';
import type { Hashing } from '../platform.js';
import type { Pattern } from './session.js';

/** Where the broadcaster calls back. @internal */
export interface CallbackUrls {
  readonly receive: string;
  readonly recover: string;
}

/** A list of subscriptions, as a broadcaster keeps it for one URL. @internal */
export interface Listing {
  readonly patterns: ReadonlyMap<string, Pattern>;
  readonly entries: Entries;
  /** 64 bytes that stand for the whole list. */
  readonly etag: Uint8Array;
}

/** @internal */
export function listingOf(
  patterns: Iterable<Pattern>,
  { receive, recover }: CallbackUrls,
  hashing: Pick<Hashing, 'sha512'>,
): Listing {
  const byKey = new Map<string, Pattern>();
  const exact = [];
  const globs = [];
  for (const pattern of patterns) {
    byKey.set(pattern.key, pattern);
    if (pattern.kind === 'exact') exact.push({ topic: pattern.topic, recovery: recover });
    else globs.push({ glob: pattern.glob, recovery: recover });
  }
  const entries = sortEntries({ exact, globs });
  return { patterns: byKey, entries, etag: hashing.sha512(etagDocument(receive, entries.exact, entries.globs)) };
}
