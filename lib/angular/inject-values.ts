import type { Observable } from 'rxjs';
import type { Broker } from '../core/broker.js';
import type { AnyOptions, ChannelInput, CodedOptions, PlainOptions } from './options.js';
import { injectStream } from './stream.js';

/**
 * The values of a channel alone, for as long as the component lives, each settled when the subscriber's `next` returned. Otherwise as
 * `injectMessages`.
 * @throws InvalidOptionError
 */
export function injectValues<T, B extends Broker = Broker>(
  channel: ChannelInput<B>,
  options: CodedOptions<B, T>,
): Observable<T>;
export function injectValues<T = Uint8Array, B extends Broker = Broker>(
  channel: ChannelInput<B>,
  options?: PlainOptions<B>,
): Observable<T>;
export function injectValues<B extends Broker>(
  channel: ChannelInput<B>,
  options: AnyOptions<B> = {} as AnyOptions<B>,
): Observable<unknown> {
  return injectStream<B, unknown>({
    caller: injectValues,
    name: 'injectValues',
    channel,
    options,
    read: (broker, each, source) => broker.values(each, source),
  });
}
