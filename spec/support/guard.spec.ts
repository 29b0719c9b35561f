import { expect } from 'chai';
import { existsSync } from 'node:fs';
import { goServer } from './go-server.js';
import { runFixture } from './fixtures/run.js';
import { spawnGuarded, temporaryFolder, removeFolder } from './guard.js';
import { isAlive } from './lock.js';
import { isFree } from './ports.js';
import { until } from './wait.js';

interface Left {
  readonly port: number;
  readonly folder: string;
  readonly pid: number;
}

async function untilGone({ port, folder, pid }: Left): Promise<void> {
  await until(() => isFree(port), { message: `port ${port} to close` });
  await until(() => !existsSync(folder), { message: `${folder} to go` });
  await until(() => !isAlive(pid), { message: `process ${pid} to end` });
}

describe('support/guard', () => {
  before(() => goServer('nats-streaming'));

  for (const signal of ['SIGKILL', 'SIGTERM', 'SIGINT'] as const) {
    it(`leaves no server and no folder behind a run that ends by ${signal}`, async () => {
      const { child, firstLine, ended } = runFixture('start-and-wait.ts');
      const left = JSON.parse(await firstLine) as Left;
      expect(await isFree(left.port)).to.equal(false);
      expect(existsSync(left.folder)).to.equal(true);
      child.kill(signal);
      await ended;
      await untilGone(left);
    });
  }

  it('leaves nothing behind a run that ends by itself and has stopped nothing', async () => {
    const { firstLine, ended } = runFixture('start-and-wait.ts', ['leave']);
    const left = JSON.parse(await firstLine) as Left;
    expect(await ended).to.equal(0);
    await untilGone(left);
  });

  it('hands its standard input to a process that reads it', async () => {
    const child = await spawnGuarded('cat', [], { stdin: true });
    child.ref();
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    child.stdin.end('one\ntwo\n');
    await new Promise((resolve) => child.once('close', resolve));
    expect(text).to.equal('one\ntwo\n');
  });

  it('makes and removes folders', async () => {
    const folder = await temporaryFolder();
    expect(existsSync(folder)).to.equal(true);
    await removeFolder(folder);
    expect(existsSync(folder)).to.equal(false);
  });
});
