import { expect } from 'chai';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { command } from '../support/command.js';
import { node, root } from './built.js';
import { consumer } from './consumer.js';

const bin = (name: string): string => join(root, 'node_modules', name);

describe('the tarball', () => {
  it('holds the build and the papers, and nothing of the workshop', async () => {
    const { tarball } = await consumer();
    const listed = await command('tar', ['-tzf', tarball], { install: 'Install tar.' });
    const paths = listed
      .trim()
      .split('\n')
      .map((path) => path.replace(/^package\//, ''));
    expect(paths).to.include.members(['package.json', 'LICENSE', 'dist/index.js', 'dist/index.d.ts']);
    const folders = new Set(paths.map((path) => (path.includes('/') ? path.slice(0, path.indexOf('/') + 1) : path)));
    expect(['package.json', 'LICENSE', 'README.md', 'CHANGELOG.md', 'dist/', 'proto/']).to.include.members([
      ...folders,
    ]);
    const kinds = new Set(
      paths.filter((path) => path.startsWith('dist/')).map((path) => /\.(?:d\.)?\w+$/.exec(path)?.[0]),
    );
    expect([...kinds].sort()).to.deep.equal(['.d.ts', '.js']);
  });

  it('passes publint', async () => {
    const { tarball } = await consumer();
    await node([bin('publint/src/cli.js'), tarball, '--strict']);
  });

  it('has types that every module resolution finds', async () => {
    const { tarball } = await consumer();
    const args = ['--profile', 'esm-only', '--no-color', '--no-emoji', '--format', 'ascii'];
    await node([bin('@arethetypeswrong/cli/dist/index.js'), tarball, ...args]);
  });

  it('has the same version in package.json and the lock file, which names no registry', async () => {
    const read = async (name: string): Promise<string> => readFile(join(root, name), 'utf8');
    const { version } = JSON.parse(await read('package.json')) as { version: string };
    const text = await read('package-lock.json');
    const lock = JSON.parse(text) as { version: string; packages: Record<string, { version: string }> };
    expect([lock.version, lock.packages['']?.version]).to.deep.equal([version, version]);
    expect(text).to.not.match(/"resolved"|https?:\/\/[^"]*\.tgz/);
  });
});
