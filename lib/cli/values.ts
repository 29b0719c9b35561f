import { UsageError } from './exit.js';

const durations: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const sizes: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
};

/** `500ms`, `2.5s`, `10m`, `1h`, `7d`, several together as in `1h30m`, or a plain number of milliseconds. Undefined for anything else. */
export function durationOf(text: string): number | undefined {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text);
  if (!/^(\d+(\.\d+)?(ms|[smhd]))+$/.test(text)) return undefined;
  let sum = 0;
  for (const [, digits, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|[smhd])/g)) {
    sum += Number(digits) * (durations[unit as string] as number);
  }
  return sum;
}

/** `128`, `128B`, `64KiB`, `1.5MB`: bytes. Undefined for anything else. */
export function sizeOf(text: string): number | undefined {
  const found = /^(\d+(?:\.\d+)?)([kmg]?i?b)?$/i.exec(text);
  const factor = sizes[found?.[2]?.toLowerCase() ?? 'b'];
  return found && factor !== undefined ? Math.round(Number(found[1]) * factor) : undefined;
}

/** A value of a flag in milliseconds. @throws UsageError */
export function readDuration(flag: string, text: string): number {
  const ms = durationOf(text);
  if (ms !== undefined) return ms;
  throw new UsageError(`${flag} takes a duration, such as 500ms, 10s, 5m or 1h30m; got '${text}'`);
}

/** A value of a flag in bytes. @throws UsageError */
export function readSize(flag: string, text: string): number {
  const bytes = sizeOf(text);
  if (bytes !== undefined) return bytes;
  throw new UsageError(`${flag} takes a size, such as 128, 128B, 64KiB or 1MB; got '${text}'`);
}

/** A whole number of at least `min`. @throws UsageError */
export function readCount(flag: string, text: string, min = 1): number {
  const value = Number(text);
  if (/^\d[\d_]*$/.test(text) && Number.isSafeInteger(Number(text.replaceAll('_', '')))) {
    const plain = Number(text.replaceAll('_', ''));
    if (plain >= min) return plain;
  }
  throw new UsageError(`${flag} takes a whole number of ${min} or more; got '${Number.isNaN(value) ? text : value}'`);
}

/** A moment: a date as ISO 8601 has it, or milliseconds since 1970. Milliseconds. @throws UsageError */
export function readTime(flag: string, text: string): number {
  const ms = /^\d+$/.test(text) ? Number(text) : Date.parse(text);
  if (Number.isFinite(ms)) return ms;
  throw new UsageError(`${flag} takes a time, such as 2026-01-31T12:00:00Z, or milliseconds since 1970; got '${text}'`);
}

/** Options that are text whatever they look like. */
const texts = new Set([
  'ackPolicy',
  'broadcasters',
  'brokers',
  'clientId',
  'clusterId',
  'connectionName',
  'correlationId',
  'discoverPrefix',
  'durable',
  'filterValue',
  'host',
  'inboxPrefix',
  'name',
  'pass',
  'passphrase',
  'password',
  'producer',
  'queue',
  'secret',
  'servername',
  'token',
  'type',
  'user',
  'username',
  'vhost',
]);

/** Options that are lists whatever they look like. */
const lists = new Set(['filter.values', 'values']);

/**
 * What the text of an option means: true or false, a number, a duration in ms, a size in bytes, else the text. Options
 * that are text by themselves, such as `clientId`, are left alone.
 */
export function optionValue(path: string, text: string): unknown {
  const name = path.slice(path.lastIndexOf('.') + 1);
  if (lists.has(path)) return text.split(',');
  // credentials of gRPC are whatever the user has agreed on
  if (texts.has(name) || path.startsWith('credentials.')) return text;
  if (text === 'true' || text === 'false') return text === 'true';
  if (text === 'Infinity') return Infinity;
  if (name === 'partition' && /^\d+(,\d+)+$/.test(text)) return text.split(',').map(Number);
  return durationOf(text) ?? sizeOf(text) ?? text;
}

/**
 * Sets an option by its dotted name, as in `reconnect.maxAttempts`. Given twice it is a list.
 * @throws UsageError where one name is both a value and an object
 */
export function setOption(options: Record<string, unknown>, path: string, value: unknown): void {
  const names = path.split('.');
  const last = names.pop() as string;
  let into = options;
  for (const name of names) {
    // own properties alone, so that no name reaches a prototype
    if (!Object.hasOwn(into, name)) define(into, name, {});
    const next = into[name];
    if (!isObject(next)) throw new UsageError(`the option '${path}' goes into '${name}', which is given a value too`);
    into = next;
  }
  if (!Object.hasOwn(into, last)) {
    define(into, last, value);
    return;
  }
  const before = into[last];
  if (isObject(before)) throw new UsageError(`the option '${path}' is given a value, and options of its own too`);
  into[last] = [...(Array.isArray(before) ? (before as unknown[]) : [before]), value].flat();
}

function define(into: Record<string, unknown>, name: string, value: unknown): void {
  Object.defineProperty(into, name, { value, enumerable: true, writable: true, configurable: true });
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array);
}
