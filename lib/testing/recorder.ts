/// <reference lib="esnext.disposable" preserve="true" />
import { defer, map, tap, type Observable, type Subscription } from 'rxjs';
import { checkOptions, checkValue, count, instance, type Shape } from '../core/check.js';
import type { Recording } from './recording.js';
import { show } from './show.js';
import { Tape, timeoutOf, type Ending } from './tape.js';
import type { WaitOptions } from './waiters.js';
import type { Recorded } from './watched-delivery.js';

/** Options of {@link recorder} and {@link watch}. */
export interface RecorderOptions {
  /**
   * How many emissions are kept. One more fails the recording with an `OverflowError`, and ends the subscription.
   * @defaultValue 10 000
   */
  readonly limit?: number | undefined;
}

/** A recording that also knows how its source does. */
export interface SourceRecording<T> extends Recording<T> {
  /** Whether there is a subscription that has not ended. */
  readonly subscribed: boolean;
  /** Whether the source completed; of several subscriptions, the last one. */
  readonly completed: boolean;
  /** What the source failed with; undefined if it did not. Of several subscriptions, the last one. */
  readonly error: unknown;
  /**
   * Resolves when the source has completed.
   * @throws what the source failed with; or AssertionError (rejects) if the time is over
   */
  ended(options?: WaitOptions): Promise<void>;
}

/** What {@link recorder} returns. */
export interface Recorder<T> extends SourceRecording<T>, Disposable {
  /** Ends the subscription; what was recorded stays. */
  unsubscribe(): void;
}

/** What {@link watch} returns. */
export interface Watch<T> extends SourceRecording<T> {
  /** The source, recorded while it passes through; for the program under test. */
  readonly stream: Observable<Recorded<T>>;
}

const shape: Shape<RecorderOptions> = { limit: count({ infinity: true }) };
const isObservable = instance(
  (value) => typeof (value as { subscribe?: unknown } | null | undefined)?.subscribe === 'function',
  'an Observable',
);
const remedy = 'end the source earlier (take(n), until: untilNow()), or give a higher limit';

/**
 * Subscribes to an Observable and records what comes, and what becomes of it. It settles nothing: ack what it has
 * (`(await orders.next()).ack()`), or let the source do that.
 * @param source - deliveries, or anything else
 * @throws InvalidOptionError
 *
 * @example
 * ```ts
 * using orders = recorder(broker.messages('orders', { codec: json<Order>() }));
 * await broker.publish('orders', { id: 1 }, { codec: json<Order>() });
 * const order = await orders.next();
 * ```
 */
export function recorder<T>(source: Observable<T>, options?: RecorderOptions): Recorder<T> {
  const tape = tapeOf('recorder()', source, options, true);
  tape.subscribe();
  return tape;
}

/**
 * Records what passes through to a program that subscribes by itself, and what that program does with it. Each
 * subscription to `stream` is one to the source; all of them are recorded, one after another, as with `retry()`.
 * @param source - deliveries, or anything else
 * @throws InvalidOptionError
 *
 * @example
 * ```ts
 * const orders = watch(broker.messages('orders', { codec: json<Order>() }));
 * service.handle(orders.stream);
 * await orders.settled(3);
 * ```
 */
export function watch<T>(source: Observable<T>, options?: RecorderOptions): Watch<T> {
  return tapeOf('watch()', source, options, false);
}

function tapeOf<T>(
  where: string,
  source: Observable<T>,
  options: RecorderOptions | undefined,
  once: boolean,
): SourceTape<T> {
  checkValue(where, 'source', source, isObservable);
  checkOptions(where, options, shape);
  return new SourceTape(source, options?.limit ?? 10_000, once);
}

class SourceTape<T> extends Tape<T> implements Recorder<T>, Watch<T> {
  readonly stream: Observable<Recorded<T>>;
  completed = false;
  private failed: { readonly error: unknown } | undefined;
  private subscriptions = 0;
  private subscription: Subscription | undefined;

  /** @param once - whether there is one subscription, so that its end is the end of all */
  constructor(
    source: Observable<T>,
    limit: number,
    private readonly once: boolean,
  ) {
    super(limit, remedy);
    this.stream = defer(() => {
      this.subscriptions++;
      this.completed = false;
      this.failed = undefined;
      return source.pipe(
        map((item) => this.record(item)),
        tap({
          error: (error: unknown) => {
            this.failed = { error };
          },
          complete: () => {
            this.completed = true;
          },
          finalize: () => {
            this.subscriptions--;
            this.poke();
          },
        }),
      );
    });
  }

  get subscribed(): boolean {
    return this.subscriptions > 0;
  }

  get error(): unknown {
    return this.failed?.error;
  }

  subscribe(): void {
    // an error is recorded, and told by whoever waits
    this.subscription = this.stream.subscribe({ error: () => undefined });
  }

  unsubscribe(): void {
    this.subscription?.unsubscribe();
  }

  [Symbol.dispose](): void {
    this.unsubscribe();
  }

  // async, so that whatever is wrong with the call rejects
  async ended(options?: WaitOptions): Promise<void> {
    const timeout = timeoutOf('ended()', options);
    await this.waiters.wait({
      timeout,
      look: () => {
        if (this.subscribed) return undefined;
        if (this.failed !== undefined) throw this.failed.error;
        return this.completed ? { value: undefined } : undefined;
      },
      hopeless: () =>
        this.ending && this.failure(`ended(): the source did not complete: ${this.ending.words}; ${this.came()}`),
      late: () => this.failure(`ended(): the source did not complete within ${timeout} ms; ${this.came()}`),
    });
  }

  protected override get ending(): Ending | undefined {
    if (!this.once || this.subscribed) return undefined;
    if (this.failed !== undefined) {
      const { error } = this.failed;
      return { words: `the source failed with ${show(error)}`, cause: error };
    }
    return { words: this.completed ? 'the source completed' : 'the recorder was unsubscribed' };
  }
}
