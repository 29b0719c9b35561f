import { context, metrics, propagation, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { CompositePropagator, W3CBaggagePropagator, W3CTraceContextPropagator } from '@opentelemetry/core';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
  type DataPoint,
  type Histogram,
} from '@opentelemetry/sdk-metrics';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
  type ReadableSpan,
  type Sampler,
} from '@opentelemetry/sdk-trace-base';
import { until } from '../support/wait.js';

/** An SDK that keeps what it is given, registered for the whole process until `stop`. */
export class TelemetryKit {
  private readonly exporter = new InMemorySpanExporter();
  private readonly measured = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  readonly tracers: BasicTracerProvider;
  readonly meters: MeterProvider;
  private readonly reader = new PeriodicExportingMetricReader({
    exporter: this.measured,
    exportIntervalMillis: 3_600_000,
  });

  constructor(options: { readonly sampler?: Sampler; readonly propagator?: boolean } = {}) {
    this.tracers = new BasicTracerProvider({
      spanProcessors: [new SimpleSpanProcessor(this.exporter)],
      ...(options.sampler && { sampler: options.sampler }),
    });
    this.meters = new MeterProvider({ readers: [this.reader] });
    trace.setGlobalTracerProvider(this.tracers);
    metrics.setGlobalMeterProvider(this.meters);
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    if (options.propagator !== false) {
      const propagators = [new W3CTraceContextPropagator(), new W3CBaggagePropagator()];
      propagation.setGlobalPropagator(new CompositePropagator({ propagators }));
    }
  }

  /** The spans that have ended, of a name or all. */
  spans(name?: string): ReadableSpan[] {
    return this.exporter.getFinishedSpans().filter((span) => name === undefined || span.name === name);
  }

  /** Waits until so many of a name have ended. */
  async ended(name: string, count = 1): Promise<ReadableSpan[]> {
    await until(() => this.spans(name).length >= count, {
      message: () =>
        `${count} spans '${name}'; there are ${this.spans()
          .map((span) => span.name)
          .join(', ')}`,
    });
    return this.spans(name);
  }

  /** Waits for one, which has to be the only one of its name. */
  async one(name: string): Promise<ReadableSpan> {
    const [span, ...others] = await this.ended(name);
    if (span === undefined || others.length > 0) throw new Error(`there are ${others.length + 1} spans '${name}'`);
    return span;
  }

  /** The points of a metric. */
  async points(name: string): Promise<DataPoint<number | Histogram>[]> {
    await this.reader.forceFlush();
    const all =
      this.measured
        .getMetrics()
        .at(-1)
        ?.scopeMetrics.flatMap((scope) => scope.metrics) ?? [];
    return all.filter((metric) => metric.descriptor.name === name).flatMap((metric) => metric.dataPoints as never);
  }

  async stop(): Promise<void> {
    for (const api of [trace, metrics, context, propagation]) api.disable();
    await this.tracers.shutdown();
    await this.meters.shutdown();
  }
}
