import { isUtf8 } from 'node:buffer';
import type { Delivery } from '../core/delivery.js';
import { UsageError } from './exit.js';
import { base64Of, tagged, untagged } from './tagged.js';
import type { Kind } from './url.js';

/** A message as it goes out: its bytes, and what stands beside them. */
export interface Item {
  readonly value: Uint8Array;
  readonly key?: Uint8Array | undefined;
  readonly headers?: Readonly<Record<string, unknown>> | undefined;
  readonly partition?: number | undefined;
  readonly replyTo?: string | undefined;
  readonly properties?: Readonly<Record<string, unknown>> | undefined;
}

/** What only some brokers' deliveries have. */
interface OwnOfBrokers {
  readonly partition?: number | string | undefined;
  readonly replyTo?: string | undefined;
  readonly properties?: object | undefined;
}

/**
 * A delivery as one line of JSON, with its newline: `offset` (a string), `time`, `key`, `headers`, `partition`, and `value`
 * where the bytes are UTF-8, else `base64`. Reading the line gives the same bytes.
 * @param kind - whose headers these are: those of Liftbridge are bytes all of them, written as text where they can be
 */
export function encodeLine(delivery: Delivery, kind: Kind): string {
  const { offset, time, key, headers, value, redelivered } = delivery;
  const { partition, replyTo, properties } = delivery as Delivery & OwnOfBrokers;
  // pieces of text, because most messages have three members and 100 000 of them are to take no time
  let line = offset === undefined ? '{' : `{"offset":"${offset}",`;
  if (time !== undefined) line += `"time":"${time.toISOString()}",`;
  // the channel of lonelyps is a topic, of which one subscription may have several
  if (kind === 'lonelyps') line += `"channel":${JSON.stringify(delivery.channel)},`;
  if (redelivered) line += '"redelivered":true,';
  if (partition !== undefined) line += `"partition":${JSON.stringify(partition)},`;
  if (replyTo !== undefined) line += `"replyTo":${JSON.stringify(replyTo)},`;
  if (key !== undefined) line += isUtf8(key) ? `"key":${jsonText(key)},` : `"keyBase64":"${base64Of(key)}",`;
  if (headers.size > 0) line += `"headers":${JSON.stringify(headersOf(headers, kind))},`;
  if (properties !== undefined && Object.keys(properties).length > 0) {
    line += `"properties":${JSON.stringify(eachTagged(Object.entries(properties)))},`;
  }
  return isUtf8(value) ? `${line}"value":${jsonText(value)}}\n` : `${line}"base64":"${base64Of(value)}"}\n`;
}

function headersOf(headers: ReadonlyMap<string, unknown>, kind: Kind): Record<string, unknown> {
  if (kind !== 'liftbridge') return eachTagged(headers);
  return Object.fromEntries(
    [...headers].map(([name, value]) => {
      const bytes = value as Uint8Array;
      return [name, isUtf8(bytes) ? textOf(bytes) : tagged(bytes)];
    }),
  );
}

function eachTagged(entries: Iterable<readonly [string, unknown]>): Record<string, unknown> {
  return Object.fromEntries(
    [...entries].filter(([, value]) => value !== undefined).map(([name, value]) => [name, tagged(value)]),
  );
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
}

function jsonText(bytes: Uint8Array): string {
  return JSON.stringify(textOf(bytes));
}

/**
 * Reads such a line. Offset, time and channel are where it was; they don't go along.
 * @param number - which line it is, for the error
 * @throws UsageError
 */
export function decodeLine(line: Uint8Array, number: number): Item {
  const refuse = (problem: string): never => {
    throw new UsageError(`line ${number}: ${problem}`);
  };
  let read: unknown;
  try {
    read = JSON.parse(textOf(line));
  } catch (error) {
    return refuse(`it is no JSON (${(error as Error).message})`);
  }
  if (typeof read !== 'object' || read === null || Array.isArray(read)) return refuse('it is no JSON object');
  const { value, base64, key, keyBase64, headers, partition, replyTo, properties } = read as Record<string, unknown>;
  if ((typeof value === 'string') === (typeof base64 === 'string')) {
    return refuse('it must have either "value", a text, or "base64"');
  }
  const item: { -readonly [K in keyof Item]: Item[K] } = {
    value: typeof value === 'string' ? Buffer.from(value, 'utf8') : Buffer.from(base64 as string, 'base64'),
  };
  try {
    if (typeof key === 'string') item.key = Buffer.from(key, 'utf8');
    if (typeof keyBase64 === 'string') item.key = Buffer.from(keyBase64, 'base64');
    if (headers !== undefined) item.headers = eachUntagged(headers);
    if (properties !== undefined) item.properties = eachUntagged(properties);
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error));
  }
  if (typeof partition === 'number') item.partition = partition;
  if (typeof replyTo === 'string') item.replyTo = replyTo;
  return item;
}

function eachUntagged(given: unknown): Record<string, unknown> {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new UsageError('"headers" and "properties" are objects');
  }
  return Object.fromEntries(Object.entries(given).map(([name, value]) => [name, untagged(value)]));
}
