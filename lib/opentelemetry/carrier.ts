import { propagation, ROOT_CONTEXT, type Context, type TextMapGetter, type TextMapSetter } from '@opentelemetry/api';
import type { MessageFields } from '../core/broker.js';

/** Headers as they come with a message: text, or the bytes of text, or what else a broker carries. @internal */
export type Carrier = ReadonlyMap<string, unknown>;

const decoder = /* @__PURE__ */ new TextDecoder();

const fromMap: TextMapGetter<Carrier> = {
  keys: (carrier) => [...carrier.keys()],
  get(carrier, key) {
    const value = carrier.get(key);
    if (typeof value === 'string') return value;
    return value instanceof Uint8Array ? decoder.decode(value) : undefined;
  },
};

const intoMap: TextMapSetter<Map<string, unknown>> = {
  set(carrier, key, value) {
    carrier.set(key, value);
  },
};

const intoRecord: TextMapSetter<Record<string, unknown>> = {
  set(carrier, key, value) {
    carrier[key] = value;
  },
};

/** The context that a message came with. @internal */
export function extract(carrier: Carrier): Context {
  return carrier.size === 0 ? ROOT_CONTEXT : propagation.extract(ROOT_CONTEXT, carrier, fromMap);
}

/** The headers with the context in them, if there is any; the given ones are not changed. @internal */
export function inject(context: Context, headers: MessageFields['headers']): MessageFields['headers'] {
  // a Map of another realm is one too
  if (headers !== undefined && Symbol.iterator in headers) {
    const carrier = new Map<string, unknown>(headers);
    propagation.inject(context, carrier, intoMap);
    return carrier;
  }
  const carrier: Record<string, unknown> = { ...headers };
  propagation.inject(context, carrier, intoRecord);
  return headers === undefined && Object.keys(carrier).length === 0 ? undefined : carrier;
}
