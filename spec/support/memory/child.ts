import { fork } from 'node:child_process';
import { once } from 'node:events';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import type { Growth } from './gauge.js';

const mebibyte = 2 ** 20;
/** What may be gained, by the process and by what it manages, in MiB. */
const most = 64;

/**
 * Runs a program in a process of its own, so that nothing else moves its figures, and gives what it reported. `asked`
 * answers what else it says.
 */
export async function runChild<R>(file: URL, plan: object, asked?: (what: string) => Promise<void>): Promise<R> {
  const child = fork(fileURLToPath(file), [JSON.stringify(plan)], { execArgv: ['--import=tsx', '--expose-gc'] });
  let report: unknown;
  child.on('message', (message) => {
    if (typeof message === 'string') void asked?.(message).then(() => child.send('done'));
    else report = message;
  });
  try {
    const [code] = (await once(child, 'exit')) as [number | null];
    expect(code, `${basename(file.pathname)} ended`).to.equal(0);
  } finally {
    child.kill('SIGKILL');
  }
  return report as R;
}

/** Neither the process nor what it manages has grown by 64 MiB. */
export function expectSmall({ rssGrowth, managedGrowth }: Growth): void {
  expect(rssGrowth / mebibyte, 'growth of rss in MiB').to.be.below(most);
  expect(managedGrowth / mebibyte, 'growth of heap and buffers in MiB').to.be.below(most);
}
