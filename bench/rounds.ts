import { join } from 'node:path';
import type { Comparison, Entrant } from './benches.js';
import type { Job, Measurement, ServerAddress } from './contender.js';
import type { BenchSettings } from './settings.js';
import { runChild } from './run-child.js';

/** What one entrant measured, one value a round. */
export interface Series {
  readonly label: string;
  /** Messages a second. */
  readonly rate: readonly number[];
  /** Microseconds of CPU time for a message. */
  readonly cpu: readonly number[];
}

/** Gives the server of a round, where the bench has one. */
export type ServerOfRound = () => Promise<{ readonly address: ServerAddress; stop(): Promise<void> } | undefined>;

/**
 * Runs all entrants of a comparison in each round, every one in a process of its own and in another order from round to
 * round: what slows the machine for a while slows them all.
 */
export async function runRounds(
  comparison: Comparison,
  settings: BenchSettings,
  server: ServerOfRound,
  progress: (line: string) => void = () => undefined,
): Promise<Series[]> {
  const { entrants, filledBy } = comparison;
  const measured = new Map(entrants.map((entrant) => [entrant, [] as Measurement[]]));
  for (let round = 0; round < settings.rounds; round++) {
    const running = await server();
    try {
      const run = (entrant: Entrant, channel: string): Promise<Measurement> => {
        progress(`${comparison.title}: round ${round + 1} of ${settings.rounds}, ${entrant.label}`);
        return runChild(jobFor(entrant, channel, comparison, settings, running?.address));
      };
      // a server that outlives the run may have the channels of another one
      const prefix = `bench-${process.pid}-${Date.now()}`;
      if (filledBy !== undefined) await run(filledBy, prefix);
      for (let i = 0; i < entrants.length; i++) {
        const turn = (i + round) % entrants.length;
        const entrant = entrants[turn]!;
        measured.get(entrant)!.push(await run(entrant, filledBy === undefined ? `${prefix}-${turn}` : prefix));
      }
    } finally {
      await running?.stop();
    }
  }
  const messages = messagesOf(comparison, settings);
  return [...measured].map(([{ label }, measurements]) => ({
    label,
    rate: measurements.map(({ seconds }) => messages / seconds),
    cpu: measurements.map(({ cpuSeconds }) => (cpuSeconds / messages) * 1e6),
  }));
}

/** How many messages are measured. */
export function messagesOf({ scale = 1 }: Comparison, { messages }: BenchSettings): number {
  return messages * scale;
}

function jobFor(
  { contender, task }: Entrant,
  channel: string,
  comparison: Comparison,
  settings: BenchSettings,
  server: ServerAddress | undefined,
): Job {
  const messages = messagesOf(comparison, settings);
  const { size, window, profile } = settings;
  return {
    contender,
    task,
    messages,
    warmUp: Math.ceil(messages / 4),
    size,
    window,
    channel,
    server,
    profile: profile && join(profile, `${contender}-${task}-${Date.now()}.cpuprofile`),
  };
}
