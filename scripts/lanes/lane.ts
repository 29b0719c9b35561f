// The process of a lane: runs one spec file after another, each with a mocha of its own, and says what happens.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import Mocha from 'mocha';
import { afterFile, afterRun, beforeFile } from '../../spec/support/hooks.js';
import { root } from './order.js';
import { pack, type LaneMessage, type LaneOrder } from './wire.js';

/** Milliseconds that what is closing may take when the last file is done. */
const grace = 10_000;

const settings = JSON.parse(readFileSync(join(root, '.mocharc.json'), 'utf8')) as Readonly<Record<string, number>>;
const options = {
  timeout: settings['timeout']!,
  slow: settings['slow']!,
  forbidOnly: Boolean(settings['forbid-only']),
  forbidPending: Boolean(settings['forbid-pending']),
  rootHooks: { afterAll: afterFile },
};

let current = '';
let isMochaRunning = false;

// While mocha runs, it has a listener of its own and finds the spec that is to blame.
process.on('uncaughtException', (error) => {
  if (!isMochaRunning) tell({ type: 'fail', path: [current], error: pack(Object.assign(error, { uncaught: true })) });
});

// Whoever runs the lanes is gone, hence so is whatever the specs have started in this group of processes.
const endWithTheRun = (): void => void process.kill(-process.pid, 'SIGKILL');
process.on('disconnect', endWithTheRun);

process.on('message', (order: LaneOrder) => void (order.type === 'run' ? run(order.file) : end()));

/** Base turns what a comparison compared into text; what it would print is left to whoever listens. */
class Told extends Mocha.reporters.Base {
  constructor(runner: Mocha.Runner, given: Mocha.MochaOptions) {
    super(runner, given);
    const on = Mocha.Runner.constants;
    runner.on(on.EVENT_SUITE_BEGIN, ({ root: isRoot, title }) => isRoot || tell({ type: 'suite', title }));
    runner.on(on.EVENT_SUITE_END, ({ root: isRoot }) => isRoot || tell({ type: 'suite end' }));
    runner.on(on.EVENT_TEST_BEGIN, (test) => tell({ type: 'begin', path: test.titlePath() }));
    runner.on(on.EVENT_TEST_PENDING, (test) => tell({ type: 'pending', path: test.titlePath() }));
    runner.on(on.EVENT_TEST_PASS, (test) =>
      tell({ type: 'pass', path: test.titlePath(), duration: test.duration ?? 0, slow: test.slow() }),
    );
    runner.on(on.EVENT_TEST_FAIL, (test, error: unknown) =>
      tell({ type: 'fail', path: test.titlePath(), error: pack(error) }),
    );
  }
}

async function run(file: string): Promise<void> {
  const began = performance.now();
  current = file;
  try {
    const mocha = new Mocha({ ...options, reporter: Told as unknown as Mocha.ReporterConstructor });
    mocha.addFile(resolve(root, file));
    await mocha.loadFilesAsync();
    await beforeFile();
    isMochaRunning = true;
    let runner: Mocha.Runner | undefined;
    await new Promise((resolve) => (runner = mocha.run(resolve)));
    runner?.dispose();
  } catch (error) {
    tell({ type: 'fail', path: [file, 'cannot be loaded'], error: pack(error) });
  } finally {
    isMochaRunning = false;
  }
  // what a spec left for the next turn is still a matter of this file
  await new Promise((resolve) => setImmediate(resolve));
  tell({ type: 'file end', seconds: (performance.now() - began) / 1_000 });
}

async function end(): Promise<void> {
  await afterRun();
  process.off('disconnect', endWithTheRun);
  process.disconnect();
  setTimeout(() => {
    console.error(`This keeps the process of a lane alive: ${process.getActiveResourcesInfo().join(', ')}.`);
    spawnSync('ps', ['-o', 'pid,args', '--ppid', String(process.pid)], { stdio: ['ignore', 2, 2] });
    process.exit(1);
  }, grace).unref();
}

function tell(message: LaneMessage): void {
  process.send?.(message);
}
