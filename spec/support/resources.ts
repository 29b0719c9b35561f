import { until } from './wait.js';

/** The sockets and timers that keep this process alive, by kind. Those of the spec run itself are among them. */
export function resources(): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo().sort()) {
    if (/TCP|TLS|Timeout/.test(kind)) counts[kind] = (counts[kind] ?? 0) + 1;
  }
  return counts;
}

/** Waits until there are no more of any kind than there were before. */
export async function untilResources(before: Record<string, number>): Promise<void> {
  const isGone = (): boolean => Object.entries(resources()).every(([kind, count]) => count <= (before[kind] ?? 0));
  await until(isGone, {
    timeout: 15_000,
    message: () => `${JSON.stringify(before)}, it is ${JSON.stringify(resources())}`,
  });
}
