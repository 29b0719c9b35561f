import { computed, type Signal } from '@angular/core';
import { concat, defer, map, type Observable } from 'rxjs';
import type { Broker } from '../core/broker.js';
import { checkOptions, count } from '../core/check.js';
import { asSignal } from './as-signal.js';
import type { AnyOptions, ChannelInput, CodedOptions, PlainOptions } from './options.js';
import { injectStream } from './stream.js';

/** What `injectRecent` takes on top. */
export interface RecentOptions {
  /** How many values are kept. Default 100. */
  readonly size?: number | undefined;
}

/**
 * A signal with the last values of a channel, the newest last; empty before the first, when the channel has changed, and
 * on a server. Subscribed to at once, until the component's end. It fails as `injectLatest` does.
 *
 * @example
 * ```ts
 * readonly lines = injectRecent('log', { codec: text, size: 20 });
 * ```
 * @throws InvalidOptionError
 */
export function injectRecent<T, B extends Broker = Broker>(
  channel: ChannelInput<B>,
  options: CodedOptions<B, T> & RecentOptions,
): Signal<readonly T[]>;
export function injectRecent<T = Uint8Array, B extends Broker = Broker>(
  channel: ChannelInput<B>,
  options?: PlainOptions<B> & RecentOptions,
): Signal<readonly T[]>;
export function injectRecent<B extends Broker>(
  channel: ChannelInput<B>,
  options: AnyOptions<B> & RecentOptions = {} as AnyOptions<B>,
): Signal<readonly unknown[]> {
  const { size = 100, ...rest } = options;
  checkOptions<RecentOptions>('injectRecent(…)', { size }, { size: count() });
  const kept: unknown[] = [];
  let changes = 0;
  const cleared = defer(() => {
    kept.length = 0;
    return [++changes];
  });
  const stream = (): Observable<number> =>
    injectStream<B, number>({
      caller: injectRecent,
      name: 'injectRecent',
      channel,
      options: rest,
      read: (broker, each, source) => concat(cleared, broker.values(each, source).pipe(map(keep))),
      none: cleared,
    });
  const keep = (value: unknown): number => {
    kept.push(value);
    if (kept.length > size) kept.shift();
    return ++changes;
  };
  const changed = asSignal('injectRecent(…)', injectRecent, options, stream, { initialValue: 0 });
  // copied when it is read, not at each message
  return computed(() => {
    changed();
    return kept.slice();
  });
}
