import { InjectionToken } from '@angular/core';
import type { Broker } from '../core/broker.js';
import { checkValue, text } from '../core/check.js';
import type { Codec } from '../core/codec.js';

/** The broker that was provided without a name. A spec may provide another one under it. */
export const BROKER: InjectionToken<Broker> = new InjectionToken<Broker>('rx-weir broker');

const named = new Map<string, InjectionToken<Broker>>();

/**
 * The token of a named broker, the same at each call. With a type argument it gives that broker's own handle: keep it in
 * a constant, for `withName`, for the `broker` option of the inject functions, and for Angular's `inject`.
 * @throws InvalidOptionError
 */
export function brokerToken<B extends Broker = Broker>(name: string): InjectionToken<B> {
  checkValue('brokerToken(…)', 'name', name, text());
  let token = named.get(name);
  if (token === undefined) {
    token = new InjectionToken<Broker>(`rx-weir broker '${name}'`);
    named.set(name, token);
  }
  return token;
}

/** What was provided beside a broker. @internal */
export interface Setup {
  readonly codec: Codec<unknown> | undefined;
  readonly server: 'off' | 'on';
}

const setups = new WeakMap<InjectionToken<Broker>, InjectionToken<Setup>>();

/** The token of what was provided beside the broker of this token. @internal */
export function setupToken(token: InjectionToken<Broker>): InjectionToken<Setup> {
  let setup = setups.get(token);
  if (setup === undefined) {
    setup = new InjectionToken<Setup>(`setup of ${String(token)}`);
    setups.set(token, setup);
  }
  return setup;
}
