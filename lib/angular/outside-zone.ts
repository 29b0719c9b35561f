import type { NgZone } from '@angular/core';
import { isObservable, Observable, type OperatorFunction } from 'rxjs';
import type { Broker, Sink } from '../core/broker.js';
import { throughZone } from './through-zone.js';

/** The handle under one that works outside of the zone. */
const inner = new WeakMap<object, object>();

/**
 * The handle, whose calls run outside of Angular's zone, so that neither its sockets nor its timers start change
 * detection, whoever's call connects first. What it emits comes where it was subscribed. Without zone.js: the handle itself.
 * @internal
 */
export function outsideZone<B extends Broker>(broker: B, zone: NgZone): B {
  if (!('Zone' in globalThis) || inner.has(broker)) return broker;
  const outside = wrap(broker, zone);
  inner.set(outside, broker);
  return outside;
}

/** The handle as its maker gave it. @internal */
export function rawHandle<B extends Broker>(broker: B): B {
  return (inner.get(broker) as B | undefined) ?? broker;
}

type Call = (...args: unknown[]) => unknown;

/** Methods that a Subject has as an Observable: they are those of the Observable that comes back into the zone. */
const reading: readonly PropertyKey[] = ['subscribe', 'pipe', 'forEach', 'toPromise'] satisfies (keyof Observable<1>)[];

function wrap<O extends object>(target: O, zone: NgZone): O {
  const observable = isObservable(target) ? throughZone(target, zone) : undefined;
  // what was seen once stays the same object, as it is on the handle
  const seen = new Map<unknown, unknown>();
  const once = (value: object, make: () => unknown): unknown => {
    if (!seen.has(value)) seen.set(value, make());
    return seen.get(value);
  };
  return new Proxy(target, {
    get(object, key) {
      const from = observable !== undefined && reading.includes(key) ? observable : object;
      const value: unknown = Reflect.get(from, key, from);
      if (isObservable(value)) return once(value, () => throughZone(value, zone));
      if (typeof value !== 'function' || key === 'constructor') return value;
      if (from === observable) return once(value, () => (value as Call).bind(from));
      return once(value, () => (...args: unknown[]) => {
        const result = zone.runOutsideAngular(() => (value as Call).apply(object, args));
        return key === 'sink' || key === 'publishTo' || isObservable(result) ? outside(result, zone) : result;
      });
    },
  });
}

function outside(made: unknown, zone: NgZone): unknown {
  // publishTo: what it reads comes from the application, and is published outside
  if (typeof made === 'function') {
    const operator = made as OperatorFunction<unknown, unknown>;
    return (source: Observable<unknown>) => throughZone(operator(leaving(source, zone)), zone);
  }
  const observable = made as Observable<unknown>;
  return 'next' in observable ? wrap(observable as Sink<unknown>, zone) : throughZone(observable, zone);
}

/** The source, subscribed to where it was before, whose values are handed on outside of the zone. */
function leaving<T>(source: Observable<T>, zone: NgZone): Observable<T> {
  const away = (work: () => void): void => zone.runOutsideAngular(work);
  return new Observable<T>((subscriber) =>
    source.subscribe({
      next: (value) => away(() => subscriber.next(value)),
      error: (error: unknown) => away(() => subscriber.error(error)),
      complete: () => away(() => subscriber.complete()),
    }),
  );
}
