/**
 * What is needed of a client for Prometheus, which is `prom-client`'s: it is never imported here, so that nobody has to
 * install it.
 */

/** What a metric is made of. */
export interface MetricOptions {
  readonly name: string;
  readonly help: string;
  readonly labelNames: string[];
  readonly registers: never[];
  readonly buckets?: number[];
  /** Called at each scrape. */
  readonly collect?: () => void;
}

/** A metric with labels. */
export interface Metric<C> {
  /** The series with these values for its labels, in their order. */
  labels(...values: string[]): C;
}

/** Counts. */
export interface CounterSeries {
  inc(value?: number): void;
}

/** Goes up and down. */
export interface GaugeSeries {
  set(value: number): void;
}

/** Sorts durations into buckets. */
export interface HistogramSeries {
  observe(seconds: number): void;
}

/** The module `prom-client`, or what has these classes like it. */
export interface PrometheusClient {
  readonly Counter: new (options: MetricOptions) => Metric<CounterSeries>;
  readonly Gauge: new (options: MetricOptions) => Metric<GaugeSeries> & { reset(): void };
  readonly Histogram: new (options: MetricOptions) => Metric<HistogramSeries>;
}

/** A `Registry` of `prom-client`. */
export interface PrometheusRegistry {
  removeSingleMetric(name: string): void;
}
