import type { Signal } from '@angular/core';
import { of, startWith } from 'rxjs';
import type { Broker } from '../core/broker.js';
import { asSignal } from './as-signal.js';
import type { AnyOptions, ChannelInput, CodedOptions, PlainOptions } from './options.js';
import { injectStream } from './stream.js';

/**
 * A signal with the last value of a channel; `undefined` before the first, when the channel has changed, and on a server.
 * Subscribed to at once, until the component's end. When the source fails, reading the signal throws its error: a value that
 * the codec can't decode is such a failure, unless `onDecodeError` says otherwise.
 *
 * @example
 * ```ts
 * readonly price = injectLatest('prices', { codec: json<Price>(), start: latest() });
 * ```
 * @throws InvalidOptionError
 */
export function injectLatest<T, B extends Broker = Broker>(
  channel: ChannelInput<B>,
  options: CodedOptions<B, T>,
): Signal<T | undefined>;
export function injectLatest<T = Uint8Array, B extends Broker = Broker>(
  channel: ChannelInput<B>,
  options?: PlainOptions<B>,
): Signal<T | undefined>;
export function injectLatest<B extends Broker>(
  channel: ChannelInput<B>,
  options: AnyOptions<B> = {} as AnyOptions<B>,
): Signal<unknown> {
  const stream = () =>
    injectStream<B, unknown>({
      caller: injectLatest,
      name: 'injectLatest',
      channel,
      options,
      read: (broker, each, source) => broker.values(each, source).pipe(startWith(undefined)),
      none: of(undefined),
    });
  return asSignal('injectLatest(…)', injectLatest, options, stream, { initialValue: undefined });
}
