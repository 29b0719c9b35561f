import { EMPTY, type Observable } from 'rxjs';
import type { Broker } from '../core/broker.js';
import { checkValue, func } from '../core/check.js';
import { contextOf } from './context.js';
import type { InjectOptions } from './options.js';
import { rawHandle } from './outside-zone.js';
import { switching } from './stream.js';

/**
 * Any stream of a broker, for as long as the component lives: `hot`, `events`, a lonelyps broker's `missed`, or several merged.
 * When a signal changes that `select` has read, it is called again and the stream that it gives takes the place of the other.
 * The first subscription is made at the next change detection. `select` runs outside of the zone, and on a server not at
 * all: the Observable completes there.
 *
 * @example
 * ```ts
 * readonly missed = injectFrom((live) => live.missed, { broker: LIVE });
 * ```
 * @throws InvalidOptionError
 */
export function injectFrom<T, B extends Broker = Broker>(
  select: (broker: B) => Observable<T>,
  options: InjectOptions<B> = {},
): Observable<T> {
  checkValue('injectFrom(…)', 'select', select, func());
  const context = contextOf('injectFrom(…)', injectFrom, options);
  if (context.off) return EMPTY;
  const broker = rawHandle(context.broker);
  return switching(() => select(broker), context);
}
