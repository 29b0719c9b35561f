import { inspect } from 'node:util';
import { amqpType, type AmqpTypeName } from '../rabbitmq-stream/codec/amqp/typed.js';
import { UsageError } from './exit.js';

/**
 * A value of a header as JSON. What JSON has no word for is an object with one name that says what it is:
 * `{"base64": …}`, `{"bigint": …}`, `{"date": …}`, `{"number": "NaN"}`, `{"list": […]}`, `{"map": [[key, value], …]}`,
 * `{"amqp": "uuid", "value": …}`.
 */
export function tagged(value: unknown): unknown {
  switch (typeof value) {
    case 'number':
      return Number.isFinite(value) && !Object.is(value, -0)
        ? value
        : { number: Object.is(value, -0) ? '-0' : String(value) };
    case 'bigint':
      return { bigint: String(value) };
    case 'string':
    case 'boolean':
      return value;
    default:
  }
  if (value === null || value === undefined) return null;
  if (value instanceof Uint8Array) return { base64: base64Of(value) };
  if (value instanceof Date) return { date: value.toISOString() };
  if (Array.isArray(value)) return { list: value.map(tagged) };
  if (value instanceof Map) return { map: [...(value as Map<unknown, unknown>)].map((pair) => pair.map(tagged)) };
  const { type, value: inner } = value as { type?: unknown; value?: unknown };
  if (typeof type === 'string') return { amqp: type, value: tagged(inner) };
  return { text: inspect(value) };
}

/** @throws UsageError where it is nothing that `tagged` gives */
export function untagged(json: unknown): unknown {
  if (typeof json !== 'object' || json === null) return json;
  const given = json as Record<string, unknown>;
  const [name = ''] = Object.keys(given);
  const value = given[name];
  switch (name) {
    case 'base64':
      return new Uint8Array(Buffer.from(String(value), 'base64'));
    case 'bigint':
      return BigInt(value as string);
    case 'date':
      return new Date(String(value));
    case 'number':
      return Number(value);
    case 'text':
      return value;
    case 'list':
      return (value as unknown[]).map(untagged);
    case 'map':
      return new Map((value as [unknown, unknown][]).map(([key, each]) => [untagged(key), untagged(each)]));
    case 'amqp':
      return amqpType(value as AmqpTypeName, untagged(given['value']) as never);
    default:
      throw new UsageError(
        'a value of a header is text, a number, true, false, null, or an object such as {"base64": "…"}',
      );
  }
}

/** Bytes as base64, without a copy. */
export function base64Of(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64');
}
