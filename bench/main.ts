import { mkdir } from 'node:fs/promises';
import { cpus } from 'node:os';
import { built } from '../spec/package/built.js';
import { stopAll } from '../spec/support/brokers/index.js';
import { whoIsThere } from './absent.js';
import { benches } from './benches.js';
import { layOut, summarise, type Report } from './report.js';
import { messagesOf, runRounds, windowOf } from './rounds.js';
import { servers } from './server.js';
import { readSettings, usage, type BenchSettings } from './settings.js';

// Measures the built package, as users get it. The numbers of one run are for one machine; the ratios travel better.

let settings: BenchSettings;
try {
  settings = readSettings(process.argv.slice(2));
} catch (error) {
  console.error(`${(error as Error).message}\n\n${usage}`);
  process.exit(2);
}

await built();
const { names, rounds, messages, size, window, json, profile } = settings;
const machine = { node: process.version, cpu: cpus()[0]?.model.trim() ?? 'unknown', cores: cpus().length };
if (!json) {
  console.log(`Node ${machine.node}, ${machine.cores} × ${machine.cpu}`);
  console.log(`messages of ${size} bytes, median of ${rounds} interleaved rounds\n`);
}
if (profile !== undefined) await mkdir(profile, { recursive: true });
const reports: Report[] = [];
try {
  for (const name of names) {
    const { server, comparisons } = benches[name]!;
    const serverOfRound = server === undefined ? async () => undefined : servers[server];
    for (const whole of comparisons) {
      const { comparison, notes } = await whoIsThere(whole);
      const series = await runRounds(comparison, settings, serverOfRound, showProgress);
      const report = summarise(comparison, series, notes);
      showProgress('');
      reports.push(report);
      if (json) continue;
      console.log(`${messagesOf(comparison, settings)} messages, window ${windowOf(comparison, settings)}`);
      console.log(`${layOut(report)}\n`);
    }
  }
} finally {
  await stopAll();
}
if (json) console.log(JSON.stringify({ machine, settings: { rounds, messages, size, window }, reports }, undefined, 2));

/** One line on a terminal that writes over itself; nothing elsewhere. */
function showProgress(line: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${line}`);
}
