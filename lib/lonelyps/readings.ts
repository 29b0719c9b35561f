import type { WeirError } from '../core/errors.js';

/** What is being read to be published, which ends with the handle: a stream may have no end. @internal */
export class Readings {
  private readonly running = new Set<AbortController>();

  /** @param given - the caller's own signal */
  async run<T>(given: AbortSignal | undefined, read: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const aborter = new AbortController();
    const abort = (): void => {
      aborter.abort(given?.reason);
    };
    if (given?.aborted === true) abort();
    given?.addEventListener('abort', abort);
    this.running.add(aborter);
    try {
      return await read(aborter.signal);
    } finally {
      this.running.delete(aborter);
      given?.removeEventListener('abort', abort);
    }
  }

  /** They all fail with that error. */
  end(error: WeirError): void {
    for (const each of this.running) each.abort(error);
  }
}
