interface Waiter {
  resolve(): void;
  reject(error: unknown): void;
}

/** Those who wait until there is a connection. @internal */
export class Connecting {
  private readonly waiters = new Set<Waiter>();

  /** Resolves or rejects with the others, or rejects with the signal's reason. */
  wait(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const leave = (): void => {
        this.waiters.delete(waiter);
        signal?.removeEventListener('abort', abort);
      };
      const abort = (): void => {
        leave();
        reject(signal?.reason as Error);
      };
      const waiter: Waiter = {
        resolve: () => {
          leave();
          resolve();
        },
        reject: (error) => {
          leave();
          reject(error);
        },
      };
      signal?.addEventListener('abort', abort, { once: true });
      this.waiters.add(waiter);
    });
  }

  /** The connection is there. */
  made(): void {
    for (const waiter of [...this.waiters]) waiter.resolve();
  }

  /** There is none to be had. */
  failed(error: unknown): void {
    for (const waiter of [...this.waiters]) waiter.reject(error);
  }
}
