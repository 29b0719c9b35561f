import { durationBuckets } from '../semconv.js';
import type {
  CounterSeries,
  GaugeSeries,
  HistogramSeries,
  Metric,
  MetricOptions,
  PrometheusClient,
  PrometheusRegistry,
} from './client.js';

/** Seconds. Those of the conventions, and some for what stays within a machine. */
const buckets = [0.0005, 0.001, 0.0025, ...durationBuckets];

/** Makes metrics, and takes them away again. @internal */
export class MetricMaker {
  private readonly names: string[] = [];

  constructor(
    private readonly client: PrometheusClient,
    private readonly registry: PrometheusRegistry,
    private readonly prefix: string,
  ) {}

  counter(name: string, help: string, labels: readonly string[]): Metric<CounterSeries> {
    return new this.client.Counter(this.options(name, help, labels));
  }

  /** @param collect - sets its values, at each scrape */
  gauge(name: string, help: string, labels: readonly string[], collect: (gauge: Metric<GaugeSeries>) => void): void {
    const gauge = new this.client.Gauge({
      ...this.options(name, help, labels),
      collect: () => {
        gauge.reset();
        collect(gauge);
      },
    });
  }

  histogram(name: string, help: string, labels: readonly string[]): Metric<HistogramSeries> {
    return new this.client.Histogram({ ...this.options(name, help, labels), buckets });
  }

  remove(): void {
    for (const name of this.names) this.registry.removeSingleMetric(name);
  }

  private options(name: string, help: string, labels: readonly string[]): MetricOptions {
    const full = `${this.prefix}_${name}`;
    this.names.push(full);
    return { name: full, help, labelNames: [...labels], registers: [this.registry as never] };
  }
}
