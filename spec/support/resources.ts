import { until } from './wait.js';

/** The sockets and timers that keep this process alive, by kind. Those of the spec run itself are among them. */
export function resources(): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo().sort()) {
    if (/TCP|TLS|Timeout/.test(kind)) counts[kind] = (counts[kind] ?? 0) + 1;
  }
  return counts;
}

/** Waits until they are what they were before. */
export async function untilResources(before: Record<string, number>): Promise<void> {
  await until(() => JSON.stringify(resources()) === JSON.stringify(before), {
    timeout: 15_000,
    message: () => `${JSON.stringify(before)}, it is ${JSON.stringify(resources())}`,
  });
}
