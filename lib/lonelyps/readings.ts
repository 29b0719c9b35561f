import type { WeirError } from '../core/errors.js';

/** What is being read to be published, which ends with the handle: a stream may have no end. @internal */
export class Readings {
  private readonly running = new Set<AbortController>();
  private ended: WeirError | undefined;

  /** @param given - the caller's own signal */
  async run<T>(given: AbortSignal | undefined, read: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const aborter = new AbortController();
    const abort = (): void => {
      aborter.abort(given?.reason);
    };
    if (given?.aborted === true) abort();
    if (this.ended !== undefined) aborter.abort(this.ended);
    given?.addEventListener('abort', abort);
    this.running.add(aborter);
    try {
      return await read(aborter.signal);
    } finally {
      this.running.delete(aborter);
      given?.removeEventListener('abort', abort);
    }
  }

  /** They all fail with that error, and so does what comes later. */
  end(error: WeirError): void {
    this.ended ??= error;
    for (const each of this.running) each.abort(error);
  }
}
