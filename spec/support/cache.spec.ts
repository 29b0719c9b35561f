import { expect } from 'chai';
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { command } from './command.js';
import { cached } from './cache.js';
import { runFixture } from './fixtures/run.js';
import { removeFolder, temporaryFolder } from './guard.js';
import { withLock } from './lock.js';
import { until } from './wait.js';

describe('support/cache', () => {
  let folder: string;
  const previous = process.env['RX_WEIR_CACHE'];

  beforeEach(async () => {
    folder = await temporaryFolder();
    process.env['RX_WEIR_CACHE'] = join(folder, 'cache');
  });

  afterEach(async () => {
    if (previous === undefined) {
      delete process.env['RX_WEIR_CACHE'];
    } else {
      process.env['RX_WEIR_CACHE'] = previous;
    }
    await removeFolder(folder);
  });

  it('builds once when two runs ask at the same time', async () => {
    const notes = join(folder, 'notes');
    const runs = [runFixture('build-slowly.ts', [notes]), runFixture('build-slowly.ts', [notes])];
    expect(await Promise.all(runs.map(({ firstLine }) => firstLine))).to.deep.equal(['built', 'built']);
    await Promise.all(runs.map(({ ended }) => ended));
    expect((await readFile(notes, 'utf8')).trim().split('\n')).to.have.lengthOf(1);
    expect(await readdir(join(folder, 'cache'))).to.have.lengthOf(1);
  });

  it('builds again when a pin changes, and keeps the other result', async () => {
    const build = (target: string): Promise<void> => writeFile(target, 'x');
    const first = await cached({ name: 'thing', pins: ['1', '2'], build });
    const second = await cached({ name: 'thing', pins: ['12'], build });
    const again = await cached({
      name: 'thing',
      pins: ['1', '2'],
      build: () => Promise.reject(new Error('not needed')),
    });
    expect(second).not.to.equal(first);
    expect(again).to.equal(first);
  });

  it('leaves nothing half-built after a failure, and tries again', async () => {
    const entry = { name: 'thing', pins: [] };
    const failing = async (target: string): Promise<void> => {
      await mkdir(target);
      await writeFile(join(target, 'part'), 'x');
      throw new Error('the disk is full');
    };
    const error = await cached({ ...entry, build: failing }).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).to.be.an('error').with.property('message', 'the disk is full');
    expect(await readdir(join(folder, 'cache'))).to.deep.equal([]);
    const path = await cached({ ...entry, build: (target) => writeFile(target, 'whole') });
    expect(await readFile(path, 'utf8')).to.equal('whole');
  });

  it('leaves nothing half-built after a run that is killed', async () => {
    const files = (): Promise<string[]> => readdir(join(folder, 'cache')).catch(() => []);
    const halves = async (): Promise<string[]> => (await files()).filter((name) => name.endsWith('.part'));
    const { child, ended } = runFixture('build-slowly.ts', [join(folder, 'notes')]);
    await until(async () => (await halves()).length === 1, { message: 'something half-built' });
    child.kill('SIGKILL');
    await ended;
    await until(async () => (await halves()).length === 0, { message: 'it to be removed' });
  });

  it('takes over the lock of a process that has died', async () => {
    const lock = join(folder, 'lock');
    const dead = runFixture('build-slowly.ts', [join(folder, 'notes')]);
    await dead.ended;
    await writeFile(lock, String(dead.child.pid));
    let worked = false;
    await withLock(
      lock,
      () => Promise.resolve(worked),
      () => {
        worked = true;
        return Promise.resolve();
      },
    );
    expect(worked).to.equal(true);
    expect(await readdir(folder)).not.to.include('lock');
  });

  it('says what to install when a tool is missing', async () => {
    const error = await command('no-such-tool', [], { install: 'Install it from its site.' }).catch((e: unknown) => e);
    expect(error).to.be.an('error').with.property('message', 'no-such-tool was not found. Install it from its site.');
  });
});
