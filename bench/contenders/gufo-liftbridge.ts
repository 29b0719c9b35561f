import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gufoLiftbridge as environment } from '../../spec/support/peers/gufo-liftbridge.js';
import type { Contender, Job, Runner } from '../contender.js';
import { programRunner } from './program.js';

/** The Python client, which measures itself. */
export const gufoLiftbridge: Contender = {
  publish: (job) => runner(job, 'publish'),
  replay: (job) => runner(job, 'replay'),
};

const script = fileURLToPath(new URL('./gufo_liftbridge_tasks.py', import.meta.url));

async function runner({ server, size, window }: Job, task: string): Promise<Runner> {
  const interpreter = join(await environment(), 'bin', 'python');
  const { host, port } = server!;
  return programRunner(interpreter, [script, task], { host, port, size, window });
}
