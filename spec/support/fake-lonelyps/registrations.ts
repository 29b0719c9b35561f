import {
  etagDocument,
  sortEntries,
  type Entries,
  type ExactEntry,
  type GlobEntry,
} from '../../../lib/lonelyps/codec/etag.js';
import { compileGlob } from '../../../lib/lonelyps/codec/glob.js';
import { topicText } from '../../../lib/lonelyps/codec/topic-text.js';
import { sha512 } from './party.js';

/** One row: what is posted where. */
export interface Registration {
  readonly url: string;
  readonly pattern: { readonly topic: Uint8Array } | { readonly glob: string };
  readonly recovery: string | undefined;
}

/** Who is subscribed to what over HTTP, as a broadcaster's database has it. */
export class Registrations {
  readonly #rows = new Map<string, Registration>();

  /** All of them, or those of one URL, in the order of their making. */
  list(url?: string): Registration[] {
    return [...this.#rows.values()].filter((row) => url === undefined || row.url === url);
  }

  /** False where it was there, which then stays as it was. */
  add(row: Registration): boolean {
    const key = keyOf(row);
    if (this.#rows.has(key)) return false;
    this.#rows.set(key, row);
    return true;
  }

  /** False where it was not there. */
  remove(row: Omit<Registration, 'recovery'>): boolean {
    return this.#rows.delete(keyOf(row));
  }

  clear(): void {
    this.#rows.clear();
  }

  /** Makes the list of a URL this one. A row that stays keeps its recovery URL, as with the real one. */
  set(url: string, entries: Entries): void {
    const wanted = rowsOf(url, entries);
    const keys = new Set(wanted.map(keyOf));
    for (const row of this.list(url)) {
      if (!keys.has(keyOf(row))) this.remove(row);
    }
    for (const row of wanted) this.add(row);
  }

  etag(url: string): Uint8Array {
    const exact: ExactEntry[] = [];
    const globs: GlobEntry[] = [];
    for (const { pattern, recovery } of this.list(url)) {
      if ('topic' in pattern) exact.push({ topic: pattern.topic, recovery });
      else globs.push({ glob: pattern.glob, recovery });
    }
    const sorted = sortEntries({ exact, globs });
    return sha512(etagDocument(url, sorted.exact, sorted.globs));
  }

  /** Who gets a message: exact rows first. */
  matching(topic: Uint8Array): Registration[] {
    const text = topicText(topic);
    const rows = this.list();
    return [
      ...rows.filter(({ pattern }) => 'topic' in pattern && Buffer.compare(pattern.topic, topic) === 0),
      ...rows.filter(({ pattern }) => 'glob' in pattern && compileGlob(pattern.glob)(text)),
    ];
  }
}

function rowsOf(url: string, { exact, globs }: Entries): Registration[] {
  return [
    ...exact.map(({ topic, recovery }) => ({ url, pattern: { topic }, recovery })),
    ...globs.map(({ glob, recovery }) => ({ url, pattern: { glob }, recovery })),
  ];
}

function keyOf({ url, pattern }: Omit<Registration, 'recovery'>): string {
  return 'topic' in pattern ? `=${Buffer.from(pattern.topic).toString('hex')} ${url}` : `*${pattern.glob}\0${url}`;
}
