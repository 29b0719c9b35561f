import type { DynamicModule, InjectionToken, Provider } from '@nestjs/common';
import type { AnyBroker, Broker, BrokerTypes } from '../core/broker.js';
import { InvalidOptionError } from '../core/errors.js';
import { BrokerHealthIndicator } from './health.js';
import { BrokerRegistry } from './lifecycle.js';
import { ManagedBroker } from './managed-broker.js';
import {
  checkFeatures,
  checkRoot,
  checkRootAsync,
  isBroker,
  toSettings,
  type BrokerFeature,
  type BrokerModuleAsyncOptions,
  type BrokerModuleOptions,
  type BrokerSettings,
  type BrokerSettingsFactory,
  type FeatureModuleOptions,
  type SinkFeature,
  type SourceFeature,
} from './module-options.js';
import { nestCommon } from './packages.js';
import {
  defaultBroker,
  getBrokerToken,
  getSinkToken,
  getSourceToken,
  managedToken,
  registryToken,
  settingsToken,
} from './tokens.js';

/** Has the one registry of an app, whatever number of modules import it. */
// eslint-disable-next-line @typescript-eslint/no-extraneous-class -- to Nest, a module is a class
class BrokerRegistryModule {}

let decorated = false;
let modules = 0;

/** What a broker's module is made of. */
interface Root {
  readonly name: string;
  readonly isGlobal: boolean;
  readonly imports?: DynamicModule['imports'];
  /** Provides the settings under their token, and what that needs. */
  readonly settings: readonly Provider[];
}

/**
 * Brokers in a Nest app: injected by name, connected when it starts, drained and closed when it shuts down.
 *
 * For signals to shut it down in order, the app calls `app.enableShutdownHooks()`.
 */
// eslint-disable-next-line @typescript-eslint/no-extraneous-class -- to Nest, a module is a class
export class BrokerModule {
  /**
   * Brokers of which all is known.
   * @throws InvalidOptionError
   */
  static forRoot(options: BrokerModuleOptions | readonly BrokerModuleOptions[]): DynamicModule {
    return moduleOf(options, (each) => {
      checkRoot(each);
      return {
        name: each.name ?? defaultBroker,
        isGlobal: each.isGlobal ?? true,
        settings: [{ provide: settingsToken(each.name ?? defaultBroker), useFactory: () => each }],
      };
    });
  }

  /**
   * Brokers whose options come from other providers.
   * @throws InvalidOptionError
   */
  static forRootAsync(options: BrokerModuleAsyncOptions | readonly BrokerModuleAsyncOptions[]): DynamicModule {
    return moduleOf(options, (each) => {
      checkRootAsync(each);
      const name = each.name ?? defaultBroker;
      const { imports, isGlobal = true } = each;
      return { name, isGlobal, ...(imports !== undefined && { imports }), settings: asyncSettings(name, each) };
    });
  }

  /**
   * Sources and sinks to inject. What is wrong with their options is told when the app starts, before it connects.
   * @typeParam K - the types of the broker, such as `RabbitMqStreamTypes`, for options that not all have
   * @throws InvalidOptionError
   */
  static forFeature<K extends BrokerTypes = AnyBroker>(
    features: readonly BrokerFeature<K>[],
    options: FeatureModuleOptions = {},
  ): DynamicModule {
    checkFeatures(features, options);
    const providers = features.map((feature) => featureProvider(feature as BrokerFeature));
    const tokens = providers.map(({ provide }) => provide);
    const twice = tokens.find((token, index) => tokens.indexOf(token) !== index);
    if (twice !== undefined)
      throw new InvalidOptionError(`BrokerModule.forFeature(): the ${String(twice)} is here twice`);
    return dynamicModule({ imports: [...(options.imports ?? [])], providers, exports: tokens });
  }
}

function moduleOf<O>(options: O | readonly O[], toRoot: (options: O) => Root): DynamicModule {
  const roots = (Array.isArray(options) ? (options as readonly O[]) : [options as O]).map(toRoot);
  const made = roots.map(rootModule);
  const [only] = made;
  if (only === undefined)
    throw new InvalidOptionError('BrokerModule: the array of brokers is empty; give one at least');
  return made.length === 1 ? only : dynamicModule({ imports: made, exports: made });
}

function rootModule({ name, isGlobal, imports = [], settings }: Root): DynamicModule {
  const providers: Provider[] = [
    ...settings,
    {
      provide: getBrokerToken(name),
      useFactory: (registry: BrokerRegistry, given: BrokerSettings) =>
        registry.replace?.(name) ?? makeHandle(name, given),
      inject: [registryToken, settingsToken(name)],
    },
    {
      provide: managedToken(name),
      useFactory: (registry: BrokerRegistry, given: BrokerSettings, handle: Broker) =>
        registry.add(new ManagedBroker(name, handle, given)),
      inject: [registryToken, settingsToken(name), getBrokerToken(name)],
    },
  ];
  const exports = [getBrokerToken(name), managedToken(name), BrokerRegistryModule];
  return { ...dynamicModule({ imports: [...imports], providers, exports }), global: isGlobal };
}

function dynamicModule(parts: Omit<DynamicModule, 'module'>): DynamicModule {
  decorate();
  return {
    module: BrokerModule,
    ...parts,
    imports: [BrokerRegistryModule, ...((parts.imports as []) ?? [])],
    // Nest 10 takes modules that look alike for one, and does not see what a closure holds
    providers: [...(parts.providers ?? []), { provide: `rx-weir module ${++modules}`, useValue: modules }],
  };
}

/** Says to Nest what the classes are, when it is first needed: Nest may be missing when this file is loaded. */
function decorate(): void {
  if (decorated) return;
  const { Module } = nestCommon();
  Module({})(BrokerModule);
  Module({
    providers: [
      { provide: registryToken, useFactory: () => new BrokerRegistry() },
      {
        provide: BrokerHealthIndicator,
        useFactory: (registry: BrokerRegistry) => new BrokerHealthIndicator(registry),
        inject: [registryToken],
      },
    ],
    exports: [registryToken, BrokerHealthIndicator],
  })(BrokerRegistryModule);
  decorated = true;
}

async function makeHandle(name: string, { broker }: BrokerSettings): Promise<Broker> {
  if (typeof broker !== 'function') return broker;
  const handle: unknown = await broker();
  if (isBroker(handle)) return handle;
  throw new InvalidOptionError(
    `BrokerModule: the function that makes broker '${name}' must give a handle, such as natsStreaming(…)`,
  );
}

function asyncSettings(name: string, options: BrokerModuleAsyncOptions): Provider[] {
  const { useFactory, useClass, useExisting, inject = [] } = options;
  // where the handle is replaced, what it would be made of is not asked for: a spec has no password
  const provider = (tokens: readonly InjectionToken[], make: (...injected: unknown[]) => unknown): Provider => ({
    provide: settingsToken(name),
    useFactory: async (registry: BrokerRegistry, ...injected: unknown[]) =>
      registry.replace === undefined ? toSettings(name, (await make(...injected)) as BrokerSettings) : {},
    inject: [registryToken, ...tokens],
  });
  if (useFactory !== undefined) {
    return [provider(inject as readonly InjectionToken[], useFactory as (...injected: unknown[]) => unknown)];
  }
  const create = (factory: unknown): unknown => (factory as BrokerSettingsFactory).createBroker();
  if (useExisting !== undefined) return [provider([useExisting], create)];
  const token = `rx-weir settings class of broker '${name}'`;
  return [{ provide: token, useClass: useClass! }, provider([token], create)];
}

function featureProvider(feature: BrokerFeature): { provide: string } & Provider {
  const { broker = defaultBroker } = feature;
  const inject = [managedToken(broker)];
  if ('source' in feature && feature.source !== undefined) {
    const source: SourceFeature = feature;
    return {
      provide: getSourceToken(source.source, broker),
      useFactory: (managed: ManagedBroker) => managed.source(source),
      inject,
    };
  }
  const sink = feature as SinkFeature;
  return {
    provide: getSinkToken(sink.sink, broker),
    useFactory: (managed: ManagedBroker) => managed.sink(sink),
    inject,
  };
}
