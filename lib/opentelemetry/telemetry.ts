import {
  createNoopMeter,
  metrics,
  propagation,
  trace,
  type Attributes,
  type Meter,
  type MeterProvider,
  type Tracer,
  type TracerProvider,
} from '@opentelemetry/api';
import { carries, type Carriage } from '../core/carriage.js';
import { makeInstruments, type Instruments } from './instruments.js';
import { OpenSpans } from './open-spans.js';
import type { InstrumentOptions } from './options.js';
import { attribute, systemOf, type Operation } from './semconv.js';

/** What the tracer and the meter are called. */
const scope = 'rx-weir';
/** Where OpenTelemetry's API keeps all that is registered, for all copies of it in the process. */
const registered = Symbol.for('opentelemetry.js.api.1');
/** Milliseconds. */
const defaultSpanTimeout = 300_000;

/** The provider that the API has while none is registered: it hands on to the one that will be. */
type Proxying = TracerProvider & { getDelegateTracer?(name: string): Tracer | undefined };

/** What one instrumented handle makes spans and metrics with. @internal */
export class Telemetry {
  readonly open: OpenSpans;
  /** Whether a message has headers to put a context into. */
  readonly hasHeaders: boolean;
  /** Whether a `process` span is a child of the span that published. */
  readonly asChild: boolean;
  private readonly base: Attributes;
  private tracers: TracerProvider | undefined;
  private tracing: TracerProvider | undefined;
  private madeTracer: Tracer | undefined;
  private meters: MeterProvider | Meter | undefined;
  private madeInstruments: Instruments | undefined;

  constructor(
    handle: object,
    private readonly options: InstrumentOptions,
  ) {
    const { attributes, parent = 'link', spanTimeout = defaultSpanTimeout } = options;
    const system = systemOf(brokerOf(handle));
    this.base = { [attribute.system]: system, [attribute.systemName]: system, ...attributes };
    this.asChild = parent === 'parent';
    this.hasHeaders = (handle as { readonly [carries]?: Carriage })[carries]?.headers ?? true;
    this.open = new OpenSpans(spanTimeout);
  }

  /** Whether anything of it is of use to anybody; if not, messages take the direct way. */
  get live(): boolean {
    const { tracer, tracerProvider, meter, meterProvider } = this.options;
    if (tracer !== undefined || tracerProvider !== undefined) return true;
    if (meter !== undefined || meterProvider !== undefined) return true;
    // asked for each value that is published: three questions to the API would cost it some percent
    if (!(registered in globalThis)) return false;
    return this.traces || this.instruments !== undefined || (this.propagates && propagation.fields().length > 0);
  }

  get propagates(): boolean {
    return this.options.propagate !== false;
  }

  /** Whether spans go anywhere. */
  get traces(): boolean {
    if (this.options.tracer !== undefined || this.options.tracerProvider !== undefined) return true;
    const provider = trace.getTracerProvider() as Proxying;
    if (provider === this.tracing) return true;
    if (provider.getDelegateTracer !== undefined && provider.getDelegateTracer(scope) === undefined) return false;
    this.tracing = provider;
    return true;
  }

  get tracer(): Tracer {
    const { tracer, tracerProvider = trace.getTracerProvider() } = this.options;
    if (tracer !== undefined) return tracer;
    if (tracerProvider !== this.tracers || this.madeTracer === undefined) {
      this.tracers = tracerProvider;
      this.madeTracer = tracerProvider.getTracer(scope);
    }
    return this.madeTracer;
  }

  /** Undefined where metrics go nowhere. */
  get instruments(): Instruments | undefined {
    const { meter, meterProvider = metrics.getMeterProvider() } = this.options;
    const from = meter ?? meterProvider;
    if (from !== this.meters) {
      this.meters = from;
      const its = meter ?? meterProvider.getMeter(scope);
      this.madeInstruments = its === createNoopMeter() ? undefined : makeInstruments(its);
    }
    return this.madeInstruments;
  }

  /** What every span and metric of an operation says. */
  attributesOf({ name, type }: Operation, channel: string, more?: Attributes): Attributes {
    return {
      ...this.base,
      [attribute.operationName]: name,
      [attribute.operationType]: type,
      [attribute.destination]: channel,
      ...more,
    };
  }
}

/** Handles of this package say whose they are; one made by hand need not. */
function brokerOf(handle: object): string | undefined {
  const { toJSON } = handle as { toJSON?: () => unknown };
  if (typeof toJSON !== 'function') return undefined;
  const { broker } = (toJSON.call(handle) ?? {}) as { broker?: unknown };
  return typeof broker === 'string' ? broker : undefined;
}
