/** Something that runs until it is stopped. */
export interface Stoppable {
  stop(): Promise<void>;
}

const running = new Set<Stoppable>();

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
