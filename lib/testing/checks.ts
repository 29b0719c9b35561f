import type { Delivery } from '../core/delivery.js';
import type { ErrorCode } from '../core/errors.js';
import { AssertionError } from './assertion-error.js';
import { equal } from './equal.js';
import { isDelivery, outcomeOf, type Outcome } from './outcome.js';
import { show } from './show.js';
import type { PublishedOptions, TestBroker } from './test-broker.js';
import { valueOf } from './watched-delivery.js';

/** What a check found; the faces for the runners make of it what each wants. @internal */
export interface Verdict {
  readonly pass: boolean;
  /** Why it did not pass. */
  readonly message: string;
  /** Why it should not have passed. */
  readonly negated: string;
  readonly actual: unknown;
  readonly expected: unknown;
}

/** What was expected of a receipt: that it is one of success, or the code of its error. */
export type ReceiptWord = 'ok' | ErrorCode;

const words: Readonly<Record<Outcome, string>> = { open: 'open', ack: 'acked', release: 'released' };

/** @internal */
export function checkOutcome(subject: unknown, outcome: Outcome): Verdict {
  const expected = words[outcome];
  if (isDelivery(subject)) {
    const actual = words[outcomeOf(subject)];
    const which = describe(subject);
    return {
      pass: actual === expected,
      message: `expected ${which} to be ${expected}, but it is ${actual}`,
      negated: `expected ${which} not to be ${expected}`,
      actual,
      expected,
    };
  }
  const items = itemsOf(subject);
  if (items?.every(isDelivery) !== true) {
    wrong(`to be ${expected}`, 'a delivery, or a recording or an array of deliveries', subject, expected);
  }
  const actual = items.map((item) => words[outcomeOf(item)]);
  const odd = items.filter((_, index) => actual[index] !== expected);
  const others = odd.map((item) => `${describe(item)} is ${words[outcomeOf(item)]}`).slice(0, 5);
  return {
    // of nothing, nothing is true
    pass: items.length > 0 && odd.length === 0,
    message: `expected all deliveries to be ${expected}, but ${items.length === 0 ? 'there are none' : others.join('; ')}`,
    negated: `expected not all of the ${items.length} deliveries to be ${expected}`,
    actual,
    expected: items.map(() => expected),
  };
}

/** @internal */
export function checkDelivered(subject: unknown, expected: readonly unknown[]): Verdict {
  const items = isDelivery(subject) ? [subject] : itemsOf(subject);
  if (items === undefined) {
    wrong('to have delivered values', 'a recording or an array of deliveries', subject, expected);
  }
  return compare('to have delivered', items.map(valueOf), expected);
}

/** @internal */
export function checkPublished(
  subject: unknown,
  channel: string,
  expected: readonly unknown[],
  options?: PublishedOptions<unknown>,
): Verdict {
  const { published } = Object(subject) as { published?: unknown };
  if (typeof published !== 'function') {
    wrong(`to have published on '${channel}'`, 'a broker of testBroker()', subject, expected);
  }
  const broker = subject as TestBroker;
  const actual = options === undefined ? broker.published(channel) : broker.published(channel, options);
  return compare(`'${channel}' to hold`, actual, expected);
}

/** @internal */
export function checkReceipts(subject: unknown, expected: readonly ReceiptWord[]): Verdict {
  const items = itemsOf(subject);
  if (items?.every(isReceipt) !== true) {
    wrong('to have receipts', 'an array or a recording of receipts', subject, expected);
  }
  const verdict = compare(
    'receipts to be',
    items.map((receipt) => (receipt.ok ? 'ok' : (receipt.error?.code ?? 'failed'))),
    expected,
  );
  const reasons = items.filter((receipt) => !receipt.ok).map((receipt) => `\n  ${show(receipt.error)}`);
  return { ...verdict, message: verdict.message + reasons.slice(0, 5).join('') };
}

interface AnyReceipt {
  readonly ok: boolean;
  readonly error?: { readonly code?: string };
}

function isReceipt(value: unknown): value is AnyReceipt {
  return typeof (Object(value) as { ok?: unknown }).ok === 'boolean';
}

/** What an array, or a recording, holds. */
function itemsOf(subject: unknown): readonly unknown[] | undefined {
  if (Array.isArray(subject)) return subject as readonly unknown[];
  const { deliveries } = Object(subject) as { deliveries?: unknown };
  return Array.isArray(deliveries) ? (deliveries as readonly unknown[]) : undefined;
}

function compare(what: string, actual: readonly unknown[], expected: readonly unknown[]): Verdict {
  return {
    pass: equal(actual, expected),
    message: `expected ${what} ${show(expected)}, but got ${show(actual)}${difference(actual, expected)}`,
    negated: `expected not ${what} ${show(expected)}`,
    actual,
    expected,
  };
}

/** Where two lists part, in words that end a message. */
function difference(actual: readonly unknown[], expected: readonly unknown[]): string {
  if (!Array.isArray(expected)) return '; give an array of what is expected';
  const at = Array.from({ length: Math.max(actual.length, expected.length) }).findIndex(
    (_, index) => index >= actual.length || index >= expected.length || !equal(actual[index], expected[index]),
  );
  if (at < 0) return '';
  const bytes = actual[at] instanceof Uint8Array && !(expected[at] instanceof Uint8Array) && at < expected.length;
  const hint = bytes ? '; these are bytes: give a codec' : '';
  if (at >= actual.length) return `; the first that is missing is ${show(expected[at])}`;
  if (at >= expected.length) return `; the first too many is ${show(actual[at])}`;
  return `; they differ from index ${at} on: ${show(actual[at])} instead of ${show(expected[at])}${hint}`;
}

function describe(delivery: Delivery<unknown>): string {
  const { value, offset, channel } = delivery;
  const place = offset === undefined ? `of ${show(channel)}` : `at offset ${String(offset)} of ${show(channel)}`;
  return `the delivery of ${show(value)} ${place}`;
}

/** Fails whether negated or not: a check that is turned around must not pass because of a slip. */
function wrong(what: string, kind: string, actual: unknown, expected: unknown): never {
  throw new AssertionError(`expected ${kind} ${what}; got ${show(actual)}`, { actual, expected });
}
