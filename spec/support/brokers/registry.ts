/** Something that runs until it is stopped. */
export interface Stoppable {
  stop(): Promise<void>;
}

// Mocha loads spec files by require and, where that fails, by import, which may give a module twice. There is one list.
const key = Symbol.for('rx-weir.spec.running');
interface Lists {
  readonly own: Set<Stoppable>;
  readonly shared: Set<Stoppable>;
}
const { own, shared } = ((globalThis as { [key]?: Lists })[key] ??= { own: new Set(), shared: new Set() });

/** Notes a thing for `stopAll`. */
export function register(thing: Stoppable): void {
  own.add(thing);
}

/** Notes that a thing belongs to no spec file alone: it goes on until the run ends. */
export function share(thing: Stoppable): void {
  own.delete(thing);
  shared.add(thing);
}

/** Forgets a thing that was stopped. */
export function unregister(thing: Stoppable): void {
  own.delete(thing);
  shared.delete(thing);
}

/** Stops all that specs have started for themselves and not stopped, the latest first. */
export async function stopAll(): Promise<void> {
  await stopEach(own);
}

/** Stops what is shared. */
export async function stopShared(): Promise<void> {
  await stopEach(shared);
}

async function stopEach(things: Set<Stoppable>): Promise<void> {
  for (const thing of [...things].reverse()) {
    await thing.stop();
    things.delete(thing);
  }
}
