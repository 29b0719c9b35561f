import { InjectionToken } from '@angular/core';
import type { Broker } from '../core/broker.js';
import { checkOptions, checkValue, codec as codecChecker, either, flag, instance, oneOf, text } from '../core/check.js';
import type { Codec } from '../core/codec.js';
import { brokerToken } from './tokens.js';

/** What `provideBroker` takes beside the broker, for brokers of type `B`. Made by the functions of this module. */
export interface BrokerFeature<in B = unknown> {
  readonly kind: 'codec' | 'connect' | 'name' | 'server';
  /** For the compiler alone: which brokers it is for. */
  readonly accepts?: ((broker: B) => void) | undefined;
}

/** What `withConnect` takes. */
export interface ConnectFeatureOptions {
  /** Whether bootstrapping waits for the connection, and fails where it can't be made. Default false: `status` tells. */
  readonly wait?: boolean | undefined;
}

/** @internal */
export interface CodecFeature extends BrokerFeature {
  readonly kind: 'codec';
  readonly codec: Codec<unknown>;
}

/** @internal */
export interface ConnectFeature extends BrokerFeature {
  readonly kind: 'connect';
  readonly wait: boolean;
}

/** @internal */
export interface NameFeature extends BrokerFeature {
  readonly kind: 'name';
  readonly token: InjectionToken<Broker>;
}

/** @internal */
export interface ServerFeature extends BrokerFeature {
  readonly kind: 'server';
  readonly mode: 'off' | 'on';
}

/** @internal */
export type AnyFeature = CodecFeature | ConnectFeature | NameFeature | ServerFeature;

/** A broker's name, or its token. @internal */
export const nameOrToken = either(
  text(),
  instance((value) => value instanceof InjectionToken, 'a token of brokerToken()'),
);

/**
 * The codec for the inject functions where their own options have none. The type of what it gives is said at the call,
 * unchecked, as with Angular's `HttpClient`: `injectMessages<Order>('orders')`.
 * @throws InvalidOptionError
 */
export function withCodec<T>(codec: Codec<T>): BrokerFeature {
  checkValue('withCodec(…)', 'codec', codec, codecChecker('decode'));
  return { kind: 'codec', codec } as CodecFeature;
}

/**
 * Connects as the injector is made, not at the first use. Without it nothing is connected until a component subscribes or publishes.
 * @throws InvalidOptionError
 */
export function withConnect(options: ConnectFeatureOptions = {}): BrokerFeature {
  checkOptions<ConnectFeatureOptions>('withConnect(…)', options, { wait: flag() });
  return { kind: 'connect', wait: options.wait ?? false } as ConnectFeature;
}

/**
 * Provides the broker under a name, or under a token of `brokerToken`: an application may have several.
 * @throws InvalidOptionError
 */
export function withName<B extends Broker = Broker>(name: string | InjectionToken<B>): BrokerFeature<B> {
  checkValue('withName(…)', 'name', name, nameOrToken);
  return { kind: 'name', token: typeof name === 'string' ? brokerToken<B>(name) : name } as NameFeature;
}

/**
 * What happens while the application is rendered on a server. `'off'`, the default: no broker is made, sources complete
 * without a message, and publishing is refused. `'on'`: as in a page.
 * @throws InvalidOptionError
 */
export function withServer(mode: 'off' | 'on'): BrokerFeature {
  checkValue('withServer(…)', 'mode', mode, oneOf('off', 'on'));
  return { kind: 'server', mode } as ServerFeature;
}
