import {
  DestroyRef,
  NgZone,
  inject,
  makeEnvironmentProviders,
  provideAppInitializer,
  provideEnvironmentInitializer,
  type EnvironmentProviders,
  type InjectionToken,
  type Provider,
} from '@angular/core';
import type { Broker } from '../core/broker.js';
import { InvalidOptionError } from '../core/errors.js';
import { onServer } from './context.js';
import type {
  AnyFeature,
  BrokerFeature,
  CodecFeature,
  ConnectFeature,
  NameFeature,
  ServerFeature,
} from './features.js';
import { offBroker } from './off-broker.js';
import { outsideZone } from './outside-zone.js';
import { BROKER, setupToken, type Setup } from './tokens.js';

/**
 * Provides a broker to an application, or to a route.
 *
 * A factory runs when the broker is first asked for, in the injection context, and what it makes is closed when the
 * application (or the route's injector) is destroyed. A handle that you made stays yours to close.
 *
 * @example
 * ```ts
 * bootstrapApplication(App, {
 *   providers: [provideBroker(() => lonelyps({ broadcasters: 'wss://example.org/live' }), withCodec(json()))],
 * });
 * ```
 * @throws InvalidOptionError
 */
export function provideBroker<B extends Broker>(
  source: B | (() => B),
  ...features: readonly BrokerFeature<B>[]
): EnvironmentProviders {
  if (typeof source !== 'function') checkHandle(source, 'takes a handle, or a function that makes one');
  const { codec, connect, name, server } = byKind(features);
  const token = (name as NameFeature | undefined)?.token ?? BROKER;
  const mode = (server as ServerFeature | undefined)?.mode ?? 'off';
  const setup: Setup = { codec: (codec as CodecFeature | undefined)?.codec, server: mode };
  const providers: (Provider | EnvironmentProviders)[] = [
    { provide: token, useFactory: () => make(source, token, mode) },
    { provide: setupToken(token), useValue: setup },
  ];
  if (connect !== undefined) providers.push(connecting(token, mode, (connect as ConnectFeature).wait));
  return makeEnvironmentProviders(providers);
}

type Features = Partial<Record<AnyFeature['kind'], BrokerFeature<never>>>;

/** The one feature of each kind. */
function byKind(features: readonly BrokerFeature<never>[]): Features {
  const found: Features = {};
  for (const [index, feature] of features.entries()) {
    const kind: unknown = (feature as BrokerFeature | null | undefined)?.kind;
    if (kind !== 'codec' && kind !== 'connect' && kind !== 'name' && kind !== 'server') {
      throw new InvalidOptionError(
        `provideBroker(…): argument ${index + 2} must be a feature: made by withCodec(), withConnect(), withName() or withServer()`,
      );
    }
    if (found[kind] !== undefined) {
      const factory = `with${kind.charAt(0).toUpperCase()}${kind.slice(1)}()`;
      throw new InvalidOptionError(`provideBroker(…): ${factory} is given twice; one broker takes one`);
    }
    found[kind] = feature;
  }
  return found;
}

function checkHandle(handle: unknown, accepts: string): void {
  const like = handle as Partial<Broker> | null | undefined;
  if (typeof like?.messages === 'function' && typeof like.close === 'function') return;
  throw new InvalidOptionError(`provideBroker(…): ${accepts}; got what has no messages() and close()`);
}

function make<B extends Broker>(source: B | (() => B), token: InjectionToken<Broker>, mode: 'off' | 'on'): Broker {
  if (mode === 'off' && onServer()) return offBroker(token === BROKER ? 'the broker' : String(token));
  const zone = inject(NgZone, { optional: true });
  const destroyRef = inject(DestroyRef);
  const made = typeof source === 'function' ? source() : source;
  if (typeof source === 'function') {
    checkHandle(made, 'the function must return a handle, such as memory()');
    // it waits for its last acks, and tells what it left behind; there is nobody to wait for it
    destroyRef.onDestroy(() => void handle.close());
  }
  const handle = zone === null ? made : outsideZone(made, zone);
  return handle;
}

function connecting(token: InjectionToken<Broker>, mode: 'off' | 'on', wait: boolean): EnvironmentProviders {
  const connect = async (): Promise<void> => {
    if (mode === 'off' && onServer()) return;
    await inject(token).connect();
  };
  if (wait) return provideAppInitializer(connect);
  // an initializer of the injector, not of the application, so that a route's broker connects too
  return provideEnvironmentInitializer(() => {
    // a failure is told on status, and the next use connects again
    connect().catch(() => undefined);
  });
}
