import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pythonRstream } from '../../spec/support/peers/python-rstream.js';
import type { Contender, Job, Runner } from '../contender.js';
import { programRunner } from './program.js';

/** The Python client, which measures itself. */
export const rstream: Contender = {
  publish: (job) => runner(job, 'publish'),
  replay: (job) => runner(job, 'replay'),
};

const script = fileURLToPath(new URL('./rstream_tasks.py', import.meta.url));

async function runner({ server, size, window }: Job, task: string): Promise<Runner> {
  const interpreter = join(await pythonRstream(), 'bin', 'python');
  const { host, port, login } = server!;
  return programRunner(interpreter, [script, task], { host, port, ...login, size, window });
}
