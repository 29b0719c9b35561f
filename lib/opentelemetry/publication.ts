import { context, SpanKind, SpanStatusCode, trace, type Attributes, type Context, type Span } from '@opentelemetry/api';
import type { Receipt } from '../core/broker.js';
import { WeirError } from '../core/errors.js';
import { knownContextOf } from './delivery-context.js';
import { attribute, operation, otherError } from './semconv.js';
import type { Telemetry } from './telemetry.js';

/** One value on its way to the broker: its `publish` span and its part of the metrics. @internal */
export class Publication {
  /** The context that goes along with the message. */
  readonly context: Context;
  private readonly span: Span;
  private readonly begun = performance.now();
  private ended = false;

  /** @param attributes - see {@link publishAttributes} */
  constructor(
    private readonly telemetry: Telemetry,
    private readonly attributes: Attributes,
    channel: string,
    value: unknown,
  ) {
    const parent = parentOf(value);
    const name = `${operation.publish.name} ${channel}`;
    this.span = telemetry.tracer.startSpan(name, { kind: SpanKind.PRODUCER, attributes }, parent);
    this.context = trace.setSpan(parent, this.span);
  }

  end(receipt: Receipt<unknown>): void {
    if (!receipt.ok) {
      this.fail(receipt.error);
      return;
    }
    if (this.ended) return;
    if (this.span.isRecording()) {
      this.span.setAttribute(attribute.messageId, String(receipt.id));
      if (receipt.offset !== undefined) this.span.setAttribute(attribute.offset, String(receipt.offset));
    }
    this.close(this.attributes);
  }

  fail(error: unknown): void {
    if (this.ended) return;
    const type = errorType(error);
    this.span.setAttribute(attribute.errorType, type);
    this.span.setStatus({
      code: SpanStatusCode.ERROR,
      message: error instanceof Error ? error.message : String(error),
    });
    this.close({ ...this.attributes, [attribute.errorType]: type });
  }

  /** Nobody will hear what became of it: who published has unsubscribed. */
  abandon(): void {
    if (this.ended) return;
    this.ended = true;
    this.span.setAttribute(attribute.outcome, 'abandoned');
    this.span.end();
  }

  private close(attributes: Attributes): void {
    this.ended = true;
    this.span.end();
    const { instruments } = this.telemetry;
    if (instruments === undefined) return;
    instruments.operationDuration.record((performance.now() - this.begun) / 1000, attributes);
    instruments.sent.add(1, attributes);
  }
}

/** A delivery that is published elsewhere goes on with its own trace, in whose turn ever it is sent. */
function parentOf(value: unknown): Context {
  const active = context.active();
  const known = knownContextOf(value);
  if (known === undefined || traceId(known) === traceId(active)) return active;
  return known;
}

function traceId(of: Context): string | undefined {
  return trace.getSpanContext(of)?.traceId;
}

/** @internal */
export function publishAttributes(telemetry: Telemetry, channel: string): Attributes {
  return telemetry.attributesOf(operation.publish, channel);
}

/** `error.type` of what went wrong: this package's code, else the name of the error's class. @internal */
export function errorType(error: unknown): string {
  if (error instanceof WeirError) return error.code;
  return error instanceof Error ? error.name : otherError;
}
