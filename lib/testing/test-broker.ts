import type { SchedulerLike } from 'rxjs';
import { anything, checkOptions, count, either, instance, oneOf, type Shape } from '../core/check.js';
import { schedulerClock, systemClock, type Clock } from '../core/clock.js';
import type { Decoder } from '../core/codec.js';
import { InvalidOptionError } from '../core/errors.js';
import type { MemoryBroker } from '../memory/broker.js';
import type { MemoryDelivery } from '../memory/delivery.js';
import { resolveMemoryOptions, type MemoryHandleOptions, type MemoryOptions } from '../memory/options.js';
import { Journal, JournalingServer } from './journal.js';
import type { Recording } from './recording.js';
import { TestHandle } from './test-handle.js';
import { VirtualTime } from './virtual-time.js';
import type { WaitOptions } from './waiters.js';

/** What {@link testBroker} takes, beside what `memory()` takes. */
export interface TestBrokerOptions extends MemoryOptions {
  /**
   * `'virtual'`: time stands still, and `advance(ms)` moves it. Messages, acks and receipts still come and go by
   * themselves; what waits is what takes time: `ackWait`, reconnects, `faults.delay`, `maxAge`.
   * @defaultValue 'real', or that of `scheduler`
   */
  readonly time?: 'real' | 'virtual' | undefined;
  /**
   * When virtual time begins.
   * @defaultValue 2000-01-01T00:00:00Z
   */
  readonly now?: Date | number | undefined;
  /**
   * How many published messages are kept for `published()`, and as many deliveries of each channel for `deliveries()`.
   * One more is no fault of the program under test; those who ask get an `OverflowError`.
   * @defaultValue 10 000
   */
  readonly history?: number | undefined;
  /**
   * As with `memory()`, but shorter, so that a spec that left a delivery open still ends in time; in virtual time
   * `close()` does not wait at all.
   * @defaultValue 1000
   */
  readonly closeTimeout?: number | undefined;
}

/** How to read what was published. */
export interface PublishedOptions<T> {
  /** Makes values of the bytes. */
  readonly codec: Decoder<T>;
}

/** A message that was published, with all that came beside its value. */
export interface PublishedMessage<T> {
  readonly value: T;
  readonly channel: string;
  readonly offset: bigint;
  readonly time: Date;
  readonly key: Uint8Array | undefined;
  readonly headers: ReadonlyMap<string, unknown>;
  /** The id that its publisher gave, if any. */
  readonly id: string | bigint | undefined;
}

/** A memory broker that tells a spec what a program did with it. */
export interface TestBroker extends MemoryBroker {
  /**
   * The values that the store took on this channel, from any of its handles, also what has expired or was wiped since.
   * What a fault refused is not among them.
   * @throws OverflowError when more was published than `history`; DecodeError
   */
  published<T>(channel: string, options: PublishedOptions<T>): T[];
  published(channel: string): Uint8Array[];
  /** The same, with keys, headers, ids and offsets. */
  publishedMessages<T>(channel: string, options: PublishedOptions<T>): PublishedMessage<T>[];
  publishedMessages(channel: string): PublishedMessage<Uint8Array>[];
  /**
   * The values that the store took on this channel, as soon as it is that many.
   * @throws AssertionError (rejects) if the time is over
   */
  untilPublished<T>(channel: string, count: number, options: PublishedOptions<T> & WaitOptions): Promise<T[]>;
  untilPublished(channel: string, count: number, options?: WaitOptions): Promise<Uint8Array[]>;
  /**
   * What this handle delivered on a channel, to whichever subscriber, and what became of it. Always the same object for
   * a channel. A message that all listeners of `hot()` share is there once, acked when all have.
   */
  deliveries(channel: string): Recording<MemoryDelivery<unknown>>;
  /** Deliveries of this handle that are neither acked nor released. */
  readonly inFlight: number;
  /** Forgets what was published and delivered so far; the store keeps its messages, and `faults.wipe()` drops those. */
  clear(): void;
  /** Where its time comes from, for RxJS operators that take time: `timeout({ each: 100, scheduler: broker.scheduler })`. */
  readonly scheduler: SchedulerLike;
  /**
   * Moves virtual time on, and resolves when what follows from that has happened. 0 lets happen what is due.
   * @param ms - how far
   * @throws InvalidOptionError (rejects) unless made with `time: 'virtual'`
   */
  advance(ms: number): Promise<void>;
  /** Another handle on the same store and time, as another process would have it. */
  handle(options?: MemoryHandleOptions): TestBroker;
}

const shape: Shape<TestBrokerOptions> = {
  time: oneOf('real', 'virtual'),
  now: either(
    instance((value) => value instanceof Date && !Number.isNaN(value.getTime()), 'a valid Date'),
    instance((value) => Number.isFinite(value), 'milliseconds since 1970'),
  ),
  history: count({ infinity: true }),
  // memory() itself says what is wrong with these
  scheduler: anything(),
  maxBytes: anything(),
  maxMessages: anything(),
  maxAge: anything(),
  connectTimeout: anything(),
  closeTimeout: anything(),
  reconnect: anything(),
  logger: anything(),
};

/**
 * A memory broker for specs: fits wherever a `Broker` is asked for, has faults on demand, and tells what was published on
 * it and what became of its deliveries. Time is real, or virtual.
 * @throws InvalidOptionError
 *
 * @example
 * ```ts
 * const broker = testBroker();
 * const service = new Billing(broker);
 * await broker.publish('orders', { id: 1 }, { codec });
 * await broker.deliveries('orders').settled(1);
 * assertPublished(broker, 'bills', [{ order: 1 }], { codec });
 * ```
 */
export function testBroker(options: TestBrokerOptions = {}): TestBroker {
  checkOptions('testBroker()', options, shape);
  const { time, now, history = 10_000, ...others } = options;
  if (others.scheduler !== undefined && time !== undefined) {
    throw new InvalidOptionError('testBroker(): time and scheduler exclude each other; the scheduler has a time');
  }
  if (now !== undefined && time !== 'virtual') {
    throw new InvalidOptionError("testBroker(): now is where virtual time begins; it needs time: 'virtual'");
  }
  const resolved = resolveMemoryOptions({ ...others, closeTimeout: others.closeTimeout ?? 1000 });
  const virtual = time === 'virtual' ? new VirtualTime(Number(now ?? Date.UTC(2000, 0, 1))) : undefined;
  const clock: Clock = virtual ?? (others.scheduler === undefined ? systemClock : schedulerClock(others.scheduler));
  const { maxBytes, maxMessages, maxAge } = others;
  const journal = new Journal(history);
  const server = new JournalingServer({ clock, maxBytes, maxMessages, maxAge }, journal);
  const shared = { server, handles: new Set<TestHandle>(), journal, history, virtual, scheduler: others.scheduler };
  return new TestHandle({ ...resolved, clock }, shared) as unknown as TestBroker;
}
