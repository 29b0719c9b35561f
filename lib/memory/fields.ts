import type { MessageFields } from '../core/broker.js';

const encoder = new TextEncoder();

/** A key as the store keeps it: bytes, a copy. @internal */
export function encodeKey(key: MessageFields['key']): Uint8Array | undefined {
  return typeof key === 'string' ? encoder.encode(key) : key?.slice();
}

/** Headers as the store keeps them: a map of its own. @internal */
export function headersOf(headers: MessageFields['headers']): ReadonlyMap<string, unknown> | undefined {
  if (headers === undefined) return undefined;
  return headers instanceof Map ? new Map<string, unknown>(headers) : new Map(Object.entries(headers));
}
