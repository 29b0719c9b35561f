import type { Signal } from '@angular/core';
import { toSignal } from '@angular/core/rxjs-interop';
import type { Observable } from 'rxjs';
import type { Broker } from '../core/broker.js';
import { contextOf } from './context.js';
import type { InjectOptions } from './options.js';

/**
 * Subscribes for a signal, outside of the zone: a signal tells Angular itself that it changed, and a hundred changes in
 * a row are one change detection then, not a hundred.
 * @internal
 */
export function asSignal<T, B extends Broker>(
  where: string,
  caller: (...args: never[]) => unknown,
  { broker, injector }: InjectOptions<B>,
  source: (broker: B) => Observable<T>,
  settings: { readonly initialValue?: T },
): Signal<T> {
  const context = contextOf(where, caller, { broker, injector });
  const make = (): Signal<T> => {
    const options = { injector: context.injector };
    const stream = source(context.broker);
    return 'initialValue' in settings
      ? toSignal(stream, { ...options, initialValue: settings.initialValue })
      : toSignal(stream, { ...options, requireSync: true });
  };
  return context.zone === undefined ? make() : context.zone.runOutsideAngular(make);
}
