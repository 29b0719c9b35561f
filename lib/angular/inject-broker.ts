import type { InjectionToken } from '@angular/core';
import type { Broker } from '../core/broker.js';
import { contextOf } from './context.js';

/**
 * The broker's handle, to publish with or for what the inject functions don't do: the one provided without a name, the
 * one of a name, or with a token of `brokerToken` that broker's own type. Where zone.js is loaded, its sockets and timers
 * stay outside of the zone. What is subscribed to by hand ends by hand: `takeUntilDestroyed()`.
 * @throws InvalidOptionError where none is provided
 */
export function injectBroker<B extends Broker>(token: InjectionToken<B>): B;
export function injectBroker(name?: string): Broker;
export function injectBroker<B extends Broker>(which?: string | InjectionToken<B>): B {
  return contextOf<B>('injectBroker(…)', injectBroker, { broker: which }).broker;
}
