import { randomInt, randomUUID } from 'node:crypto';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { linesOf, wholeOf } from './lines.js';
import { decodeLine, type Item } from './ndjson.js';

interface Pace {
  /** After how many to end. */
  readonly most: number | undefined;
  /** Milliseconds between two. */
  readonly sleep: number | undefined;
  /** At most so many a second. */
  readonly rate: number | undefined;
}

/** Where the messages come from. */
export type ItemSource = Pace &
  (
    | { readonly kind: 'value'; readonly value: string; readonly templates: boolean }
    | {
        readonly kind: 'input';
        readonly input: Readable;
        readonly as: 'lines' | 'ndjson' | 'whole';
        readonly delimiter: number;
      }
  );

/** The messages in batches, as fast as the source wants. When the signal says so, it ends. */
export async function* itemsOf(source: ItemSource, signal: AbortSignal): AsyncGenerator<Iterable<Item>> {
  const { most = Infinity, sleep, rate } = source;
  const counter = { left: most };
  const batches =
    source.kind === 'value' ? [valuesOf(source.value, source.templates, most)] : batchesOf(source, signal);
  const isPaced = sleep !== undefined || rate !== undefined;
  for await (const batch of batches) {
    const items = limited(batch, counter, signal);
    if (isPaced) yield* paced(items, source, counter, signal);
    else yield items;
    if (counter.left <= 0 || signal.aborted) return;
  }
}

/** How many are still wanted; shared by the batches, and the beginning of the first. */
interface Counter {
  left: number;
  begun?: number;
  count?: number;
}

function* limited(items: Iterable<Item>, counter: Counter, signal: AbortSignal): Generator<Item> {
  for (const item of items) {
    if (counter.left <= 0 || signal.aborted) return;
    counter.left--;
    yield item;
  }
}

async function* paced(
  items: Iterable<Item>,
  { sleep, rate }: Pace,
  counter: Counter,
  signal: AbortSignal,
): AsyncGenerator<Iterable<Item>> {
  counter.begun ??= performance.now();
  counter.count ??= 0;
  for (const item of items) {
    const due = rate === undefined ? 0 : counter.begun + (counter.count * 1000) / rate - performance.now();
    const wait = sleep !== undefined && counter.count > 0 ? sleep : due;
    if (wait >= 1) await delay(wait, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return;
    yield [item];
    counter.count++;
  }
}

async function* batchesOf(
  { input, as, delimiter }: ItemSource & { readonly kind: 'input' },
  signal: AbortSignal,
): AsyncGenerator<Iterable<Item>> {
  if (as === 'whole') {
    const value = await wholeOf(input, signal);
    if (!signal.aborted) yield [{ value }];
    return;
  }
  let number = 1;
  for await (const lines of linesOf(input, delimiter, signal)) {
    yield as === 'lines' ? lines.map((value) => ({ value })) : decoded(lines, number);
    number += lines.length;
  }
}

/** Read one by one, so that a bad line stops what follows it, and not what came before. */
function* decoded(lines: readonly Uint8Array[], first: number): Generator<Item> {
  for (const [index, line] of lines.entries()) {
    // a file that somebody has edited may end with an empty line
    if (line.length > 0) yield decodeLine(line, first + index);
  }
}

function* valuesOf(text: string, templates: boolean, most: number): Generator<Item> {
  const count = most === Infinity ? 1 : most;
  const value = Buffer.from(text);
  for (let n = 1; n <= count; n++) yield { value: templates ? Buffer.from(filled(text, n)) : value };
}

/** The templates of `nats pub`. */
function filled(text: string, count: number): string {
  return text.replace(/\{\{\s*(\w+)(?:\s+(\d+)\s+(\d+))?\s*\}\}/g, (all, name: string, from?: string, to?: string) => {
    switch (name) {
      case 'Count':
        return String(count);
      case 'TimeStamp':
      case 'Time':
        return new Date().toISOString();
      case 'ID':
        return randomUUID();
      case 'Random': {
        const [low, high] = [Number(from ?? 1), Number(to ?? 16)];
        const length = high > low ? randomInt(low, high + 1) : low;
        return Array.from({ length }, () => letters[randomInt(letters.length)]).join('');
      }
      default:
        return all;
    }
  });
}

const letters = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';
