import { cp, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { built, root } from '../package/built.js';
import { cached } from '../support/cache.js';
import { command } from '../support/command.js';
import { temporaryFolder } from '../support/guard.js';

const here = fileURLToPath(new URL('./apps/', import.meta.url));

/** The supported majors of Nest. */
export const majors = [10, 11, 12] as const;

/** How a program of the majors is compiled. */
export const kinds = {
  'an ESM program': { file: 'app.mjs', module: ts.ModuleKind.ES2022 },
  'a CommonJS program': { file: 'app.cjs', module: ts.ModuleKind.CommonJS },
} as const;

/** What an application has beside Nest, from the root where its own major does not bring it. */
const ours = ['@nats-io', 'rxjs', 'reflect-metadata', 'tslib'];

/**
 * A folder with the program, compiled for each kind of module, the packages of that major, and this package as it is
 * published: a copy, so that what it requires is found from there.
 */
export async function install(major: (typeof majors)[number]): Promise<string> {
  published ??= publish();
  const [folder, packages, own] = await Promise.all([temporaryFolder(), packagesOf(major), published]);
  const modules = join(folder, 'node_modules');
  await cp(own, join(modules, 'rx-weir'), { recursive: true });
  const taken = new Set(await linkAll(packages, modules));
  for (const name of ours) {
    if (!taken.has(name)) await symlink(join(root, 'node_modules', name), join(modules, name), 'dir');
  }
  await compile(folder);
  return folder;
}

let published: Promise<string> | undefined;

/** This package, as its users have it. Once a run, so that a build beside it does not matter. */
async function publish(): Promise<string> {
  const [folder] = await Promise.all([temporaryFolder(), built()]);
  for (const name of ['dist', 'package.json']) await cp(join(root, name), join(folder, name), { recursive: true });
  return folder;
}

/** Those of the root are of the newest major; the others are installed once into the cache. */
async function packagesOf(major: (typeof majors)[number]): Promise<string> {
  if (major === 12) return join(root, 'node_modules');
  const from = join(here, `nest-${major}`);
  const files = ['package.json', 'package-lock.json'];
  const folder = await cached({
    name: `nest-${major}`,
    pins: await Promise.all(files.map((file) => readFile(join(from, file), 'utf8'))),
    build: async (target) => {
      await mkdir(target);
      for (const file of [...files, '.npmrc']) await cp(join(from, file), join(target, file));
      await command('npm', ['ci', '--ignore-scripts'], { cwd: target, install: 'npm comes with Node.' });
    },
  });
  return join(folder, 'node_modules');
}

async function linkAll(from: string, to: string): Promise<string[]> {
  const names = (await readdir(from)).filter((name) => !name.startsWith('.') && name !== 'rx-weir');
  await Promise.all(names.map((name) => symlink(join(from, name), join(to, name), 'dir')));
  return names;
}

async function compile(folder: string): Promise<void> {
  const source = await readFile(join(here, 'app.ts'), 'utf8');
  for (const { file, module } of Object.values(kinds)) {
    const { outputText } = ts.transpileModule(source, {
      fileName: 'app.ts',
      compilerOptions: {
        module,
        target: ts.ScriptTarget.ES2022,
        experimentalDecorators: true,
        emitDecoratorMetadata: true,
        esModuleInterop: true,
      },
    });
    await writeFile(join(folder, file), outputText);
  }
}
