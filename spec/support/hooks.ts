import { basename } from 'node:path';
import type { RootHookObject } from 'mocha';
import { stopAll, stopShared } from './brokers/registry.js';
import { clearAll } from './guard.js';
import { provisionAll } from './provision.js';

// Mocha's launcher runs the specs in a child of its own. When the launcher is killed, the child goes too.
const launcher = process.ppid;
if (basename(process.argv[1] ?? '') === 'cli.js') {
  setInterval(() => {
    if (process.ppid !== launcher) {
      process.exit(1);
    }
  }, 1_000).unref();
}

/** Runs before the first spec, when all spec files are loaded: builds the servers that they will ask for. */
export async function mochaGlobalSetup(): Promise<void> {
  await provisionAll((line) => process.stderr.write(`${line}\n`));
}

/** Root hooks of mocha: what a spec has started and not stopped ends with the run. */
export const mochaHooks: RootHookObject = { afterAll: afterRun };

/** In a lane, which loads one file after another: builds the servers that the file just loaded will ask for. */
export const beforeFile = mochaGlobalSetup;

/** In a lane: what a spec has started and not stopped ends with its file, and what specs share goes on. */
export async function afterFile(): Promise<void> {
  await stopAll();
}

/** What ends with the run, whichever file it came from. */
export async function afterRun(): Promise<void> {
  await stopAll();
  await stopShared();
  clearAll();
}
