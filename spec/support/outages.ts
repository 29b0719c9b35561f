import type { Told } from './told.js';
import { until } from './wait.js';

/** What a handle tells of itself in one outage that it gets over. */
export const oneOutage = ['idle', 'connecting', 'connected', 'reconnecting', 'connected'];

/** Waits until the handle has lost something. */
export async function untilInterrupted(told: Told, timeout = 20_000): Promise<void> {
  await until(() => told.states.at(-1) === 'reconnecting', { timeout, every: 1, message: 'the handle to notice' });
}

/** Waits until the handle says that all is well again. */
export async function untilRecovered(told: Told, times = 1, timeout = 20_000): Promise<void> {
  await until(() => told.of('reconnected').length >= times && told.states.at(-1) === 'connected', {
    timeout,
    message: () => `the handle to be connected again; it told ${told.states.join(', ')}`,
  });
}
