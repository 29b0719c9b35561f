import type { Broker } from '../../core/broker.js';
import { checkOptions, count, instance, list, required, text } from '../../core/check.js';
import { placeOf, type Delivery } from '../../core/delivery.js';
import type { Diagnostics } from '../../core/diagnostics.js';
import { UnsupportedError } from '../../core/errors.js';
import { ChannelMetrics } from './channels.js';
import type { PrometheusClient, PrometheusRegistry } from './client.js';
import { Handles } from './handles.js';
import { MetricMaker } from './metrics.js';

/** What `prometheus` takes. */
export interface PrometheusOptions {
  /** Where the metrics are registered: a `Registry` of `prom-client`, or its `register`. */
  readonly registry: PrometheusRegistry;
  /** The module `prom-client`. */
  readonly client: PrometheusClient;
  /**
   * What all names begin with.
   * @defaultValue 'rx_weir'
   */
  readonly prefix?: string | undefined;
  /** Handles that may have connected before this call. Those that connect later are found by themselves. */
  readonly brokers?: readonly Pick<Broker, 'status'>[] | undefined;
  /**
   * How many channels have series of their own, of all brokers together; those beyond share the channel `other`.
   * @defaultValue 200
   */
  readonly maxChannels?: number | undefined;
}

/** Metrics that are being kept. */
export interface PrometheusMetrics {
  /** Ends them, and takes them out of the registry. */
  stop(): void;
}

interface DiagnosticsModule {
  subscribe(name: string, listener: (message: unknown) => void): void;
  unsubscribe(name: string, listener: (message: unknown) => void): boolean;
}

/**
 * Keeps metrics of all brokers of this process, for Prometheus to scrape. It listens to what every handle tells on
 * `node:diagnostics_channel`, so that no handle has to be changed for it.
 *
 * @throws InvalidOptionError
 * @throws UnsupportedError in a page, where there is no such module
 *
 * @example
 * ```ts
 * import * as client from 'prom-client';
 *
 * const metrics = prometheus({ registry: client.register, client });
 * ```
 */
export function prometheus(options: PrometheusOptions): PrometheusMetrics {
  checkOptions<PrometheusOptions>('prometheus()', options, {
    registry: required(has('a registry of prom-client', 'removeSingleMetric')),
    client: required(has('the module prom-client', 'Counter', 'Gauge', 'Histogram')),
    prefix: text({ pattern: /^[a-zA-Z_:][a-zA-Z0-9_:]*$/, words: 'of letters, digits and _' }),
    brokers: list(has("a broker's handle", 'messages'), { empty: true }),
    maxChannels: count(),
  });
  const diagnostics = findDiagnostics();
  const { client, registry, prefix = 'rx_weir', brokers = [], maxChannels = 200 } = options;
  const make = new MetricMaker(client, registry, prefix);
  const channels = new ChannelMetrics(make, maxChannels);
  const handles = new Handles(make);
  for (const broker of brokers) handles.add(broker);
  const listeners = Object.entries(listenersFor(channels, handles)) as [string, (message: unknown) => void][];
  for (const [name, listener] of listeners) diagnostics.subscribe(name, listener);
  let stopped = false;
  return {
    stop: () => {
      if (stopped) return;
      stopped = true;
      for (const [name, listener] of listeners) diagnostics.unsubscribe(name, listener);
      make.remove();
    },
  };
}

type Listeners = { readonly [N in keyof Diagnostics]: (message: Diagnostics[N]) => void };

function listenersFor(channels: ChannelMetrics, handles: Handles): Listeners {
  /** When each began, in ms, by what the end tells again. */
  const publishings = new WeakMap<object, number>();
  const deliveries = new WeakMap<object, number>();
  const since = (begun: number): number => (performance.now() - begun) / 1000;
  return {
    'rx-weir:publish': ({ broker, channel, bytes, publishing }) => {
      const series = channels.of(broker, channel);
      series.count('published');
      series.count('publishedBytes', bytes);
      publishings.set(publishing, performance.now());
    },
    'rx-weir:receipt': ({ broker, channel, receipt, publishing }) => {
      const series = channels.of(broker, channel);
      if (receipt.ok) series.count('confirmed');
      else series.count('errors', 1, receipt.error.code);
      const begun = publishings.get(publishing);
      if (begun !== undefined) series.observe('publishSeconds', since(begun));
    },
    'rx-weir:delivery': ({ broker = unknown, channel, delivery, bytes }) => {
      const series = channels.of(broker, channel);
      series.count('consumed');
      series.count('consumedBytes', bytes);
      if (delivery.redelivered) series.count('redelivered');
      series.lag = ageOf(delivery) ?? series.lag;
      deliveries.set(placeOf(delivery), performance.now());
    },
    'rx-weir:settle': ({ broker = unknown, channel, delivery, outcome }) => {
      const series = channels.of(broker, channel);
      series.count('settled', 1, outcome);
      const begun = deliveries.get(placeOf(delivery));
      if (begun !== undefined) series.observe('processSeconds', since(begun));
    },
    'rx-weir:status': ({ broker, handle, status }) => {
      handles.status(broker, handle, status);
    },
    'rx-weir:event': ({ broker, event }) => {
      handles.event(broker, event);
    },
  };
}

const unknown = 'unknown';

/** Seconds since the broker stored it; clocks of two machines may differ, but nothing comes from the future. */
function ageOf(delivery: Delivery<unknown>): number | undefined {
  const time = delivery.time?.getTime();
  return time === undefined ? undefined : Math.max(0, (Date.now() - time) / 1000);
}

/** Asked of the process, not imported: pages load this module too. */
function findDiagnostics(): DiagnosticsModule {
  const { process } = globalThis as { process?: { getBuiltinModule?: (name: string) => unknown } };
  const found = process?.getBuiltinModule?.('node:diagnostics_channel');
  if (found !== undefined) return found as DiagnosticsModule;
  throw new UnsupportedError(
    'prometheus() needs node:diagnostics_channel, which is not there: it works in Node from 20.16 and 22.3 on; in a page, use instrument() with a meter',
  );
}

function has(words: string, ...names: readonly string[]): ReturnType<typeof instance> {
  return instance(
    (value) =>
      Object(value) === value && names.every((name) => typeof (value as Record<string, unknown>)[name] === 'function'),
    words,
  );
}
