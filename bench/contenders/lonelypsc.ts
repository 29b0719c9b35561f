import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pythonLonelypsc } from '../../spec/support/peers/python-lonelypsc.js';
import { freePort } from '../../spec/support/ports.js';
import type { Contender, Job, Runner } from '../contender.js';
import { programRunner } from './program.js';

/** The Python client, which measures itself. */
export const lonelypsc: Contender = {
  http: (job) => runner(job, 'http'),
  websocket: (job) => runner(job, 'websocket'),
};

const script = fileURLToPath(new URL('./lonelypsc_tasks.py', import.meta.url));

async function runner({ server, size, window }: Job, transport: 'http' | 'websocket'): Promise<Runner> {
  const interpreter = join(await pythonLonelypsc(), 'bin', 'python');
  const { host, port } = server!;
  const url = `${transport === 'http' ? 'http' : 'ws'}://${host}:${port}`;
  return programRunner(interpreter, [script, transport], { url, listen: await freePort(), size, window });
}
