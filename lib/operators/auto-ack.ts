import type { OperatorFunction } from 'rxjs';
import type { Delivery } from '../core/delivery.js';
import { settleEach } from '../core/settle-each.js';

/**
 * Emits the value of each delivery, and acks the delivery when the subscriber's `next` returned, whatever came of it.
 *
 * Work that goes on asynchronously below it is therefore done at most once, and does not hold the source back; for
 * work that has to be done, use `ackConcatMap`. The ack is made also when `next` unsubscribed, so that `take(n)` acks n.
 * Completes and errors with the source; on unsubscribe nothing else is settled.
 *
 * @example
 * ```ts
 * const first = await firstValueFrom(broker.messages('orders', { codec: text }).pipe(autoAck()));
 * ```
 */
export function autoAck<D extends Delivery<unknown>>(): OperatorFunction<D, D['value']> {
  return settleEach;
}
