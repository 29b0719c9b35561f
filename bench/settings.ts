import { parseArgs } from 'node:util';
import { benches } from './benches.js';

/** What the command line says. */
export interface BenchSettings {
  /** The names of the benches to run. */
  readonly names: readonly string[];
  readonly rounds: number;
  /** How many messages are measured in each round. */
  readonly messages: number;
  /** Bytes of data in each message. */
  readonly size: number;
  /** The most messages that are unconfirmed, or unacked, at a time. Undefined: as each comparison has it. */
  readonly window: number | undefined;
  /** Whether the result is printed as JSON. */
  readonly json: boolean;
  /** A folder that gets a CPU profile of each measured part. Profiling costs time, so look at no ratio then. */
  readonly profile: string | undefined;
}

export const usage = `npm run bench -- [${Object.keys(benches).join('|')}]... [options]

Without a name, all run.
  --rounds N        rounds, of which the median is taken (default 5)
  --messages N      messages measured in each round (default 200000)
  --size BYTES      data of a message (default 128)
  --window N        most unconfirmed or unacked messages (default 4096; for rabbitmq-stream 20000)
  --json            prints JSON
  --profile FOLDER  writes a CPU profile of each measured part
`;

/** Reads the command line. Throws an Error that says what it does not understand. */
export function readSettings(args: readonly string[]): BenchSettings {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      rounds: { type: 'string', default: '5' },
      messages: { type: 'string', default: '200000' },
      size: { type: 'string', default: '128' },
      window: { type: 'string' },
      json: { type: 'boolean', default: false },
      profile: { type: 'string' },
    },
  });
  for (const name of positionals) {
    if (benches[name] === undefined) throw new Error(`there is no bench '${name}'`);
  }
  return {
    names: positionals.length > 0 ? positionals : Object.keys(benches),
    rounds: positive('rounds', values.rounds),
    messages: positive('messages', values.messages),
    size: positive('size', values.size),
    window: values.window === undefined ? undefined : positive('window', values.window),
    json: values.json,
    profile: values.profile,
  };
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new Error(`--${name} must be a whole number of 1 or more; got '${text}'`);
}
