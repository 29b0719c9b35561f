// Spec files in lanes: those given, of folders too, else all. How many lanes there are, `--lanes N` says, else two. With
// `--ci FILE`, failures get a second chance, and FILE the words for the last line. With `--record`, how long the files
// took is noted, which is what their order is made from.
import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { killLanes } from './lane-process.js';
import { longestFirst, record, recordedSeconds, specFiles } from './order.js';
import { countsOf, slowest, type Counts } from './report.js';
import { runInLanes } from './run.js';
import { runSteadily, unsteadyLines } from './steady.js';

const { values, positionals } = parseArgs({
  options: { ci: { type: 'string' }, lanes: { type: 'string' }, record: { type: 'boolean' } },
  allowPositionals: true,
});

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => void killLanes().then(() => process.kill(process.pid, signal)));
}
// npm ends the shell between itself and this process, and no more than that
const parent = process.ppid;
if (process.env['npm_lifecycle_event'] !== undefined) {
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    process.kill(process.pid, 'SIGTERM');
  }, 1_000);
  timer.unref();
}

const files = longestFirst(specFiles(positionals), recordedSeconds());
const lanes = Number(values.lanes ?? Math.min(2, availableParallelism()));
const { failed } = values.ci === undefined ? await runOnce() : await runForCi(values.ci);
process.exitCode = Math.min(failed, 255);

async function runOnce(): Promise<Counts> {
  const report = await runInLanes(files, lanes);
  if (values.record === true) record(report);
  return countsOf(report);
}

async function runForCi(file: string): Promise<Counts> {
  const { first, unsteady, passed, failed } = await runSteadily(files, lanes, runInLanes, (names) => {
    print(['Second run, of the files with failures, alone:', ...names.map((name) => `  ${name}`)]);
  });
  if (values.record === true) record(first);
  print(slowest(first));
  print(unsteadyLines(unsteady));
  writeFileSync(file, `${passed} passed, ${failed} failed\n`);
  return { passed, failed };
}

function print(lines: readonly string[]): void {
  if (lines.length > 0) console.log(`\n${lines.join('\n')}\n`);
}
