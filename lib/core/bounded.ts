import type { Clock } from './clock.js';

/** How long something may take. @internal */
export interface Bound {
  readonly clock: Clock;
  /** Milliseconds; undefined: as long as it does. */
  readonly ms: number | undefined;
  /** What it is aborted with when the time is over. */
  readonly late: () => Error;
  readonly signal: AbortSignal | undefined;
}

/**
 * Calls `use` with a signal that is aborted when the time is over, and with the given one.
 * @internal
 */
export async function bounded<T>(
  { clock, ms, late, signal }: Bound,
  use: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  signal?.throwIfAborted();
  const aborter = new AbortController();
  const abort = (): void => {
    aborter.abort(signal?.reason);
  };
  signal?.addEventListener('abort', abort, { once: true });
  const cancel =
    ms === undefined
      ? undefined
      : clock.after(ms, () => {
          aborter.abort(late());
        });
  try {
    return await use(aborter.signal);
  } finally {
    cancel?.();
    signal?.removeEventListener('abort', abort);
  }
}
