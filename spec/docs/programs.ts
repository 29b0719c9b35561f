import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { root } from '../package/built.js';
import type { Block, Page } from './pages.js';

/** A block of a page, written down. */
export interface Written {
  readonly page: Page;
  readonly block: Block;
  /** Below the folder, without its ending. */
  readonly name: string;
}

/** What a process did. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A folder with the blocks of pages as modules, inside of the package so that they find it by its name. */
export class Programs {
  private constructor(
    readonly folder: string,
    readonly all: readonly Written[],
  ) {}

  /** @param edit - what is written for a block; its code where nothing is said */
  static async write(pages: readonly Page[], edit: (block: Block) => string = ({ code }) => code): Promise<Programs> {
    await mkdir(join(root, 'temp'), { recursive: true });
    const folder = await mkdtemp(join(root, 'temp/docs-'));
    const all = pages.flatMap((page) =>
      page.blocks
        .filter(({ language }) => language === 'ts')
        .map((block) => ({ page, block, name: `${folderOf(page)}/${moduleOf(block)}` })),
    );
    for (const { name, block } of all) {
      const path = join(folder, `${name}.ts`);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, edit(block));
    }
    return new Programs(folder, all);
  }

  /**
   * Compiles all of them at once, and gives what the compiler says: lines of a page by the block that they are in.
   * @param check - false: without a look at types, for those that are checked elsewhere
   */
  async compile({ check = true } = {}): Promise<Map<Written, string[]>> {
    const config = {
      extends: '../../tsconfig.json',
      compilerOptions: {
        noEmit: false,
        noCheck: !check,
        rootDir: '.',
        outDir: 'out',
        // a block without an import is a module too
        moduleDetection: 'force',
        // some are for pages
        lib: ['ES2023', 'ESNext.Disposable', 'DOM', 'DOM.Iterable'],
      },
      include: ['**/*.ts'],
      exclude: ['out'],
    };
    await writeFile(join(this.folder, 'tsconfig.json'), JSON.stringify(config));
    const tsc = join(root, 'node_modules/typescript/bin/tsc');
    const { stdout, stderr, code } = await run([tsc, '--pretty', 'false', '-p', 'tsconfig.json'], this.folder, 180_000);
    const problems = new Map<Written, string[]>();
    let last: string[] | undefined;
    for (const line of `${stdout}${stderr}`.split('\n')) {
      const [, name, at, said] = /^(.+)\.ts\((\d+),\d+\): (.*)$/.exec(line) ?? [];
      if (name === undefined) {
        // the rest of a message
        if (line.trim() !== '') last?.push(line);
        continue;
      }
      const written = this.all.find((each) => each.name === name);
      if (written === undefined) throw new Error(`The compiler says: ${line}`);
      last = problems.get(written) ?? [];
      problems.set(written, last);
      last.push(`${written.page.path}:${written.block.line + Number(at) - 1}: ${said}`);
    }
    if (code !== 0 && problems.size === 0) throw new Error(`The compiler failed: ${stdout}${stderr}`);
    return problems;
  }

  /** Runs one that was compiled to its end. */
  run({ name }: Written): Promise<Outcome> {
    return run([join('out', `${name}.js`)], this.folder, 60_000);
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** Calls for each, with so many under way at a time, and gives the promise of each. */
export function pooled<T, R>(values: readonly T[], size: number, work: (value: T) => Promise<R>): Map<T, Promise<R>> {
  const lanes = Array.from({ length: size }, (): Promise<unknown> => Promise.resolve());
  const results = new Map<T, Promise<R>>();
  for (const [index, value] of values.entries()) {
    const lane = index % size;
    const result = lanes[lane]!.then(() => work(value));
    lanes[lane] = result.catch(() => undefined);
    results.set(value, result);
  }
  return results;
}

function folderOf({ path }: Page): string {
  return path.replace(/^docs\//, '').replace(/\.md$/, '');
}

function moduleOf({ file, line }: Block): string {
  return file === undefined ? `line-${line}` : basename(file, '.ts');
}

function run(args: readonly string[], cwd: string, timeout: number): Promise<Outcome> {
  const env = { ...process.env, NODE_OPTIONS: '', NODE_NO_WARNINGS: '1', FORCE_COLOR: '0' };
  return new Promise((resolve) => {
    execFile(process.execPath, args, { cwd, env, timeout, maxBuffer: 16 << 20 }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : -1, stdout, stderr });
    });
  });
}
