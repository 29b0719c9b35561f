import type { MessageFields } from '../core/broker.js';
import { anything, checkOptions, count, either, flag, instance, required, text, type Shape } from '../core/check.js';
import { BaseDelivery, type Delivery } from '../core/delivery.js';
import type { Outcome } from './outcome.js';

/** What {@link fakeDelivery} takes. */
export interface FakeDeliveryOptions<T> {
  readonly value: T;
  /** @defaultValue 'fake' */
  readonly channel?: string | undefined;
  /** @defaultValue none */
  readonly offset?: number | bigint | undefined;
  /** @defaultValue none */
  readonly time?: Date | undefined;
  /** Text is encoded as UTF-8. */
  readonly key?: MessageFields['key'];
  readonly headers?: MessageFields['headers'];
  /** @defaultValue true for a copy and for one with `redeliveries`, else false */
  readonly redelivered?: boolean | undefined;
  /** @defaultValue none */
  readonly redeliveries?: number | undefined;
  /** The delivery whose copy this is: the two are settled together, as when a broker sends a message again. */
  readonly copyOf?: FakeDelivery<unknown> | undefined;
}

/** A delivery that no broker made. */
export interface FakeDelivery<T> extends Delivery<T> {
  /** What became of it. */
  readonly outcome: Outcome;
}

const shape: Shape<FakeDeliveryOptions<unknown>> = {
  value: required(anything()),
  channel: text(),
  offset: either(
    count({ min: 0, max: Number.MAX_SAFE_INTEGER }),
    instance((value) => typeof value === 'bigint' && value >= 0n, 'a bigint'),
  ),
  time: instance((value) => value instanceof Date, 'a Date'),
  key: either(
    instance((value) => value instanceof Uint8Array, 'a Uint8Array'),
    text({ empty: true }),
  ),
  headers: instance((value) => typeof value === 'object' && value !== null, 'a Map or an object'),
  redelivered: flag(),
  redeliveries: count({ min: 0 }),
  copyOf: instance((value) => value instanceof HandMade, 'a delivery made by fakeDelivery()'),
};

const encoder = new TextEncoder();
const noBytes = new Uint8Array(0);

/**
 * A delivery for specs of a function that takes one, without a broker. It behaves as those of the brokers do: `ack()` and
 * `release()` are idempotent, the first one counts, and copies are settled together.
 * @throws InvalidOptionError
 *
 * @example
 * ```ts
 * const order = fakeDelivery({ value: { id: 1 } });
 * await lastValueFrom(of(order).pipe(ackConcatMap(handle)));
 * assertAcked(order);
 * ```
 */
export function fakeDelivery<T>(options: FakeDeliveryOptions<T>): FakeDelivery<T> {
  checkOptions('fakeDelivery()', options, { ...shape, value: anything() });
  return new HandMade(options);
}

/** Deliveries of one channel with these values, with offsets from 1. */
export function fakeDeliveries<T>(
  values: Iterable<T>,
  options: Omit<FakeDeliveryOptions<T>, 'value' | 'offset' | 'copyOf'> = {},
): FakeDelivery<T>[] {
  return Array.from(values, (value, index) => fakeDelivery({ ...options, value, offset: index + 1 }));
}

class HandMade<T> extends BaseDelivery<T> implements FakeDelivery<T> {
  readonly channel: string;
  readonly redelivered: boolean;
  readonly redeliveries: number | undefined;
  readonly offsetKey: bigint;
  readonly timestamp: bigint | undefined;
  readonly payload: Uint8Array;
  private readonly given: FakeDeliveryOptions<T>;
  private readonly keyBytes: Uint8Array | undefined;
  private readonly headerMap: ReadonlyMap<string, unknown>;

  constructor(options: FakeDeliveryOptions<T>) {
    super();
    const { value, channel = 'fake', offset, time, key, headers = {}, redeliveries, copyOf } = options;
    this.given = options;
    this.decoded = value;
    this.payload = value instanceof Uint8Array ? value : noBytes;
    this.channel = channel;
    this.offsetKey = BigInt(offset ?? 0);
    this.timestamp = time === undefined ? undefined : BigInt(time.getTime()) * 1_000_000n;
    this.keyBytes = typeof key === 'string' ? encoder.encode(key) : key;
    this.headerMap = headers instanceof Map ? (headers as Map<string, unknown>) : new Map(Object.entries(headers));
    this.redeliveries = redeliveries;
    this.redelivered = options.redelivered ?? (copyOf !== undefined || (redeliveries ?? 0) > 0);
    if (copyOf !== undefined) this.first = (copyOf as HandMade<unknown>).first;
  }

  get outcome(): Outcome {
    return this.settled ? 'ack' : this.open ? 'open' : 'release';
  }

  override get offset(): bigint | undefined {
    return this.given.offset === undefined ? undefined : this.offsetKey;
  }

  override get key(): Uint8Array | undefined {
    return this.keyBytes;
  }

  override get headers(): ReadonlyMap<string, unknown> {
    return this.headerMap;
  }
}
