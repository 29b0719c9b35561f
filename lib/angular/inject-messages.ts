import type { Observable } from 'rxjs';
import type { Broker } from '../core/broker.js';
import type { AnyOptions, ChannelInput, CodedOptions, DeliveryFrom, PlainOptions } from './options.js';
import { injectStream } from './stream.js';

/**
 * The deliveries of a channel, for as long as the component lives; you settle each. Cold, as `broker.messages`: each subscriber has a
 * subscription of its own, which ends with the component (or service, or injector) that called this. The channel may be a
 * signal: when it changes, the subscription changes over, at the next change detection. On a server it completes at once.
 *
 * The options are those of the broker's `messages`, and `broker` and `injector`. With `codec` the type is what the codec gives;
 * with `withCodec` say it at the call: `injectMessages<Order>('orders')`.
 *
 * @example
 * ```ts
 * readonly done = injectMessages('orders', { codec: json<Order>() })
 *   .pipe(ackConcatMap((delivery) => this.show(delivery.value)))
 *   .subscribe();
 * ```
 * @throws InvalidOptionError
 */
export function injectMessages<T, B extends Broker = Broker>(
  channel: ChannelInput<B>,
  options: CodedOptions<B, T>,
): Observable<DeliveryFrom<B, T>>;
export function injectMessages<T = Uint8Array, B extends Broker = Broker>(
  channel: ChannelInput<B>,
  options?: PlainOptions<B>,
): Observable<DeliveryFrom<B, T>>;
export function injectMessages<B extends Broker>(
  channel: ChannelInput<B>,
  options: AnyOptions<B> = {} as AnyOptions<B>,
): Observable<unknown> {
  return injectStream<B, unknown>({
    caller: injectMessages,
    name: 'injectMessages',
    channel,
    options,
    read: (broker, each, source) => broker.messages(each, source),
  });
}
