import { computed, type NgZone } from '@angular/core';
import { toObservable } from '@angular/core/rxjs-interop';
import { EMPTY, ReplaySubject, switchAll, takeUntil, type Observable } from 'rxjs';
import type { Broker } from '../core/broker.js';
import { contextOf, type Context } from './context.js';
import type { ChannelInput, ChannelOf, InjectOptions } from './options.js';
import { rawHandle } from './outside-zone.js';
import { throughZone } from './through-zone.js';

/** How a channel is read. @internal */
export interface Reading<B extends Broker, T> {
  /** The inject function that was called, and its name, which a minified bundle has lost. */
  readonly caller: (...args: never[]) => unknown;
  readonly name: string;
  readonly channel: ChannelInput<B>;
  /** With those for the source. */
  readonly options: InjectOptions<B> & object;
  read(broker: B, channel: ChannelOf<B>, options: object): Observable<T>;
  /** What comes while there is no channel. Default: nothing. */
  readonly none?: Observable<T>;
}

/**
 * Reads a channel outside of the zone, until the injection context's end. On a server it completes at once.
 * @throws InvalidOptionError
 * @internal
 */
export function injectStream<B extends Broker, T>(reading: Reading<B, T>): Observable<T> {
  const { caller, name, channel, none = EMPTY } = reading;
  const { broker: which, injector, ...source } = reading.options;
  const where = `${name}(${typeof channel === 'string' ? `'${channel}'` : '…'})`;
  const context = contextOf(where, caller, { broker: which, injector });
  if (context.off) return EMPTY;
  const options = { codec: context.codec, ...source };
  const { broker } = context;
  const read = (each: ChannelOf<B>): Observable<T> => reading.read(rawHandle(broker), each, options);
  if (typeof channel !== 'function') return untilDestroyed(read(channel), context);
  const select = channel;
  const current = computed(select);
  return switching(() => {
    const each = current();
    return each === undefined ? none : read(each);
  }, context);
}

/** Follows what `select` gives, which is asked again when a signal changes that it has read. @internal */
export function switching<T>(select: () => Observable<T>, context: Context<Broker>): Observable<T> {
  const { injector, zone } = context;
  const selected = computed(() => {
    const source = select();
    // an effect subscribes, and that runs in the zone
    return zone === undefined ? source : throughZone(source, zone, false);
  });
  return untilDestroyed(toObservable(selected, { injector }).pipe(switchAll()), context);
}

/** Ends with the injection context, and is empty after that. */
function untilDestroyed<T>(source: Observable<T>, { destroyRef, zone }: Context<Broker>): Observable<T> {
  // one that replays, for who subscribes when it is over already
  const destroyed = new ReplaySubject<void>(1);
  destroyRef.onDestroy(() => {
    destroyed.next();
    destroyed.complete();
  });
  return outsideOf(zone, source).pipe(takeUntil(destroyed));
}

function outsideOf<T>(zone: NgZone | undefined, source: Observable<T>): Observable<T> {
  return zone === undefined ? source : throughZone(source, zone);
}
