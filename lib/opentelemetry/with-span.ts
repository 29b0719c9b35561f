import {
  context,
  SpanKind,
  SpanStatusCode,
  trace,
  type Attributes,
  type Context,
  type Span,
  type SpanOptions,
  type Tracer,
} from '@opentelemetry/api';
import { from, Observable, tap, type ObservableInput, type ObservedValueOf } from 'rxjs';
import { checkOptions, checkValue, either, func, instance, text } from '../core/check.js';
import type { Delivery } from '../core/delivery.js';
import { contextOf } from './delivery-context.js';
import { errorType } from './publication.js';
import { attribute } from './semconv.js';

/** What `withSpan` takes. */
export interface WithSpanOptions<D extends Delivery<unknown> = Delivery<unknown>> {
  /** Attributes of the span. */
  readonly attributes?: Attributes | ((delivery: D) => Attributes) | undefined;
  /** Where the span is made. Default: a tracer of the provider that is registered globally. */
  readonly tracer?: Tracer | undefined;
}

/** What work in a span gives: a Promise for a Promise, an Observable for anything else that is one or becomes one. */
export type InSpan<O> = O extends PromiseLike<infer V> ? Promise<V> : Observable<ObservedValueOf<O>>;

/**
 * Work on a delivery, in a span of its own that is a child of the delivery's `process` span, for `ackConcatMap`,
 * `ackMergeMap` and the operators of RxJS that take such a function. The span is active while the work begins, and in what
 * follows from that as far as the context manager follows it. It ends when the work does; work that fails marks it as an error.
 *
 * @param name - the span's, or a function that gives it: few names, not one a message
 * @param work - gets the delivery, and what else the operator gives
 * @throws InvalidOptionError
 *
 * @example
 * ```ts
 * broker.messages('orders', { codec: json<Order>() })
 *   .pipe(ackConcatMap(withSpan('charge', async (order) => card.charge(order.value.total))))
 *   .subscribe();
 * ```
 */
export function withSpan<D extends Delivery<unknown>, O extends ObservableInput<unknown>>(
  name: string | ((delivery: D) => string),
  work: (delivery: D, index: number) => O,
  options: WithSpanOptions<D> = {},
): (delivery: D, index: number) => InSpan<O> {
  checkValue('withSpan()', 'name', name, either(text(), func()));
  checkValue('withSpan()', 'work', work, func());
  checkOptions<WithSpanOptions<D>>('withSpan()', options, {
    attributes: instance(
      (value) => (typeof value === 'object' && value !== null) || typeof value === 'function',
      'an object with names and values, or a function that gives one',
    ),
    tracer: instance(
      (value) => typeof (value as Partial<Tracer> | null)?.startSpan === 'function',
      'a tracer of OpenTelemetry',
    ),
  });
  const { tracer, attributes } = options;
  return (delivery, index) => {
    const settings: SpanOptions = { kind: SpanKind.INTERNAL };
    if (attributes !== undefined)
      settings.attributes = typeof attributes === 'function' ? attributes(delivery) : attributes;
    const parent = contextOf(delivery);
    const called = typeof name === 'function' ? name(delivery) : name;
    const span = (tracer ?? trace.getTracer('rx-weir')).startSpan(called, settings, parent);
    const its = trace.setSpan(parent, span);
    return context.with(its, () => run(span, its, () => work(delivery, index))) as InSpan<O>;
  };
}

function run<O extends ObservableInput<unknown>>(span: Span, its: Context, work: () => O): unknown {
  try {
    const result = work();
    return isPromise(result) ? settle(span, result) : watch(span, its, from(result));
  } catch (error) {
    fail(span, error);
    throw error;
  }
}

async function settle(span: Span, result: PromiseLike<unknown>): Promise<unknown> {
  try {
    const value = await result;
    span.end();
    return value;
  } catch (error) {
    fail(span, error);
    throw error;
  }
}

/** Subscribed to in the context, too: that is when an Observable begins to work. */
function watch<T>(span: Span, its: Context, work: Observable<T>): Observable<T> {
  const watched = work.pipe(
    tap({
      error: (error: unknown) => {
        fail(span, error);
      },
      complete: () => {
        span.end();
      },
      unsubscribe: () => {
        span.setAttribute(attribute.outcome, 'cancelled');
        span.end();
      },
    }),
  );
  return new Observable((subscriber) => context.with(its, () => watched.subscribe(subscriber)));
}

function fail(span: Span, error: unknown): void {
  span.setAttribute(attribute.errorType, errorType(error));
  span.recordException(error instanceof Error ? error : String(error));
  span.setStatus({ code: SpanStatusCode.ERROR, message: error instanceof Error ? error.message : String(error) });
  span.end();
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null)?.then === 'function';
}
