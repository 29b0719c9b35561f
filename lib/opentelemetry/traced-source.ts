import {
  context,
  ROOT_CONTEXT,
  SpanKind,
  trace,
  type Attributes,
  type Context,
  type Link,
  type Span,
} from '@opentelemetry/api';
import { Observable, Subscriber } from 'rxjs';
import type { SourceOptions } from '../core/broker.js';
import { placeOf, type Delivery } from '../core/delivery.js';
import { sentContextOf, setContextOf } from './delivery-context.js';
import { Processing, withProcessing } from './processing.js';
import { attribute, operation } from './semconv.js';
import type { Telemetry } from './telemetry.js';

/** Deliveries of which each has a `process` span and is emitted in its context. @internal */
export function tracedSource(
  telemetry: Telemetry,
  options: SourceOptions,
  source: Observable<Delivery<unknown>>,
): Observable<Delivery<unknown>> {
  return new Observable((subscriber) =>
    source.subscribe(telemetry.live ? new TracedSource(subscriber, telemetry, options) : subscriber),
  );
}

class TracedSource extends Subscriber<Delivery<unknown>> {
  private readonly groups: Attributes = {};
  /** Those at work, by their place: a copy belongs to the span of its first. */
  private readonly processings = new WeakMap<object, Processing>();
  private channel: string | undefined;
  private attributes: Attributes = {};

  constructor(
    private readonly subscriber: Subscriber<Delivery<unknown>>,
    private readonly telemetry: Telemetry,
    { durable, queue }: SourceOptions,
  ) {
    super(subscriber);
    if (durable !== undefined) this.groups[attribute.subscription] = durable;
    if (queue !== undefined) this.groups[attribute.group] = queue;
  }

  protected override _next(delivery: Delivery<unknown>): void {
    const place = placeOf(delivery);
    const known = this.processings.get(place);
    if (known !== undefined) {
      known.span.addEvent('redelivered');
      this.emit(known.context, withProcessing(delivery, known));
      return;
    }
    const attributes = this.attributesFor(delivery.channel);
    const { tracer, instruments, propagates, traces, asChild } = this.telemetry;
    const sent = propagates ? sentContextOf(delivery) : ROOT_CONTEXT;
    // without a tracer there is no other trace that could be linked to the publisher's
    const parent = asChild || !traces ? sent : trace.deleteSpan(sent);
    const links = parent === sent ? [] : linksTo(sent);
    const name = `${operation.process.name} ${delivery.channel}`;
    const span = tracer.startSpan(name, { kind: SpanKind.CONSUMER, attributes, links }, parent);
    const its = trace.setSpan(parent, span);
    setContextOf(delivery, its);
    instruments?.consumed.add(1, attributes);
    if (span.isRecording()) describe(span, delivery);
    else if (instruments === undefined) {
      this.emit(its, delivery);
      return;
    }
    const processing = new Processing(this.telemetry, span, its, attributes);
    this.processings.set(place, processing);
    this.emit(its, withProcessing(delivery, processing));
  }

  private emit(its: Context, delivery: Delivery<unknown>): void {
    const { subscriber } = this;
    context.with(its, () => {
      subscriber.next(delivery);
    });
  }

  /** Nearly always the same as for the one before. */
  private attributesFor(channel: string): Attributes {
    if (channel !== this.channel) {
      this.channel = channel;
      this.attributes = this.telemetry.attributesOf(operation.process, channel, this.groups);
    }
    return this.attributes;
  }
}

function linksTo(sent: Context): Link[] {
  const its = trace.getSpanContext(sent);
  return its === undefined || !trace.isSpanContextValid(its) ? [] : [{ context: its }];
}

/** What only this message has. */
function describe(span: Span, delivery: Delivery<unknown>): void {
  const { offset, redelivered } = delivery;
  const { partition, id } = delivery as { readonly partition?: string | number; readonly id?: string | bigint };
  if (offset !== undefined) span.setAttribute(attribute.offset, String(offset));
  if (redelivered) span.setAttribute(attribute.redelivered, true);
  if (partition !== undefined) span.setAttribute(attribute.partition, String(partition));
  if (id !== undefined) span.setAttribute(attribute.messageId, String(id));
}
