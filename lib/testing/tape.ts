import { checkOptions, checkValue, count as counting, duration, func, type Shape } from '../core/check.js';
import { placeOf } from '../core/delivery.js';
import { OverflowError } from '../core/errors.js';
import { AssertionError, type AssertionErrorOptions } from './assertion-error.js';
import { isDelivery, outcomeOf, type Outcome } from './outcome.js';
import type { Recording } from './recording.js';
import { show } from './show.js';
import { Waiters, type WaitOptions } from './waiters.js';
import { valueOf, watched, type Recorded, type ValueOf } from './watched-delivery.js';

const waitShape: Shape<WaitOptions> = { timeout: duration({ infinity: true }) };
const defaultTimeout = 1000;

/** How a source has ended, in words that fit after "and then". @internal */
export interface Ending {
  readonly words: string;
  readonly cause?: unknown;
}

/** The timeout that the options of a wait say. @internal */
export function timeoutOf(where: string, options: WaitOptions | undefined): number {
  checkOptions(where, options, waitShape);
  return options?.timeout ?? defaultTimeout;
}

/** What a recording is kept on. @internal */
export class Tape<T> implements Recording<T> {
  protected readonly waiters = new Waiters();
  private kept: Recorded<T>[] = [];
  private taken = 0;
  private overflow: OverflowError | undefined;

  /**
   * @param limit - how many are kept
   * @param remedy - what to do about more than that
   */
  constructor(
    private readonly limit: number,
    private readonly remedy: string,
  ) {}

  get deliveries(): readonly Recorded<T>[] {
    this.checkWhole();
    return [...this.kept];
  }

  get values(): readonly ValueOf<T>[] {
    this.checkWhole();
    return this.kept.map(valueOf);
  }

  get acked(): readonly ValueOf<T>[] {
    return this.having('ack');
  }

  get released(): readonly ValueOf<T>[] {
    return this.having('release');
  }

  get open(): readonly ValueOf<T>[] {
    return this.having('open');
  }

  next(options?: WaitOptions): Promise<Recorded<T>>;
  next(count: number, options?: WaitOptions): Promise<Recorded<T>[]>;
  async next(first?: number | WaitOptions, second?: WaitOptions): Promise<Recorded<T> | Recorded<T>[]> {
    const asked = typeof first === 'number' ? first : undefined;
    const where = `next(${asked ?? ''})`;
    if (asked !== undefined) checkValue(where, 'count', asked, counting());
    const timeout = timeoutOf(where, typeof first === 'number' ? second : first);
    const count = asked ?? 1;
    // reserved at the call, so that two who wait at once get different ones
    const from = this.taken;
    this.taken += count;
    try {
      const items = await this.waiters.wait({
        timeout,
        look: () => {
          this.checkWhole();
          return this.kept.length < from + count ? undefined : { value: this.kept.slice(from, from + count) };
        },
        hopeless: () => this.over(where, () => this.few(from, count)),
        late: () => this.failure(`${where}: within ${timeout} ms ${this.few(from, count)}`),
      });
      return asked === undefined ? (items[0] as Recorded<T>) : items;
    } catch (error) {
      if (this.taken === from + count) this.taken = from;
      throw error;
    }
  }

  // async, so that whatever is wrong with the call rejects
  async until(predicate: (item: Recorded<T>, index: number) => boolean, options?: WaitOptions): Promise<Recorded<T>> {
    checkValue('until()', 'predicate', predicate, func());
    const timeout = timeoutOf('until()', options);
    const none = (): string => `${this.came()}, and none of it fits`;
    return this.waiters.wait({
      timeout,
      look: () => {
        this.checkWhole();
        const at = this.kept.findIndex(predicate);
        return at < 0 ? undefined : { value: this.kept[at] as Recorded<T> };
      },
      // what has come may still be settled, and fit then
      hopeless: () => (this.having('open').length > 0 ? undefined : this.over('until()', none)),
      late: () => this.failure(`until(): within ${timeout} ms ${none()}`),
    });
  }

  async settled(count: number, options?: WaitOptions): Promise<ValueOf<T>[]> {
    const where = `settled(${count})`;
    checkValue(where, 'count', count, counting());
    const timeout = timeoutOf(where, options);
    const state = (): string =>
      `${this.acked.length} of ${count} were acked: acked ${show(this.acked)}, released ${show(this.released)}, open ${show(this.open)}`;
    return this.waiters.wait({
      timeout,
      look: () => {
        const { acked } = this;
        return acked.length < count ? undefined : { value: [...acked] };
      },
      hopeless: () => (this.open.length + this.acked.length < count ? this.over(where, state) : undefined),
      late: () => this.failure(`${where}: within ${timeout} ms ${state()}`),
    });
  }

  /** Keeps one more. @throws OverflowError @internal */
  record(item: T): Recorded<T> {
    if (this.overflow === undefined && this.kept.length >= this.limit) {
      this.overflow = new OverflowError(`a recording keeps ${this.limit}, and more came; ${this.remedy}`, {
        retriable: false,
      });
      this.kept = [];
      this.poke();
    }
    if (this.overflow !== undefined) throw this.overflow;
    const recorded = watched(item, this.poke);
    this.kept.push(recorded);
    this.poke();
    return recorded;
  }

  /** Begins anew. @internal */
  forget(): void {
    this.kept = [];
    this.taken = 0;
    this.overflow = undefined;
  }

  /** Something was settled, or the source has ended. @internal */
  readonly poke = (): void => {
    this.waiters.poke();
  };

  /** How the source has ended, where nothing can come any more. */
  protected get ending(): Ending | undefined {
    return undefined;
  }

  /** What came, in words that fit after a time or an ending. */
  protected came(): string {
    return this.kept.length === 0 ? 'nothing came' : `${show(this.values)} came`;
  }

  protected failure(message: string, options?: AssertionErrorOptions): AssertionError {
    return new AssertionError(message, options);
  }

  private over(where: string, state: () => string): AssertionError | undefined {
    const { ending } = this;
    return ending && this.failure(`${where}: ${state()}, and then ${ending.words}`, { cause: ending.cause });
  }

  private few(from: number, count: number): string {
    const items = this.kept.slice(from);
    if (items.length === 0) return `nothing came${from === 0 ? '' : ` after ${show(this.values.slice(0, from))}`}`;
    return `${items.length} of ${count} came: ${show(items.map(valueOf))}`;
  }

  private having(outcome: Outcome): ValueOf<T>[] {
    this.checkWhole();
    const places = new Set<object>();
    const values: ValueOf<T>[] = [];
    for (const item of this.kept) {
      if (!isDelivery(item) || outcomeOf(item) !== outcome || places.has(placeOf(item))) continue;
      places.add(placeOf(item));
      values.push(valueOf(item));
    }
    return values;
  }

  private checkWhole(): void {
    if (this.overflow !== undefined) throw this.overflow;
  }
}
