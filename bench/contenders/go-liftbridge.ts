import { fileURLToPath } from 'node:url';
import { goBuild } from '../../spec/support/go-build.js';
import type { Contender, Job, Runner } from '../contender.js';
import { programRunner } from './program.js';

/** The Go client, which measures itself. */
export const goLiftbridge: Contender = {
  publish: (job) => runner(job, 'publish'),
  replay: (job) => runner(job, 'replay'),
};

/** The path of the program that uses the client; builds it where the cache has not got it. */
export function goLiftbridgeProgram(): Promise<string> {
  return goBuild({
    name: 'go-liftbridge-bench',
    folder: fileURLToPath(new URL('./go-liftbridge', import.meta.url)),
    package: '.',
    sources: ['main.go'],
    install: 'Install Go 1.24 or later (https://go.dev/dl).',
  });
}

async function runner({ server, size, window }: Job, task: string): Promise<Runner> {
  const { host, port } = server!;
  return programRunner(await goLiftbridgeProgram(), [task], { host, port, size, window });
}
