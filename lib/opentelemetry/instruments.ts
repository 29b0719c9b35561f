import type { Counter, Histogram, Meter } from '@opentelemetry/api';
import { durationBuckets, metric } from './semconv.js';

/** The metrics of the conventions. @internal */
export interface Instruments {
  readonly operationDuration: Histogram;
  readonly sent: Counter;
  readonly consumed: Counter;
  readonly processDuration: Histogram;
}

/** @internal */
export function makeInstruments(meter: Meter): Instruments {
  const seconds = (name: string, description: string): Histogram =>
    meter.createHistogram(name, {
      description,
      unit: 's',
      advice: { explicitBucketBoundaries: [...durationBuckets] },
    });
  const messages = (name: string, description: string): Counter =>
    meter.createCounter(name, { description, unit: '{message}' });
  return {
    operationDuration: seconds(metric.operationDuration, 'From the acceptance of a value to its receipt.'),
    sent: messages(metric.sent, 'Values that have their receipt, failed ones too.'),
    consumed: messages(metric.consumed, 'Deliveries that were handed to the program.'),
    processDuration: seconds(metric.processDuration, 'From the emission of a delivery to its settling.'),
  };
}
