import type { Clock } from './clock.js';

/** Resolves after `ms`, or rejects with the signal's reason. @internal */
export function pause(ms: number, clock: Clock, signal: AbortSignal | undefined): Promise<void> {
  if (!signal) return new Promise((resolve) => clock.after(ms, resolve));
  return abortable((resolve) => clock.after(ms, resolve), signal);
}

/** Resolves or rejects as the promise does, unless the signal comes first. The promise goes on. @internal */
export function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise;
  return abortable((resolve, reject) => {
    promise.then(resolve, reject);
    return () => undefined;
  }, signal);
}

function abortable<T>(
  begin: (resolve: (value: T) => void, reject: (error: unknown) => void) => () => void,
  signal: AbortSignal,
): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const abort = (): void => {
      cancel();
      reject(signal.reason as Error);
    };
    const end = (): void => signal.removeEventListener('abort', abort);
    const cancel = begin(
      (value) => {
        end();
        resolve(value);
      },
      (error) => {
        end();
        reject(error);
      },
    );
    signal.addEventListener('abort', abort, { once: true });
  });
}
