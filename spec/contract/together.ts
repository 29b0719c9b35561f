/**
 * Specs that begin all at once and are told one by one: most of their time is waiting for the broker. Call it within a
 * `describe`.
 */
export function together(specs: Readonly<Record<string, () => Promise<void>>>): void {
  const running = new Map<string, Promise<void>>();
  before(() => {
    for (const [name, spec] of Object.entries(specs)) {
      const run = spec();
      // it is told by its own `it`, which comes later
      run.catch(() => undefined);
      running.set(name, run);
    }
  });
  for (const name of Object.keys(specs)) it(name, () => running.get(name));
}
