import { cpuOf } from '../spec/support/process-cpu.js';
import { warmUpChannel, type Job, type Measurement, type Runner } from './contender.js';
import { contenders } from './contenders/index.js';
import { profiled } from './profile.js';

// The process in which one contender runs one task once: nobody else's garbage, heap or compiled code is in it.

/** What a child process answers. */
export type Answer =
  { readonly ok: true; readonly measurement: Measurement } | { readonly ok: false; readonly reason: string };

async function measure(job: Job): Promise<Measurement> {
  const contender = await contenders[job.contender]!();
  const runner: Runner = await contender[job.task]!(job);
  const warmUp = warmUpChannel(job.channel);
  if (job.warmUp > 0) {
    await runner.prepare?.(warmUp, job.warmUp);
    await runner.run(warmUp, job.warmUp);
  }
  await runner.prepare?.(job.channel, job.messages);
  const serverCpu = serverCpuOf(job);
  const serverBefore = serverCpu?.() ?? 0;
  const cpuBefore = process.cpuUsage();
  const before = process.hrtime.bigint();
  const run = () => runner.run(job.channel, job.messages);
  const elsewhere = await (job.profile === undefined ? run() : profiled(job.profile, run));
  const seconds = Number(process.hrtime.bigint() - before) / 1e9;
  const { user, system } = process.cpuUsage(cpuBefore);
  const serverShare = serverCpu && (serverCpu() - serverBefore) / (seconds * 1e3);
  const peakMemory = process.resourceUsage().maxRSS * 1024;
  await runner.close();
  return elsewhere ?? { seconds, cpuSeconds: (user + system) / 1e6, peakMemory, serverShare };
}

/** Gives what the server has computed so far, in ms, where that is of interest. */
function serverCpuOf({ server }: Job): (() => number) | undefined {
  const pid = server?.pid;
  return pid === undefined ? undefined : () => cpuOf(pid);
}

async function answer(job: Job): Promise<void> {
  let answer: Answer;
  try {
    answer = { ok: true, measurement: await measure(job) };
  } catch (error) {
    answer = { ok: false, reason: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
  process.send?.(answer, () => {
    // what a contender left open must not keep the process
    process.exit();
  });
}

process.once('message', (job: Job) => void answer(job));
process.once('disconnect', () => {
  process.exit(1);
});
