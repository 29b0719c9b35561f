import type { Attributes, Meter, MeterProvider, Tracer, TracerProvider } from '@opentelemetry/api';
import { duration, flag, instance, oneOf, type Shape } from '../core/check.js';

/** What `instrument` takes. */
export interface InstrumentOptions {
  /** Where spans are made. Default: a tracer of `tracerProvider`. */
  readonly tracer?: Tracer | undefined;
  /** Default: the one that is registered globally, also when that is done later. */
  readonly tracerProvider?: TracerProvider | undefined;
  /** Where metrics are made. Default: a meter of `meterProvider`. */
  readonly meter?: Meter | undefined;
  /** Default: the one that is registered globally, also when that is done later. */
  readonly meterProvider?: MeterProvider | undefined;
  /**
   * Whether the context goes out in the headers of messages, and is read from them, by the propagator that is registered
   * globally.
   * @defaultValue true
   */
  readonly propagate?: boolean | undefined;
  /**
   * How a `process` span stands to the span that published the message: as a trace of its own with a link to it, or as its
   * child in the same trace.
   * @defaultValue 'link'
   */
  readonly parent?: 'link' | 'parent' | undefined;
  /** Attributes of every span and metric, such as `server.address`. Few values each: metrics keep a series for each. */
  readonly attributes?: Attributes | undefined;
  /**
   * Milliseconds after which the `process` span of a delivery that nobody settled is ended.
   * @defaultValue 300 000
   */
  readonly spanTimeout?: number | undefined;
}

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null;
const having = (name: string, words: string) =>
  instance(
    (value) => isObject(value) && typeof (value as Record<string, unknown>)[name] === 'function',
    `${words} of OpenTelemetry (an object with ${name})`,
  );

/** @internal */
export const instrumentShape: Shape<InstrumentOptions> = {
  tracer: having('startSpan', 'a tracer'),
  tracerProvider: having('getTracer', 'a tracer provider'),
  meter: having('createHistogram', 'a meter'),
  meterProvider: having('getMeter', 'a meter provider'),
  propagate: flag(),
  parent: oneOf('link', 'parent'),
  attributes: instance((value) => isObject(value) && !Array.isArray(value), 'an object with names and values'),
  spanTimeout: duration({ min: 1 }),
};
