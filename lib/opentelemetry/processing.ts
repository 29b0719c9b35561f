import { SpanStatusCode, type Attributes, type Context, type Span } from '@opentelemetry/api';
import type { Delivery } from '../core/delivery.js';
import { Wrapper, wrapperClasses } from '../core/wrapper.js';
import type { Expiring } from './open-spans.js';
import { attribute } from './semconv.js';
import type { Telemetry } from './telemetry.js';

/** The time that a program has a delivery for, from its emission to its settling. @internal */
export class Processing implements Expiring {
  readonly begun = performance.now();
  private ended = false;

  constructor(
    private readonly telemetry: Telemetry,
    readonly span: Span,
    /** What `next` runs in. */
    readonly context: Context,
    private readonly attributes: Attributes,
  ) {
    telemetry.open.add(this);
  }

  end(outcome: 'ack' | 'release' | 'abandoned'): void {
    if (this.ended) return;
    this.ended = true;
    const { open, instruments } = this.telemetry;
    open.delete(this);
    this.span.setAttribute(attribute.outcome, outcome);
    if (outcome === 'ack') this.span.setStatus({ code: SpanStatusCode.OK });
    this.span.end();
    const seconds = (performance.now() - this.begun) / 1000;
    instruments?.processDuration.record(seconds, { ...this.attributes, [attribute.outcome]: outcome });
  }

  abandon(): void {
    this.end('abandoned');
  }
}

/** A delivery that ends its span when it is settled. */
class TracedDelivery extends Wrapper {
  constructor(
    delivery: Delivery<unknown>,
    private readonly processing: Processing,
  ) {
    super(delivery);
  }

  override ack(): void {
    super.ack();
    this.processing.end('ack');
  }

  override release(): void {
    super.release();
    this.processing.end('release');
  }
}

const classOf = wrapperClasses(TracedDelivery, ['processing']);

/** The delivery, with all of its members. @internal */
export function withProcessing(delivery: Delivery<unknown>, processing: Processing): Delivery<unknown> {
  return new (classOf(delivery))(delivery, processing) as unknown as Delivery<unknown>;
}
