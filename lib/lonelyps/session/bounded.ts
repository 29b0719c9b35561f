import type { Clock } from '../../core/clock.js';

/**
 * Waits for `use`, at most `ms`, and no longer than until the given signal is aborted. What it waits for is told by its signal.
 * @param late - what it rejects with after `ms`
 * @internal
 */
export async function bounded<T>(
  { clock, ms, late, signal }: { clock: Clock; ms: number; late: () => Error; signal: AbortSignal },
  use: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const aborter = new AbortController();
  const abort = (): void => {
    aborter.abort(signal.reason);
  };
  signal.addEventListener('abort', abort);
  const cancel = clock.after(ms, () => {
    aborter.abort(late());
  });
  try {
    return await new Promise<T>((resolve, reject) => {
      aborter.signal.addEventListener('abort', () => {
        reject(aborter.signal.reason as Error);
      });
      use(aborter.signal).then(resolve, reject);
    });
  } finally {
    cancel();
    signal.removeEventListener('abort', abort);
  }
}
