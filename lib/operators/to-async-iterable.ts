import { Subscriber, type Observable, type Subscription } from 'rxjs';
import { checkOptions, count } from '../core/check.js';
import { Deque } from '../core/deque.js';
import { placeOf, type Delivery } from '../core/delivery.js';
import { OverflowError } from '../core/errors.js';

/** Options of {@link toAsyncIterable}. */
export interface ToAsyncIterableOptions {
  /**
   * How many values may wait for the loop, 1 or more. Unsettled deliveries do not count: the window of their source
   * bounds them.
   * @defaultValue 1024
   */
  readonly highWaterMark?: number | undefined;
}

/**
 * Makes an Observable readable with `for await`.
 *
 * Each loop is a subscription of its own, which begins with the first `next()`. What the loop has not read yet waits,
 * and that is bounded in one of two ways. Deliveries wait unsettled, so that `maxInFlight` of their source is the
 * backpressure: the broker waits for the loop to ack. (A copy of a delivery that waits is dropped, and so is one that
 * was settled while it waited.) Anything else cannot hold its source back: if more than `highWaterMark` wait, the
 * source is unsubscribed from, and the loop fails with an `OverflowError` after it has read those that wait.
 *
 * The loop ends when the source completes, and throws when the source errors, after all that waits was read. Leaving it
 * (`break`, `return`, `throw`) unsubscribes from the source and releases the deliveries that wait; the one that the
 * loop is at is the loop's to settle.
 *
 * @param source - what to read
 * @param options - how much may wait
 * @throws InvalidOptionError if an option has another name or value than those accepted
 *
 * @example
 * ```ts
 * for await (const order of toAsyncIterable(broker.messages('orders', { maxInFlight: 16 }))) {
 *   await handle(order.value);
 *   order.ack();
 * }
 * ```
 */
export function toAsyncIterable<T>(source: Observable<T>, options?: ToAsyncIterableOptions): AsyncIterable<T> {
  checkOptions<ToAsyncIterableOptions>('toAsyncIterable()', options, { highWaterMark: count() });
  const highWaterMark = options?.highWaterMark ?? 1024;
  return { [Symbol.asyncIterator]: () => new Iteration(source, highWaterMark) };
}

interface Waiting<T> {
  readonly resolve: (result: IteratorResult<T, undefined>) => void;
  readonly reject: (error: unknown) => void;
}

/** One loop. */
class Iteration<T> implements AsyncIterator<T, undefined> {
  /** What the loop has not read. Empty while the loop waits. */
  private readonly buffer = new Deque<T>();
  /** The places of the deliveries in the buffer that were unsettled when they came. */
  private readonly places = new Set<object>();
  private readonly waiting = new Deque<Waiting<T>>();
  private subscription: Subscription | undefined = undefined;
  private ended = false;
  private failure: { readonly error: unknown } | undefined = undefined;

  constructor(
    private readonly source: Observable<T>,
    private readonly highWaterMark: number,
  ) {}

  next(): Promise<IteratorResult<T, undefined>> {
    if (this.subscription === undefined && !this.ended) {
      const inlet = new Inlet(this);
      this.subscription = inlet;
      this.source.subscribe(inlet);
    }
    while (this.buffer.length > 0) {
      const value = this.buffer.shift() as T;
      // settled by way of a copy, while it waited
      if (isDelivery(value) && this.places.delete(placeOf(value)) && value.settled) continue;
      return Promise.resolve({ done: false, value });
    }
    if (this.failure !== undefined) {
      const { error } = this.failure;
      this.failure = undefined;

      return Promise.reject(error);
    }
    if (this.ended) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve, reject) => {
      this.waiting.push({ resolve, reject });
    });
  }

  return(): Promise<IteratorResult<T, undefined>> {
    this.stop();
    return Promise.resolve({ done: true, value: undefined });
  }

  throw(error?: unknown): Promise<IteratorResult<T, undefined>> {
    this.stop();

    return Promise.reject(error);
  }

  arrive(value: T): void {
    const reader = this.waiting.shift();
    if (reader !== undefined) {
      reader.resolve({ done: false, value });
      return;
    }
    if (isDelivery(value) && !value.settled) {
      const place = placeOf(value);
      if (this.places.has(place)) return;
      this.places.add(place);
    } else if (this.buffer.length - this.places.size >= this.highWaterMark) {
      this.subscription?.unsubscribe();
      this.fail(
        new OverflowError(
          `toAsyncIterable(): more than ${this.highWaterMark} values wait for the loop, and their source cannot be made ` +
            'to wait; raise highWaterMark, or read deliveries of messages(), which hold it back until they are settled',
        ),
      );
      return;
    }
    this.buffer.push(value);
  }

  fail(error: unknown): void {
    this.ended = true;
    const reader = this.waiting.shift();
    if (reader === undefined) this.failure = { error };
    else reader.reject(error);
    this.dismiss();
  }

  complete(): void {
    this.ended = true;
    this.dismiss();
  }

  private stop(): void {
    this.ended = true;
    this.failure = undefined;
    const values = [...this.buffer];
    this.buffer.clear();
    try {
      this.subscription?.unsubscribe();
    } finally {
      for (const value of values) {
        if (isDelivery(value) && this.places.delete(placeOf(value))) value.release();
      }
      this.dismiss();
    }
  }

  /** Those who still wait get nothing. */
  private dismiss(): void {
    for (let reader = this.waiting.shift(); reader !== undefined; reader = this.waiting.shift()) {
      reader.resolve({ done: true, value: undefined });
    }
  }
}

/** Observes the source. */
class Inlet<T> extends Subscriber<T> {
  constructor(private readonly iteration: Iteration<T>) {
    super();
  }

  protected override _next(value: T): void {
    this.iteration.arrive(value);
  }

  protected override _error(error: unknown): void {
    this.iteration.fail(error);
    this.unsubscribe();
  }

  protected override _complete(): void {
    this.iteration.complete();
    this.unsubscribe();
  }
}

function isDelivery(value: unknown): value is Delivery<unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const like = value as Partial<Delivery<unknown>>;
  return typeof like.ack === 'function' && typeof like.release === 'function' && typeof like.settled === 'boolean';
}
