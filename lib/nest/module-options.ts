import type { InjectionToken, ModuleMetadata, OptionalFactoryDependency, Type } from '@nestjs/common';
import type { AnyBroker, Broker, BrokerTypes, HotOptions, Outgoing } from '../core/broker.js';
import {
  anything,
  checkOptions,
  duration,
  either,
  flag,
  func,
  instance,
  list,
  required,
  text,
  type Shape,
} from '../core/check.js';
import type { Decoder, Encoder } from '../core/codec.js';
import { InvalidOptionError } from '../core/errors.js';

/** A broker, and how it lives with the app. */
export interface BrokerSettings {
  /**
   * A handle of any broker, or a function that makes one. A function is called once for each app, so that two apps of
   * the same module (as in specs) don't share a handle that the first of them closes.
   */
  readonly broker: Broker | (() => Broker | Promise<Broker>);
  /**
   * Whether the app connects while it starts, and fails to start where that fails. With false, the first use connects.
   * @defaultValue true
   */
  readonly connect?: boolean | undefined;
  /**
   * Milliseconds that a shutdown waits for deliveries at work and publishes that are not confirmed.
   * @defaultValue 10 000
   */
  readonly drainTimeout?: number | undefined;
}

/** What `BrokerModule.forRoot` takes for each broker. */
export interface BrokerModuleOptions extends BrokerSettings {
  /** Under which it is injected. Needed where there are several; without it, the broker is the default one. */
  readonly name?: string | undefined;
  /**
   * Whether all modules of the app can inject it, and take it in `forFeature`.
   * @defaultValue true
   */
  readonly isGlobal?: boolean | undefined;
}

/** What gives a broker its settings: the class of `useClass` and `useExisting`. */
export interface BrokerSettingsFactory {
  /** The settings, or the handle alone. */
  createBroker(): BrokerSettings | Broker | Promise<BrokerSettings | Broker>;
}

/** What `BrokerModule.forRootAsync` takes for each broker: one of `useFactory`, `useClass` and `useExisting`. */
export interface BrokerModuleAsyncOptions extends Pick<BrokerModuleOptions, 'name' | 'isGlobal'> {
  /** The modules that have what is injected. */
  readonly imports?: ModuleMetadata['imports'] | undefined;
  /** What `useFactory` is called with. */
  readonly inject?: readonly (InjectionToken | OptionalFactoryDependency)[] | undefined;
  /** Gives the settings, or the handle alone. */
  // what Nest injects is whatever the tokens stand for: `never` lets a function take any types
  readonly useFactory?:
    ((...injected: never[]) => BrokerSettings | Broker | Promise<BrokerSettings | Broker>) | undefined;
  /** A class that Nest makes one of, for this broker alone. */
  readonly useClass?: Type<BrokerSettingsFactory> | undefined;
  /** A provider that is there already. */
  readonly useExisting?: InjectionToken<BrokerSettingsFactory> | undefined;
}

/** A source to inject. */
export interface SourceFeature<K extends BrokerTypes = AnyBroker> {
  /** Its name, for `@InjectSource`. */
  readonly source: string;
  /** The name of its broker. Default: the broker without a name. */
  readonly broker?: string | undefined;
  /** What is read. Default: the source's name. */
  readonly channel?: string | undefined;
  /**
   * Whether all who inject it share one subscription, as `broker.hot` does it. By default it is cold, as `broker.messages`:
   * each subscriber has a subscription of its own.
   */
  readonly hot?: boolean | undefined;
  /** What the broker's `messages` (or `hot`) takes. */
  readonly options?: (K['source'] & HotOptions & { readonly codec?: Decoder<unknown> | undefined }) | undefined;
}

/** A sink to inject. */
export interface SinkFeature<K extends BrokerTypes = AnyBroker> {
  /** Its name, for `@InjectSink`. */
  readonly sink: string;
  /** The name of its broker. Default: the broker without a name. */
  readonly broker?: string | undefined;
  /** Where it publishes. Default: the sink's name. */
  readonly channel?: string | undefined;
  /** What the broker's `sink` takes. */
  readonly options?:
    | (K['sink'] & {
        readonly codec?: Encoder<never> | undefined;
        readonly message?: ((value: never) => Outgoing<unknown, K['fields']>) | undefined;
      })
    | undefined;
}

/** What `BrokerModule.forFeature` takes. */
export type BrokerFeature<K extends BrokerTypes = AnyBroker> = SourceFeature<K> | SinkFeature<K>;

/** What `BrokerModule.forFeature` takes beside the features. */
export interface FeatureModuleOptions {
  /** The modules that export the brokers, where these are not global. */
  readonly imports?: ModuleMetadata['imports'] | undefined;
}

const isHandle = instance(isBroker, 'a handle, such as natsStreaming(…)');

const settingsShape: Shape<BrokerSettings> = {
  broker: required(either(isHandle, func())),
  connect: flag(),
  drainTimeout: duration(),
};

const rootShape: Shape<BrokerModuleOptions> = { ...settingsShape, name: text(), isGlobal: flag() };

const asyncShape: Shape<BrokerModuleAsyncOptions> = {
  name: text(),
  isGlobal: flag(),
  imports: list(anything(), { empty: true }),
  inject: list(anything(), { empty: true }),
  useFactory: func(),
  useClass: func(),
  useExisting: anything(),
};

const sourceShape: Shape<SourceFeature> = {
  source: required(text()),
  broker: text(),
  channel: text(),
  hot: flag(),
  options: anything(),
};

const sinkShape: Shape<SinkFeature> = { sink: required(text()), broker: text(), channel: text(), options: anything() };

/** @internal */
export function checkRoot(options: BrokerModuleOptions): void {
  checkOptions('BrokerModule.forRoot()', options, rootShape);
}

/** @internal */
export function checkRootAsync(options: BrokerModuleAsyncOptions): void {
  const where = 'BrokerModule.forRootAsync()';
  checkOptions(where, options, asyncShape);
  const ways = [options.useFactory, options.useClass, options.useExisting].filter((way) => way !== undefined);
  if (ways.length === 1) return;
  throw new InvalidOptionError(
    `${where}: give one of useFactory, useClass and useExisting; got ${ways.length === 0 ? 'none' : ways.length}`,
  );
}

/** @internal */
export function checkFeatures(features: readonly BrokerFeature[], options: FeatureModuleOptions): void {
  const where = 'BrokerModule.forFeature()';
  const listed: Shape<{ features: unknown }> = { features: list(anything(), { empty: true }) };
  checkOptions(where, { features }, listed);
  checkOptions(where, options, { imports: list(anything(), { empty: true }) });
  for (const feature of features) {
    const { source, sink } = (Object(feature) as Partial<SourceFeature & SinkFeature>) ?? {};
    if (source !== undefined && sink !== undefined) {
      throw new InvalidOptionError(
        `${where}: one feature is a source or a sink; got source '${source}' and sink '${sink}' in one: make them two`,
      );
    }
    if (source === undefined && sink === undefined) {
      throw new InvalidOptionError(`${where}: a feature needs a source or a sink, the name that it is injected by`);
    }
    if (source === undefined) checkOptions(`${where}, sink`, feature, sinkShape);
    else checkOptions(`${where}, source`, feature, sourceShape);
  }
}

/**
 * What a factory gave, as settings.
 * @throws InvalidOptionError
 * @internal
 */
export function toSettings(name: string, given: BrokerSettings | Broker): BrokerSettings {
  if (isBroker(given)) return { broker: given };
  checkOptions(`BrokerModule.forRootAsync(), what the factory of broker '${name}' gave`, given, settingsShape);
  return given;
}

/** Whether it has what this module asks of a handle. @internal */
export function isBroker(value: unknown): value is Broker {
  const handle = value as Partial<Broker> | null | undefined;
  return (
    typeof handle === 'object' &&
    handle !== null &&
    typeof handle.messages === 'function' &&
    typeof handle.publish === 'function' &&
    typeof handle.connect === 'function' &&
    typeof handle.close === 'function'
  );
}
