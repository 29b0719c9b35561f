import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Answer } from './child.js';
import type { Job, Measurement } from './contender.js';

const script = fileURLToPath(new URL('./child.ts', import.meta.url));

/** Milliseconds that a child may take, the warm-up included. */
const patience = 120_000;

/** Runs a job in a process of its own. */
export function runChild(job: Job): Promise<Measurement> {
  const what = `${job.contender} ${job.task}`;
  const child = fork(script, [], { execArgv: ['--import', 'tsx'] });
  return new Promise<Measurement>((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(new Error(`${what} was not done within ${patience} ms`));
      child.kill('SIGKILL');
    }, patience);
    let answer: Answer | undefined;
    child.once('message', (message: Answer) => {
      answer = message;
    });
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      clearTimeout(timer);
      if (answer?.ok === true) resolve(answer.measurement);
      else reject(new Error(`${what} failed: ${answer?.reason ?? `the process ended with ${signal ?? code}`}`));
    });
    child.send(job);
  });
}
