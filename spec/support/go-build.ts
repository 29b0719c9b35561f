import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cached } from './cache.js';
import { command } from './command.js';

/** A Go program, and what its binary depends on. */
export interface GoProgram {
  /** The first part of its name in the cache folder. */
  readonly name: string;
  /** The folder of the module, in which go.mod and go.sum pin all versions. */
  readonly folder: string;
  /** The main package, as `go build` takes it. */
  readonly package: string;
  /** The files of the folder that are compiled, where the main package is in there. */
  readonly sources?: readonly string[];
  /** What the user can do where Go is missing. */
  readonly install: string;
}

/**
 * The path of a program's binary. The first build on a machine downloads and compiles; later ones only look into the
 * cache.
 */
export async function goBuild(program: GoProgram): Promise<string> {
  const { name, folder, sources = [], install } = program;
  const files = ['go.mod', 'go.sum', ...sources].map((file) => readFile(join(folder, file), 'utf8'));
  const version = command('go', ['env', 'GOVERSION'], { cwd: folder, install });
  return cached({
    name,
    pins: await Promise.all([...files, version]),
    build: async (target) => {
      const flags = ['-mod=readonly', '-trimpath', '-buildvcs=false', '-ldflags=-s -w'];
      const env = { CGO_ENABLED: '0' };
      await command('go', ['build', ...flags, '-o', target, program.package], { cwd: folder, env, install });
    },
  });
}
