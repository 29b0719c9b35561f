interface Waiter {
  readonly keys: Set<string>;
  readonly resolve: () => void;
}

/** Those who wait until what they want is subscribed. @internal */
export class Settling {
  private readonly waiters = new Set<Waiter>();

  /** Resolves when each of the keys was met. */
  wait(keys: Iterable<string>): Promise<void> {
    const missing = new Set(keys);
    if (missing.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.waiters.add({ keys: missing, resolve });
    });
  }

  /** They are subscribed. */
  met(keys: Iterable<string>): void {
    if (this.waiters.size === 0) return;
    for (const key of keys) {
      for (const { keys: missing } of this.waiters) missing.delete(key);
    }
    for (const waiter of [...this.waiters]) if (waiter.keys.size === 0) this.end(waiter);
  }

  /** The others are not wanted any more. */
  keep(isWanted: (key: string) => boolean): void {
    for (const { keys } of this.waiters) for (const key of keys) if (!isWanted(key)) keys.delete(key);
    this.met([]);
  }

  /** There is nothing to wait for any more. */
  end(only?: Waiter): void {
    for (const waiter of only === undefined ? [...this.waiters] : [only]) {
      this.waiters.delete(waiter);
      waiter.resolve();
    }
  }
}
