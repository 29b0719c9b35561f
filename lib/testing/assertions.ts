import type { Receipt } from '../core/broker.js';
import type { Delivery } from '../core/delivery.js';
import { AssertionError } from './assertion-error.js';
import {
  checkDelivered,
  checkOutcome,
  checkPublished,
  checkReceipts,
  type ReceiptWord,
  type Verdict,
} from './checks.js';
import type { Recording } from './recording.js';
import type { PublishedOptions, TestBroker } from './test-broker.js';
import type { ValueOf } from './watched-delivery.js';

/** A delivery; or several, of which each has to be so, and at least one has to be there. */
export type Deliveries = Delivery<unknown> | readonly Delivery<unknown>[] | Recording<Delivery<unknown>>;

/** @throws AssertionError unless the delivery, or each of them, was acked */
export function assertAcked(deliveries: Deliveries): void {
  assert(checkOutcome(deliveries, 'ack'));
}

/** @throws AssertionError unless the delivery, or each of them, was released */
export function assertReleased(deliveries: Deliveries): void {
  assert(checkOutcome(deliveries, 'release'));
}

/** @throws AssertionError unless the delivery, or each of them, is neither acked nor released */
export function assertOpen(deliveries: Deliveries): void {
  assert(checkOutcome(deliveries, 'open'));
}

/** @throws AssertionError unless these are the values that came, all of them, in this order */
export function assertDelivered<T>(recording: Recording<T> | readonly T[], values: readonly ValueOf<T>[]): void {
  assert(checkDelivered(recording, values));
}

/** @throws AssertionError unless these are the values that were published on the channel, all of them, in this order */
export function assertPublished<T>(
  broker: TestBroker,
  channel: string,
  values: readonly T[],
  options: PublishedOptions<T>,
): void;
export function assertPublished(broker: TestBroker, channel: string, values: readonly Uint8Array[]): void;
export function assertPublished(
  broker: TestBroker,
  channel: string,
  values: readonly unknown[],
  options?: PublishedOptions<unknown>,
): void {
  assert(checkPublished(broker, channel, values, options));
}

/**
 * @param expected - for each receipt `'ok'`, or the code of its error
 * @throws AssertionError unless these are the receipts, all of them, in this order
 */
export function assertReceipts(
  receipts: readonly Receipt<unknown>[] | Recording<Receipt<unknown>>,
  expected: readonly ReceiptWord[],
): void {
  assert(checkReceipts(receipts, expected));
}

function assert({ pass, message, actual, expected }: Verdict): void {
  if (!pass) throw new AssertionError(message, { actual, expected });
}
