type Provision = () => Promise<unknown>;

// One list, also where mocha has loaded this module twice, by require and by import.
const key = Symbol.for('rx-weir.spec.wanted');
const shared = globalThis as { [key]?: Map<string, Provision> };
const wanted = (shared[key] ??= new Map());

/**
 * Notes what the loaded spec files will need from the cache. Modules of the kit call it as they are imported, so a run
 * of specs without servers provides nothing.
 */
export function willNeed(name: string, provision: Provision): void {
  wanted.set(name, provision);
}

/**
 * Builds what is missing, before the first spec and outside of its timeout. A failure is not told here: each spec that
 * asks for the thing fails with the reason.
 */
export async function provisionAll(report: (line: string) => void): Promise<void> {
  await Promise.all(
    [...wanted].map(async ([name, provision]) => {
      const timer = setTimeout(
        () => report(`Preparing ${name} for the specs. The first time takes a minute or two.`),
        1_000,
      );
      await provision().catch(() => undefined);
      clearTimeout(timer);
    }),
  );
}
