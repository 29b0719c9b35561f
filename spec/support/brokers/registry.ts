/** Something that runs until it is stopped. */
export interface Stoppable {
  stop(): Promise<void>;
}

// Mocha loads spec files by require and, where that fails, by import, which may give a module twice. There is one list.
const key = Symbol.for('rx-weir.spec.running');
const shared = globalThis as { [key]?: Set<Stoppable> };
const running = (shared[key] ??= new Set());

/** Notes a thing for `stopAll`. */
export function register(thing: Stoppable): void {
  running.add(thing);
}

/** Forgets a thing that was stopped. */
export function unregister(thing: Stoppable): void {
  running.delete(thing);
}

/** Stops all that specs have started and not stopped, the latest first. */
export async function stopAll(): Promise<void> {
  for (const thing of [...running].reverse()) {
    await thing.stop();
    running.delete(thing);
  }
}
