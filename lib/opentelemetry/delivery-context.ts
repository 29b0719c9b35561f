import { context, ROOT_CONTEXT, type Context } from '@opentelemetry/api';
import { placeOf, type Delivery } from '../core/delivery.js';
import { extract, type Carrier } from './carrier.js';

/** The contexts that deliveries are processed in, by their place: copies and wrappers have the same. */
const contexts = new WeakMap<object, Context>();
/** What an envelope held, for messages that have no headers. */
const envelopes = new WeakMap<object, Carrier>();

/** @internal */
export function setContextOf(delivery: object, its: Context): void {
  contexts.set(placeOf(delivery), its);
}

/** The context that was noted for a delivery, if it is one and there is any. @internal */
export function knownContextOf(value: unknown): Context | undefined {
  return typeof value === 'object' && value !== null ? contexts.get(placeOf(value)) : undefined;
}

/** @internal */
export function setEnvelopeOf(delivery: object, carrier: Carrier): void {
  envelopes.set(placeOf(delivery), carrier);
}

/** The context that the publisher sent along; the root where there is none. @internal */
export function sentContextOf(delivery: Delivery<unknown>): Context {
  const envelope = envelopes.get(placeOf(delivery));
  if (envelope !== undefined) return extract(envelope);
  try {
    return extract(delivery.headers);
  } catch {
    return ROOT_CONTEXT; // malformed headers are for who asks for them
  }
}

/**
 * The context of a delivery: that of its `process` span where the handle is instrumented, else what its publisher sent
 * along in the headers or in an envelope, else the active one. Copies, and what `mapValue` makes of a delivery, have the
 * same.
 *
 * @example
 * ```ts
 * const log = (order: Delivery<Order>) => context.with(contextOf(order), () => logger.info('priced', order.offset));
 * ```
 */
export function contextOf(delivery: Delivery<unknown>): Context {
  const known = knownContextOf(delivery);
  if (known !== undefined) return known;
  const sent = sentContextOf(delivery);
  return sent === ROOT_CONTEXT ? context.active() : sent;
}
