import { exitCodes } from './exit.js';

/** What tells of signals: the process, or something like it. */
export interface SignalSource {
  on(name: 'SIGINT' | 'SIGTERM', listener: () => void): unknown;
  exit(code: number): unknown;
}

/**
 * The first SIGINT or SIGTERM asks the command to end: it takes in no more, finishes what it has begun, and closes. The
 * second ends the process at once.
 */
export function watchSignals(source: SignalSource): {
  readonly signal: AbortSignal;
  /** What the process exits with because of a signal; undefined while there was none. */
  readonly codeOfSignal: () => number | undefined;
} {
  const controller = new AbortController();
  let code: number | undefined;
  const watch = (name: 'SIGINT' | 'SIGTERM', itsCode: number): void => {
    source.on(name, () => {
      if (code !== undefined) source.exit(itsCode);
      code ??= itsCode;
      controller.abort(name);
    });
  };
  watch('SIGINT', exitCodes.interrupted);
  watch('SIGTERM', exitCodes.terminated);
  return { signal: controller.signal, codeOfSignal: () => code };
}
