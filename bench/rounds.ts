import { join } from 'node:path';
import type { Comparison, Entrant } from './benches.js';
import { warmUpChannel, type Job, type Measurement, type ServerAddress } from './contender.js';
import type { BenchSettings } from './settings.js';
import { runChild } from './run-child.js';

/** What one entrant measured, one value a round. */
export interface Series {
  readonly label: string;
  /** Messages a second. */
  readonly rate: readonly number[];
  /** Microseconds of CPU time for a message. */
  readonly cpu: readonly number[];
  /** The most bytes that the process had in memory. */
  readonly memory: readonly number[];
  /** The part of a core that the server took, where that is of interest; empty elsewhere. */
  readonly server?: readonly number[];
}

/** The server of one round. */
export interface RoundServer {
  readonly address: ServerAddress;
  /** Makes a channel, where that is not done by publishing to it. */
  makeChannel?(channel: string): Promise<void>;
  /** Ends the round; of what was made in it, nothing stays. */
  stop(): Promise<void>;
}

/** The first couple of thousand messages cost twice as much, until the engine has compiled what they go through. */
const leastWarmUp = 4_000;

/** Gives the server of a round, where the bench has one. */
export type ServerOfRound = () => Promise<RoundServer | undefined>;

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
      const make = async (channel: string): Promise<string> => {
        for (const each of [channel, warmUpChannel(channel)]) await running?.makeChannel?.(each);
        return channel;
      };
      // a server that outlives the run may have the channels of another one
      const prefix = `bench-${process.pid}-${Date.now()}`;
      if (filledBy !== undefined) await run(filledBy, await make(prefix));
      for (let i = 0; i < entrants.length; i++) {
        const turn = (i + round) % entrants.length;
        const entrant = entrants[turn]!;
        const channel = filledBy === undefined ? await make(`${prefix}-${turn}`) : prefix;
        measured.get(entrant)!.push(await run(entrant, channel));
      }
    } finally {
      await running?.stop();
    }
  }
  return [...measured].map(([entrant, measurements]) => {
    const messages = messagesOf(comparison, settings, entrant);
    return {
      label: entrant.label,
      rate: measurements.map(({ seconds }) => messages / seconds),
      cpu: measurements.map(({ cpuSeconds }) => (cpuSeconds / messages) * 1e6),
      memory: measurements.map(({ peakMemory }) => peakMemory),
      server: measurements.flatMap(({ serverShare }) => serverShare ?? []),
    };
  });
}

/** How many messages are measured. */
export function messagesOf({ scale = 1 }: Comparison, { messages }: BenchSettings, entrant?: Entrant): number {
  return Math.ceil(messages * scale * (entrant?.share ?? 1));
}

/** The most messages that are unconfirmed, or unacked, at a time. */
export function windowOf({ window = 4096 }: Comparison, settings: BenchSettings): number {
  return settings.window ?? window;
}

function jobFor(
  entrant: Entrant,
  channel: string,
  comparison: Comparison,
  settings: BenchSettings,
  server: ServerAddress | undefined,
): Job {
  const messages = messagesOf(comparison, settings, entrant);
  const { contender, task } = entrant;
  const { size, profile } = settings;
  return {
    contender,
    task,
    messages,
    warmUp: Math.max(Math.ceil(messages / 4), leastWarmUp),
    size,
    window: windowOf(comparison, settings),
    channel,
    server,
    profile: profile && join(profile, `${contender}-${task}-${Date.now()}.cpuprofile`),
  };
}
