import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { pythonRstream } from '../../spec/support/peers/python-rstream.js';
import type { Contender, Job, Measurement, Runner } from '../contender.js';

/** The Python client, which measures itself: a process of its own does each run. */
export const rstream: Contender = {
  publish: (job) => runner(job, 'publish'),
  replay: (job) => runner(job, 'replay'),
};

const script = fileURLToPath(new URL('./rstream_tasks.py', import.meta.url));
const execute = promisify(execFile);

async function runner({ server, size, window }: Job, task: string): Promise<Runner> {
  const interpreter = join(await pythonRstream(), 'bin', 'python');
  const { host, port, login } = server!;
  return {
    async run(stream, messages) {
      const options = Object.entries({ host, port, ...login, stream, messages, size, window });
      const args = options.map(([name, value]) => `--${name}=${value}`);
      const { stdout } = await execute(interpreter, [script, task, ...args]);
      return JSON.parse(stdout) as Measurement;
    },
    close: async () => undefined,
  };
}
