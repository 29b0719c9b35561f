import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { root } from '../../../scripts/lanes/order.js';
import { goServer } from '../go-server.js';
import { removeFolder, temporaryFolder } from '../guard.js';
import { isAlive } from '../lock.js';
import { isFree } from '../ports.js';
import { until } from '../wait.js';

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly said: string;
}

describe('scripts/lanes', () => {
  let folder: string;

  before(() => goServer('nats-streaming'));

  beforeEach(async () => {
    folder = await temporaryFolder();
  });

  afterEach(() => removeFolder(folder));

  /** `npm test` with these arguments, on fixtures. */
  const start = (args: readonly string[], names: readonly string[]) => {
    const files = names.map((name) => `spec/support/fixtures/lanes/${name}.ts`);
    const child = spawn(process.execPath, ['scripts/test.mjs', ...args, ...files], {
      cwd: root,
      env: { ...process.env, FORCE_COLOR: '0', NO_COLOR: '1', RX_WEIR_NOTES: join(folder, 'notes') },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
    const ended = once(child, 'close').then(([code, signal]): Ended => ({
      code: code as number | null,
      signal: signal as NodeJS.Signals | null,
      said,
    }));
    return { child, ended };
  };

  const run = (args: readonly string[], ...names: readonly string[]): Promise<Ended> => start(args, names).ended;

  it('merge all files into one summary of mocha, with the failures at its end', async () => {
    const { code, said } = await run(['--lanes', '2'], 'quick', 'steady');
    expect(code, said).to.equal(1);
    expect(said).to.match(/^ {2}quick\n {4}\S passes\n {4}1\) fails\n$/m);
    expect(said).to.match(/^ {2}steady\n {4}\S one\n {4}\S two\n {4}\S three\n$/m);
    const summary = said.slice(said.indexOf('4 passing'));
    expect(summary).to.match(
      /^4 passing \(\d+\w+\)\n {2}1 failing\n\n {2}1\) quick\n {7}fails:\n {5}Error: with a bigint/,
    );
    expect(summary).to.include('Caused by: Error: the cause of it');
  });

  it('go on in another process where a spec has ended its own, and blame the spec', async () => {
    const { code, said } = await run(['--lanes', '1'], 'dying', 'steady');
    expect(code, said).to.equal(1);
    expect(said).to.include('4 passing').and.to.include('1 failing');
    expect(said).to.match(
      /1\) dying\n {7}ends the process:\n {5}The process of the lane ended with code 3 in the middle/,
    );
  });

  it('run the files with failures once more for CI, and say loudly what passed only then', async () => {
    const counts = join(folder, 'counts');
    const { code, said } = await run(['--ci', counts], 'unsteady', 'steady');
    expect(code, said).to.equal(0);
    expect(await readFile(counts, 'utf8')).to.equal('5 passed, 0 failed\n');
    expect(said).to.match(
      /UNSTEADY: passed only in a second run:\n\n {2}unsteady > passes in a second run\n {4}Error: not yet/,
    );
    expect(said).to.match(/^The slowest spec files, in seconds:\n {2}\d+\.\d {2}spec\/support\/fixtures\/lanes\//m);
  });

  it('fail for CI when a spec fails twice', async () => {
    const counts = join(folder, 'counts');
    const { code, said } = await run(['--ci', counts], 'quick', 'steady');
    expect(code, said).to.equal(1);
    expect(await readFile(counts, 'utf8')).to.equal('4 passed, 1 failed\n');
    expect(said).not.to.include('UNSTEADY');
  });

  it('run nothing a second time without --ci', async () => {
    const { code, said } = await run(['--lanes', '1'], 'unsteady');
    expect(code, said).to.equal(1);
    expect(said)
      .to.include('1 failing')
      .and.not.to.match(/Second run|UNSTEADY/);
  });

  for (const signal of ['SIGINT', 'SIGTERM', 'SIGKILL'] as const) {
    it(`leave nothing behind when the run ends by ${signal}`, async () => {
      const notes = join(folder, 'notes');
      const { child, ended } = start(['--lanes', '1'], ['waiting']);
      await until(() => existsSync(notes), { timeout: 20_000, message: 'the spec to be under way' });
      const left = JSON.parse(await readFile(notes, 'utf8')) as { port: number; folder: string; pids: number[] };
      child.kill(signal);
      expect((await ended).signal).to.equal(signal);
      await until(() => isFree(left.port), { message: `port ${left.port} to close` });
      await until(() => !existsSync(left.folder), { message: `${left.folder} to go` });
      for (const pid of left.pids) await until(() => !isAlive(pid), { message: `process ${pid} to end` });
    });
  }
});
