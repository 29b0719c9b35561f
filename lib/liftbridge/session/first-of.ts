import type { Cancel, Clock } from '../../core/clock.js';

/** How several attempts are made side by side. @internal */
export interface FirstOfOptions {
  readonly clock: Clock;
  /** Milliseconds after which the next is begun, unless the one before has failed sooner. */
  readonly stagger: number;
  readonly signal: AbortSignal;
}

/**
 * Resolves as the first attempt that does. The attempts are begun in their order; those that lose are aborted.
 * @param attempts - at least one; its signal tells each that nobody waits for it any more
 * @throws AggregateError with an error for each, in their order; the signal's reason
 * @internal
 */
export function firstOf<T>(
  attempts: readonly ((signal: AbortSignal) => Promise<T>)[],
  { clock, stagger, signal }: FirstOfOptions,
): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const aborter = new AbortController();
    const errors: unknown[] = [];
    let begun = 0;
    let failed = 0;
    let isOver = false;
    let cancelTimer: Cancel | undefined;
    const end = (): void => {
      isOver = true;
      cancelTimer?.();
      signal.removeEventListener('abort', abort);
      aborter.abort(signal.reason);
    };
    const abort = (): void => {
      end();
      reject(signal.reason as Error);
    };
    const begin = (): void => {
      cancelTimer?.();
      const index = begun++;
      const attempt = attempts[index];
      if (!attempt) return;
      if (begun < attempts.length) cancelTimer = clock.after(stagger, begin);
      attempt(aborter.signal).then(
        (value) => {
          if (isOver) return;
          end();
          resolve(value);
        },
        (error: unknown) => {
          if (isOver) return;
          errors[index] = error;
          if (++failed < attempts.length) {
            begin();
            return;
          }
          end();
          reject(new AggregateError(errors, 'no attempt succeeded'));
        },
      );
    };
    signal.addEventListener('abort', abort, { once: true });
    begin();
  });
}
