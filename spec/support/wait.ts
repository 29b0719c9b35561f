import { setTimeout as delay } from 'node:timers/promises';

/** How long and how often `until` looks. */
export interface UntilOptions {
  /** Milliseconds until it gives up. Default 10 000. */
  readonly timeout?: number;
  /** Milliseconds between two looks. Default 10. */
  readonly every?: number;
  /** What was waited for, for the error; a function is asked at the moment of failure. */
  readonly message?: string | (() => string);
}

/**
 * Waits until the condition gives something truthy, and resolves with it. A condition that throws or rejects counts
 * as "not yet"; its last error becomes the cause of the failure.
 *
 * @throws Error when the time is over.
 */
export async function until<T>(condition: () => T | Promise<T>, options: UntilOptions = {}): Promise<Truthy<T>> {
  const { timeout = 10_000, every = 10, message = 'the condition to hold' } = options;
  const deadline = performance.now() + timeout;
  let cause: unknown;
  for (;;) {
    try {
      cause = undefined;
      const value = await condition();
      if (value) {
        return value as Truthy<T>;
      }
    } catch (error) {
      cause = error;
    }
    if (performance.now() >= deadline) {
      const wanted = typeof message === 'function' ? message() : message;
      throw new Error(`Waited ${timeout} ms for ${wanted}, in vain.`, cause === undefined ? {} : { cause });
    }
    await delay(every);
  }
}

type Truthy<T> = Exclude<T, false | 0 | '' | null | undefined>;

/**
 * Resolves as the promise does, or fails when it has not settled in time. The promise itself goes on.
 *
 * @throws Error when the time is over.
 */
export async function within<T>(promise: PromiseLike<T>, timeout: number, message = 'the promise'): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`Waited ${timeout} ms for ${message}, in vain.`)), timeout);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** The part of an Observable that `collect` needs. */
export interface Subscribable<T> {
  subscribe(observer: { next(value: T): void; error(error: unknown): void; complete(): void }): {
    unsubscribe(): void;
  };
}

/**
 * Subscribes, gathers `count` values and unsubscribes. Resolves with fewer when the source completes before.
 *
 * @throws the source's error, or an Error that tells how many came when the time is over.
 */
export function collect<T>(source: Subscribable<T>, count: number, timeout = 10_000): Promise<T[]> {
  return new Promise((resolve, reject) => {
    const values: T[] = [];
    let isDone = false;
    // Empty while the source emits during subscribe; then the end waits for the handle below.
    const handle: { current?: { unsubscribe(): void } } = {};
    const finish = (settle: () => void): void => {
      if (!isDone) {
        isDone = true;
        clearTimeout(timer);
        handle.current?.unsubscribe();
        settle();
      }
    };
    const timer = setTimeout(
      () => finish(() => reject(new Error(`Waited ${timeout} ms for ${count} values, ${values.length} came.`))),
      timeout,
    );
    handle.current = source.subscribe({
      next: (value) => {
        if (!isDone) {
          values.push(value);
          if (values.length >= count) {
            finish(() => resolve(values));
          }
        }
      },
      error: (error) => finish(() => reject(error)),
      complete: () => finish(() => resolve(values)),
    });
    if (isDone) {
      handle.current.unsubscribe();
    }
  });
}
