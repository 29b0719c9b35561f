import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { command } from '../support/command.js';
import { temporaryFolder } from '../support/guard.js';
import { built, root } from './built.js';

/** A program's folder, with the packed package installed in it as from the registry, and nothing else but `rxjs`. */
export interface Consumer {
  readonly folder: string;
  /** The tarball that was installed. */
  readonly tarball: string;
  /** Writes a file of the program and gives its path. */
  write(name: string, lines: string): Promise<string>;
}

const install = 'npm comes with Node.';
let packing: Promise<Consumer> | undefined;

/** Packs and installs once a run; the folder goes with the run. */
export function consumer(): Promise<Consumer> {
  packing ??= make();
  return packing;
}

async function make(): Promise<Consumer> {
  await built();
  const folder = await temporaryFolder();
  const packed = await command('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], {
    cwd: root,
    install,
  });
  const [{ filename }] = JSON.parse(packed) as [{ filename: string }];
  const tarball = join(folder, filename);

  const write = async (name: string, lines: string): Promise<string> => {
    const path = join(folder, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, lines);
    return path;
  };
  await write('package.json', JSON.stringify({ name: 'consumer', private: true, version: '1.0.0' }));
  // peers are left out: rxjs is linked below, and of the optional ones there must be none
  const options = ['--offline', '--legacy-peer-deps', '--ignore-scripts', '--no-audit', '--no-fund', '--no-save'];
  await command('npm', ['install', ...options, tarball], { cwd: folder, install });
  await symlink(join(root, 'node_modules/rxjs'), join(folder, 'node_modules/rxjs'), 'dir');
  return { folder, tarball, write };
}
