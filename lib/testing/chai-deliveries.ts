import {
  checkDelivered,
  checkOutcome,
  checkPublished,
  checkReceipts,
  type ReceiptWord,
  type Verdict,
} from './checks.js';
import type { PublishedOptions } from './test-broker.js';

/** What the plugin needs of an assertion of chai. */
export interface ChaiAssertion {
  assert(
    pass: boolean,
    message: string,
    negatedMessage: string,
    expected?: unknown,
    actual?: unknown,
    showDiff?: boolean,
  ): void;
}

/** What the plugin needs of chai. */
export interface ChaiLike {
  readonly Assertion: {
    addProperty(name: string, getter: (this: ChaiAssertion) => void): void;
    addMethod(name: string, method: (this: ChaiAssertion, ...expected: unknown[]) => void): void;
  };
}

/** What the plugin needs of chai's utilities. */
export interface ChaiUtilsLike {
  flag(assertion: object, name: string): unknown;
}

/**
 * The assertions as `expect(…)` has them, for the declaration that tells TypeScript of them.
 * @typeParam A - what an assertion returns there
 */
export interface DeliveryAssertions<A = unknown> {
  /** The delivery, or each of a recording, was acked. */
  readonly acked: A;
  /** The delivery, or each of a recording, was released. */
  readonly released: A;
  /** The delivery, or each of a recording, is neither acked nor released. */
  readonly open: A;
  /** These are the values that came, all of them, in this order. */
  delivered(values: readonly unknown[]): A;
  /** These are the values that were published on a channel of a `testBroker()`, all of them, in this order. */
  published(channel: string, values: readonly unknown[], options?: PublishedOptions<unknown>): A;
  /** These are the receipts: for each `'ok'`, or the code of its error. */
  receipts(expected: readonly ReceiptWord[]): A;
}

/** A plugin of chai: `chai.use(chaiDeliveries)`, then `expect(delivery).to.be.acked`. */
export function chaiDeliveries({ Assertion }: ChaiLike, utils: ChaiUtilsLike): void {
  const subjectOf = (assertion: ChaiAssertion): unknown => utils.flag(assertion, 'object');
  const outcomes = { acked: 'ack', released: 'release', open: 'open' } as const;
  for (const [name, outcome] of Object.entries(outcomes)) {
    Assertion.addProperty(name, function () {
      say(this, checkOutcome(subjectOf(this), outcome));
    });
  }
  Assertion.addMethod('delivered', function (values) {
    say(this, checkDelivered(subjectOf(this), values as readonly unknown[]));
  });
  Assertion.addMethod('published', function (channel, values, options) {
    const given = options as PublishedOptions<unknown> | undefined;
    say(this, checkPublished(subjectOf(this), channel as string, values as readonly unknown[], given));
  });
  Assertion.addMethod('receipts', function (expected) {
    say(this, checkReceipts(subjectOf(this), expected as readonly ReceiptWord[]));
  });
}

function say(assertion: ChaiAssertion, { pass, message, negated, actual, expected }: Verdict): void {
  assertion.assert(pass, message, negated, expected, actual, true);
}
