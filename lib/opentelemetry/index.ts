/**
 * Spans, links, propagation and metrics by OpenTelemetry's conventions for messaging, and metrics for Prometheus.
 *
 * @packageDocumentation
 */

export { contextOf } from './delivery-context.js';
export { instrument, type Instrumentable } from './instrument.js';
export type { InstrumentOptions } from './options.js';
export type {
  CounterSeries,
  GaugeSeries,
  HistogramSeries,
  Metric,
  MetricOptions,
  PrometheusClient,
  PrometheusRegistry,
} from './prometheus/client.js';
export { prometheus, type PrometheusMetrics, type PrometheusOptions } from './prometheus/prometheus.js';
export { durationBuckets } from './semconv.js';
export { traced, type TracedOptions } from './traced.js';
export { withSpan, type InSpan, type WithSpanOptions } from './with-span.js';
