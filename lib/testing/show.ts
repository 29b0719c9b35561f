const longest = 300;
const mostItems = 12;
const deepest = 4;

/** A value in the words of a message: short, on one line. @internal */
export function show(value: unknown): string {
  const words = told(value, 0);
  return words.length > longest ? `${words.slice(0, longest)}…` : words;
}

function told(value: unknown, depth: number): string {
  if (typeof value === 'string') return `'${value}'`;
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'function') return value.name === '' ? 'a function' : `the function ${value.name}`;
  if (typeof value !== 'object' || value === null) return String(value);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'an invalid Date' : value.toISOString();
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  if (value instanceof Uint8Array) return bytes(value);
  if (depth >= deepest) return Array.isArray(value) ? '[…]' : '{…}';
  if (Array.isArray(value)) return `[${few(value, (each) => told(each, depth + 1))}]`;
  if (value instanceof Map) {
    const pair = ([key, each]: [unknown, unknown]): string => `${told(key, depth + 1)} => ${told(each, depth + 1)}`;
    return `Map {${few([...value], pair)}}`;
  }
  if (value instanceof Set) return `Set {${few([...value], (each) => told(each, depth + 1))}}`;
  return record(value, depth);
}

function record(value: object, depth: number): string {
  const entries = Object.entries(value);
  if (entries.length === 0) return '{}';
  return `{ ${few(entries, ([key, each]) => `${key}: ${told(each, depth + 1)}`)} }`;
}

function few<T>(items: readonly T[], words: (item: T) => string): string {
  const shown = items.slice(0, mostItems).map(words);
  if (items.length > mostItems) shown.push(`… ${items.length - mostItems} more`);
  return shown.join(', ');
}

/** As text where they are UTF-8 that can be printed. */
function bytes(value: Uint8Array): string {
  const head = value.subarray(0, 64);
  const more = value.length > head.length ? '…' : '';
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(head);
    if (!/\p{Cc}/u.test(text)) return `bytes '${text}${more}'`;
  } catch {
    // not text, or cut within a character
  }
  return `bytes ${[...head].map((each) => each.toString(16).padStart(2, '0')).join(' ')}${more}`;
}
