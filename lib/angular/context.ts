import {
  DestroyRef,
  type InjectionToken,
  Injector,
  NgZone,
  PLATFORM_ID,
  assertInInjectionContext,
  inject,
  runInInjectionContext,
} from '@angular/core';
import type { Broker } from '../core/broker.js';
import { checkOptions, instance, type Shape } from '../core/check.js';
import type { Codec } from '../core/codec.js';
import { InvalidOptionError } from '../core/errors.js';
import { nameOrToken } from './features.js';
import type { InjectOptions } from './options.js';
import { outsideZone } from './outside-zone.js';
import { BROKER, brokerToken, setupToken } from './tokens.js';

/** What an inject function finds in its injection context. @internal */
export interface Context<B extends Broker> {
  readonly broker: B;
  /** The codec of `withCodec`. */
  readonly codec: Codec<unknown> | undefined;
  /** Whether nothing may connect, because a server renders. */
  readonly off: boolean;
  /** Undefined where an injector was made without an application. */
  readonly zone: NgZone | undefined;
  readonly injector: Injector;
  readonly destroyRef: DestroyRef;
}

const shape: Shape<InjectOptions> = {
  broker: nameOrToken,
  injector: instance((value) => typeof (value as { get?: unknown } | null)?.get === 'function', 'an Injector'),
};

/**
 * Finds the broker and what belongs to it.
 * @throws InvalidOptionError
 * @internal
 */
export function contextOf<B extends Broker>(
  where: string,
  caller: (...args: never[]) => unknown,
  { broker, injector }: InjectOptions<B>,
): Context<B> {
  checkOptions<InjectOptions>(where, { broker, injector }, shape);
  if (injector !== undefined) return runInInjectionContext(injector, () => find(where, broker));
  assertInInjectionContext(caller);
  return find(where, broker);
}

function find<B extends Broker>(where: string, which: string | InjectionToken<B> | undefined): Context<B> {
  const token = which === undefined ? BROKER : typeof which === 'string' ? brokerToken(which) : which;
  const found = inject<Broker>(token, { optional: true }) as B | null;
  if (found === null) throw new InvalidOptionError(`${where}: ${missing(which)}`);
  const setup = inject(setupToken(token), { optional: true });
  const zone = inject(NgZone, { optional: true }) ?? undefined;
  return {
    broker: zone === undefined ? found : outsideZone(found, zone),
    codec: setup?.codec,
    off: (setup?.server ?? 'off') === 'off' && onServer(),
    zone,
    injector: inject(Injector),
    destroyRef: inject(DestroyRef),
  };
}

function missing(which: string | InjectionToken<Broker> | undefined): string {
  if (which === undefined) {
    return 'no broker is provided here; add provideBroker(…) to the providers of the application or of the route';
  }
  const name = typeof which === 'string' ? `'${which}'` : 'TOKEN';
  const named = typeof which === 'string' ? `with the name ${which}` : `under ${String(which)}`;
  return `no broker is provided ${named}; add provideBroker(…, withName(${name})) to the providers of the application or of the route`;
}

/** Whether a server renders the application. @internal */
export function onServer(): boolean {
  // what isPlatformServer of @angular/common asks
  return (inject(PLATFORM_ID, { optional: true }) as unknown) === 'server';
}
