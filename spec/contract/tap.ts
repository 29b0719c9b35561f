import type { Observable, Subscription } from 'rxjs';
import { within } from '../support/wait.js';

/** How long a spec waits for what must come, while nothing comes, in ms. */
const patience = 15_000;

/** A subscription that writes down all that it gets, and can be waited for. */
export class Tap<T> {
  readonly all: T[] = [];
  error: unknown;
  completed = false;
  readonly subscription: Subscription;
  private waiters: {
    readonly count: number;
    /** Until the next value. */
    readonly timer: NodeJS.Timeout;
    readonly resolve: () => void;
    readonly reject: (error: unknown) => void;
  }[] = [];
  private enders: (() => void)[] = [];

  /** @param then - called with each value, after it was written down */
  constructor(source: Observable<T>, then: (value: T, tap: Tap<T>) => void = () => undefined) {
    this.subscription = source.subscribe({
      next: (value) => {
        this.all.push(value);
        then(value, this);
        this.look();
      },
      error: (error: unknown) => {
        this.error = error;
        this.end();
      },
      complete: () => {
        this.completed = true;
        this.end();
      },
    });
  }

  get ended(): boolean {
    return this.completed || this.error !== undefined;
  }

  /** Resolves with the first `count` values when that many have come; rejects when the source ends before. */
  first(count: number): Promise<T[]> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        const so = `for the next of ${count} values, of which ${this.all.length} had come`;
        reject(new Error(`Waited ${patience} ms ${so}, in vain.`));
      }, patience);
      const done = (then: () => void): void => {
        clearTimeout(timer);
        then();
      };
      this.waiters.push({
        count,
        timer,
        resolve: () => {
          done(() => {
            resolve(this.all.slice(0, count));
          });
        },
        reject: (error) => {
          done(() => {
            reject(error as Error);
          });
        },
      });
      this.look();
      if (this.ended) this.end();
    });
  }

  /** Resolves with the value at that place when it has come. */
  async at(index: number): Promise<T> {
    return (await this.first(index + 1))[index]!;
  }

  /** Resolves with everything when the source has completed; rejects with its error. */
  async complete(): Promise<T[]> {
    await this.over();
    if (this.error !== undefined) throw this.error as Error;
    return this.all;
  }

  /** Resolves with the source's error; rejects when it completes. */
  async failed(): Promise<unknown> {
    await this.over();
    if (this.completed) throw new Error(`it completed after ${this.all.length} values, where an error was expected`);
    return this.error;
  }

  unsubscribe(): void {
    this.subscription.unsubscribe();
  }

  private async over(): Promise<void> {
    const end = new Promise<void>((resolve) => {
      if (this.ended) resolve();
      else this.enders.push(resolve);
    });
    await within(end, patience, 'the end of the source');
  }

  private look(): void {
    const ready = this.waiters.filter(({ count }) => count <= this.all.length);
    this.waiters = this.waiters.filter(({ count }) => count > this.all.length);
    for (const { resolve } of ready) resolve();
    for (const { timer } of this.waiters) timer.refresh();
  }

  private end(): void {
    const why = this.error ?? new Error(`it completed after ${this.all.length} values, and more were expected`);
    for (const { reject } of this.waiters.splice(0)) reject(why);
    for (const resolve of this.enders.splice(0)) resolve();
  }
}
