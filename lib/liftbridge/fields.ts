import type { MessageFields } from '../core/broker.js';
import { instance, oneOf, text, type Checker, type Shape } from '../core/check.js';
import { InvalidOptionError } from '../core/errors.js';
import { encodeText } from '../core/wire/text.js';
import { partitionNumber } from './names.js';

/**
 * When a message is confirmed: when its partition's leader has written it (`leader`), when all replicas that are in sync have
 * (`all`), or never (`none`).
 */
export type AckPolicy = 'leader' | 'all' | 'none';

/** Names and values of headers. A string goes out as UTF-8. */
export type LiftbridgeHeaders =
  ReadonlyMap<string, string | Uint8Array> | Readonly<Record<string, string | Uint8Array>>;

/** What goes out beside the value on a Liftbridge stream. */
export interface LiftbridgeFields extends MessageFields {
  /** What a compacted stream keeps the last message of, and what `byKey()` spreads by. A string goes out as UTF-8. */
  readonly key?: Uint8Array | string | undefined;
  /** The names `subject` and `reply` are the server's own and not accepted. */
  readonly headers?: LiftbridgeHeaders | undefined;
  /** The partition, 0 or more, instead of what the sink's `partition` gives. */
  readonly partition?: number | undefined;
  /** Instead of the sink's. */
  readonly ackPolicy?: AckPolicy | undefined;
  /**
   * What the message is called in its ack and its receipt; not stored with it. No other that waits for its ack may have the
   * same. Default: made here.
   */
  readonly correlationId?: string | undefined;
  /** The same as `correlationId`. */
  readonly id?: string | undefined;
  /**
   * The offset that the message has to get, in a stream with optimistic concurrency control; other streams do not look at it.
   * -1, as undefined: any.
   */
  readonly expectedOffset?: bigint | number | undefined;
}

const maxOffset = 2n ** 63n - 1n;
const reserved: readonly string[] = ['subject', 'reply'];

/** @internal */
export const keyChecker: Checker = instance(
  (value) => typeof value === 'string' || value instanceof Uint8Array,
  'a string or a Uint8Array',
);

/** @internal */
export const headersChecker: Checker = {
  accepts: 'a Map or an object whose values are strings or bytes',
  problem(name, value) {
    if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof Uint8Array) {
      return `${name} must be ${this.accepts}`;
    }
    for (const [key, each] of entriesOf(value as LiftbridgeHeaders)) {
      if (typeof key !== 'string') return `${name} must have names that are strings`;
      if (reserved.includes(key)) {
        return `${name} must not have the name '${key}', in which the server puts its own; take another name`;
      }
      if (typeof each !== 'string' && !((each as unknown) instanceof Uint8Array)) {
        return `${name}.${key} must be a string or a Uint8Array; got ${kindOf(each)}; make one of the two of it`;
      }
    }
    return undefined;
  },
};

/** @internal */
export const ackPolicyChecker: Checker = oneOf('leader', 'all', 'none');

/** @internal */
export const correlationIdChecker: Checker = text();

/** @internal */
export const expectedOffsetChecker: Checker = instance((value) => {
  if (typeof value === 'bigint') return value >= -1n && value <= maxOffset;
  return Number.isSafeInteger(value) && (value as number) >= -1;
}, 'a bigint or a safe integer, 0 or more, or -1 for any');

/** @internal */
export const fieldsShape: Shape<LiftbridgeFields> = {
  key: keyChecker,
  headers: headersChecker,
  partition: partitionNumber,
  ackPolicy: ackPolicyChecker,
  correlationId: correlationIdChecker,
  id: correlationIdChecker,
  expectedOffset: expectedOffsetChecker,
};

/**
 * Refuses fields that don't go together. The sink's `ackPolicy` counts where the message has none of its own.
 * @param where - the call, as its caller wrote it
 * @throws InvalidOptionError
 * @internal
 */
export function checkFieldCombinations(
  where: string,
  { id, correlationId, expectedOffset, ackPolicy }: LiftbridgeFields,
): void {
  const refuse = (problem: string): never => {
    throw new InvalidOptionError(`${where}: ${problem}`, { broker: 'liftbridge' });
  };
  if (id !== undefined && correlationId !== undefined && id !== correlationId) {
    refuse('id and correlationId are both given and differ; they are the same thing, so leave one out');
  }
  if (ackPolicy === 'none' && expectsOffset(expectedOffset)) {
    refuse("expectedOffset needs an ack, and ackPolicy is 'none'; take 'leader' or 'all'");
  }
}

/** Whether a partition's number could be one. @internal */
export function isPartition(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 0x7fff_ffff;
}

/** Whether an offset is expected at all. @internal */
export function expectsOffset(expectedOffset: bigint | number | undefined): expectedOffset is bigint | number {
  return expectedOffset !== undefined && expectedOffset >= 0;
}

/** @internal */
export function keyBytes(key: Uint8Array | string | undefined): Uint8Array | undefined {
  return typeof key === 'string' ? encodeText(key) : key;
}

/** Headers as the wire has them. @internal */
export function* headerEntries(headers: LiftbridgeHeaders): Generator<[string, Uint8Array]> {
  for (const [name, value] of entriesOf(headers)) yield [name, typeof value === 'string' ? encodeText(value) : value];
}

function entriesOf(headers: LiftbridgeHeaders): Iterable<[string, string | Uint8Array]> {
  // a Map of another realm is one too
  return Symbol.iterator in headers ? headers : Object.entries(headers);
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
