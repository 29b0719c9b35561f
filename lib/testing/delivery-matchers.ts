import {
  checkDelivered,
  checkOutcome,
  checkPublished,
  checkReceipts,
  type ReceiptWord,
  type Verdict,
} from './checks.js';
import type { PublishedOptions } from './test-broker.js';

/** What a matcher gives back to jest or vitest. */
export interface MatcherResult {
  readonly pass: boolean;
  /** Why it failed; where it passed, why `.not` fails. */
  message(): string;
  readonly actual: unknown;
  readonly expected: unknown;
}

/**
 * The matchers as `expect(…)` has them, for the declaration that tells TypeScript of them.
 * @typeParam R - what a matcher returns there
 */
export interface DeliveryMatchers<R = unknown> {
  /** The delivery, or each of a recording, was acked. */
  toBeAcked(): R;
  /** The delivery, or each of a recording, was released. */
  toBeReleased(): R;
  /** The delivery, or each of a recording, is neither acked nor released. */
  toBeOpen(): R;
  /** These are the values that came, all of them, in this order. */
  toHaveDelivered(values: readonly unknown[]): R;
  /** These are the values that were published on a channel of a `testBroker()`, all of them, in this order. */
  toHavePublished(channel: string, values: readonly unknown[], options?: PublishedOptions<unknown>): R;
  /** These are the receipts: for each `'ok'`, or the code of its error. */
  toHaveReceipts(receipts: readonly ReceiptWord[]): R;
}

/** What jest and vitest call: the same checks, with the value that `expect` was given first. */
export type MatcherFunctions = {
  readonly [K in keyof DeliveryMatchers]: (
    received: unknown,
    ...expected: Parameters<DeliveryMatchers[K]>
  ) => MatcherResult;
};

/** Matchers for jest and vitest: `expect.extend(deliveryMatchers)`. */
export const deliveryMatchers: MatcherFunctions = {
  toBeAcked: (received) => result(checkOutcome(received, 'ack')),
  toBeReleased: (received) => result(checkOutcome(received, 'release')),
  toBeOpen: (received) => result(checkOutcome(received, 'open')),
  toHaveDelivered: (received, values) => result(checkDelivered(received, values)),
  toHavePublished: (received, channel, values, options) => result(checkPublished(received, channel, values, options)),
  toHaveReceipts: (received, receipts) => result(checkReceipts(received, receipts)),
};

function result({ pass, message, negated, actual, expected }: Verdict): MatcherResult {
  return { pass, message: () => (pass ? negated : message), actual, expected };
}
