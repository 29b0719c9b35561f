import type { Decoder } from './codec.js';
import { settleTold } from './diagnostics.js';
import { DecodeError, type BrokerName } from './errors.js';
import type { Lane } from './lane.js';
import type { OffsetKey } from './offset.js';

/**
 * A message in the hands of an operator, and the handle that settles it. It stays valid after the Observable ended:
 * what was emitted can be acked until the handle of the broker closes or a new subscription takes the same durable.
 */
export interface Delivery<T = Uint8Array> {
  /** Decoded by the source's codec; without one, the bytes. */
  readonly value: T;
  /** The subject, stream or topic it came on. */
  readonly channel: string;
  /** Sequence or offset in the channel, unsigned 64 bit. */
  readonly offset: bigint | undefined;
  /** When the broker stored it. A new Date at each access. */
  readonly time: Date | undefined;
  /** The same in nanoseconds since the Unix epoch, where the wire has it. */
  readonly timestamp: bigint | undefined;
  /** The message's key, where the broker has one. */
  readonly key: Uint8Array | undefined;
  /** The message's headers; empty where the broker has none. */
  readonly headers: ReadonlyMap<string, unknown>;
  /** Whether the broker has sent it before; not whether this program saw it. */
  readonly redelivered: boolean;
  /** How often the broker has sent it again, where the wire counts. */
  readonly redeliveries: number | undefined;
  /** Whether it, or a copy of it, was acked. */
  readonly settled: boolean;
  /** "I am done with it." Idempotent, never throws. */
  ack(): void;
  /** "I will not settle this": gives its place in the window back; the broker may send it again. Idempotent, never throws. */
  release(): void;
  /** A shape that survives `JSON.stringify`. */
  toJSON(): Record<string, unknown>;
}

/**
 * The key under which a delivery tells the place that it holds in its window. Copies of one offset hold one place, and
 * wrappers (`mapValue`, the handles of `hot`) tell their own: operators use it to know a copy of what they work on.
 */
export const place: unique symbol = Symbol.for('rx-weir.delivery.place') as never;

/** The place of any delivery, also of one made by hand in a user's spec: the object itself then. @internal */
export function placeOf(delivery: object): object {
  return (delivery as { readonly [place]?: object })[place] ?? delivery;
}

/** Who is told when a place in the window comes free. @internal */
export interface PlaceOwner {
  settled(first: BaseDelivery<unknown>): void;
  released(first: BaseDelivery<unknown>): void;
}

const undecoded = Symbol('undecoded');
const inspect = Symbol.for('nodejs.util.inspect.custom');
const noHeaders: ReadonlyMap<string, unknown> = new Map();

/**
 * What the deliveries of all brokers share: one place however many copies, and a value that is decoded once.
 * The first delivery of an offset is itself the record of its place, so that a message costs one object.
 * @internal
 */
export abstract class BaseDelivery<T> implements Delivery<T> {
  /** The delivery that holds the place: this one, or the first of which this is a copy. */
  first: BaseDelivery<unknown> = this;
  /** Who is told; undefined until the source takes it in. */
  owner: PlaceOwner | undefined = undefined;
  /** The log within the source that its offset belongs to. */
  lane: Lane | undefined = undefined;
  private state: 'open' | 'settled' | 'released' = 'open';
  protected decoded: unknown = undecoded;

  abstract readonly channel: string;
  /** The offset as the hot path keeps it. */
  abstract readonly offsetKey: OffsetKey;
  abstract readonly redelivered: boolean;
  abstract readonly redeliveries: number | undefined;
  abstract readonly timestamp: bigint | undefined;
  /** The message's bytes, as they are on the wire. */
  abstract readonly payload: Uint8Array;

  get value(): T {
    return (this.decoded === undecoded ? this.payload : this.decoded) as T;
  }

  /** How large it is, without a look into it: a broker whose messages have an inside counts that too. */
  get wireBytes(): number {
    return this.payload.length;
  }

  get offset(): bigint | undefined {
    return BigInt(this.offsetKey);
  }

  get time(): Date | undefined {
    const ns = this.timestamp;
    return ns === undefined ? undefined : new Date(Number(ns / 1_000_000n));
  }

  get key(): Uint8Array | undefined {
    return undefined;
  }

  get headers(): ReadonlyMap<string, unknown> {
    return noHeaders;
  }

  get settled(): boolean {
    return this.first.state === 'settled';
  }

  /** Whose it is, for errors. */
  get broker(): BrokerName | undefined {
    return undefined;
  }

  /** Neither settled nor released. */
  get open(): boolean {
    return this.first.state === 'open';
  }

  get [place](): object {
    return this.first;
  }

  ack(): void {
    const first = this.first;
    if (first.state !== 'open') return;
    first.state = 'settled';
    if (settleTold.hasSubscribers) tellSettled(first, 'ack');
    first.owner?.settled(first);
  }

  release(): void {
    const first = this.first;
    if (first.state !== 'open') return;
    first.state = 'released';
    if (settleTold.hasSubscribers) tellSettled(first, 'release');
    first.owner?.released(first);
  }

  /** Makes the value with the codec. Throws `DecodeError`. */
  decode(codec: Decoder<unknown>): void {
    try {
      this.decoded = codec.decode(this.bytesFor(codec), this);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      // a codec of this package has said what is wrong already: its own cause is the one to keep
      const root = cause instanceof DecodeError && cause.cause !== undefined ? cause.cause : cause;
      throw new DecodeError(`cannot decode the message ${this.whereabouts}: ${reason}`, {
        broker: this.broker,
        cause: root,
      });
    }
  }

  /** Which message it is, in the words of an error. */
  protected get whereabouts(): string {
    return `at offset ${String(this.offsetKey)} of '${this.channel}'`;
  }

  /** What a codec reads: the payload, but for codecs that read whole messages. */
  protected bytesFor(_codec: Decoder<unknown>): Uint8Array {
    return this.payload;
  }

  toJSON(): Record<string, unknown> {
    const { channel, offset, time, redelivered, redeliveries, settled, value } = this;
    return {
      channel,
      offset: offset?.toString(),
      time: time?.toISOString(),
      redelivered,
      redeliveries,
      settled,
      value: jsonValue(value),
    };
  }

  [inspect](): Record<string, unknown> {
    return { ...this.toJSON(), value: this.value };
  }
}

function tellSettled(delivery: BaseDelivery<unknown>, outcome: 'ack' | 'release'): void {
  const { broker, channel } = delivery;
  settleTold.publish({ broker, channel, delivery, outcome });
}

/**
 * Bytes as text where they are UTF-8, else as an array of numbers would be unreadable: as their length. What a codec of
 * the user's made may hold what JSON has no word for.
 */
function jsonValue(value: unknown): unknown {
  if (!(value instanceof Uint8Array)) return survives(value) ? value : plain(value);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(value);
  } catch {
    return { bytes: value.length };
  }
}

function survives(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return typeof value !== 'bigint';
  try {
    JSON.stringify(value);
    return true;
  } catch {
    return false;
  }
}

/** Bigints as strings; where even that cannot be said, what kind of value it is. */
function plain(value: unknown): unknown {
  try {
    return JSON.parse(JSON.stringify(value, (_, each: unknown) => (typeof each === 'bigint' ? String(each) : each)));
  } catch {
    return Object.prototype.toString.call(value);
  }
}
