import { existsSync, readdirSync, statSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { command } from '../support/command.js';
import { withLock } from '../support/lock.js';

/** The folder of the package's sources, with a slash at its end. */
export const root = fileURLToPath(new URL('../../', import.meta.url));

/** The entry points that run in browsers too, as users name them. */
export const browserEntries = [
  'rx-weir',
  'rx-weir/memory',
  'rx-weir/nats-streaming',
  'rx-weir/lonelyps',
  'rx-weir/testing',
] as const;

/** The entry points that need modules of Node. */
export const nodeEntries = ['rx-weir/rabbitmq-stream', 'rx-weir/liftbridge', 'rx-weir/nest'] as const;

/** The entry points that cannot be loaded without what they are for: a bundler follows nothing but a plain import. */
export const frameworkEntries = {
  'rx-weir/angular': '@angular/core',
  'rx-weir/opentelemetry': '@opentelemetry/api',
} as const;

/** The entry points that load without any peer but rxjs. */
export const entries = [...browserEntries, ...nodeEntries] as const;

/** The folders of lib/ that may import modules of Node. */
export const nodeFolders = [
  'lib/rabbitmq-stream/',
  'lib/liftbridge/',
  'lib/lonelyps/node/',
  'lib/nest/',
  'lib/cli/',
] as const;

/** The optional peers: packages that a program may do without until it uses what needs them. */
export const optionalPeers = [
  'nats',
  '@nats-io/nats-core',
  '@nats-io/transport-node',
  'snappy',
  '@bokuweb/zstd-wasm',
  'undici',
  'ws',
  '@noble/hashes',
  '@angular/core',
  '@nestjs/common',
  '@nestjs/core',
  '@nestjs/microservices',
  '@opentelemetry/api',
] as const;

const install = 'Run npm ci.';
let building: Promise<void> | undefined;

/** Resolves when dist/ is what lib/ says; builds it if it is older, and once a run at most. */
export function built(): Promise<void> {
  building ??= build();
  return building;
}

/** Two lanes of specs must not build at once. */
async function build(): Promise<void> {
  await mkdir(join(root, 'temp'), { recursive: true });
  await withLock(
    join(root, 'temp/build.lock'),
    async () => isFresh(),
    async () => {
      await command('npm', ['run', '--silent', 'build'], { cwd: root, install });
    },
  );
}

/** Runs a program of node_modules/.bin or scripts/ with this Node. Rejects with what it said if it fails. */
export function node(args: readonly string[], cwd = root): Promise<string> {
  return command(process.execPath, args, { cwd, env: { NODE_OPTIONS: '', FORCE_COLOR: '0' }, install });
}

function isFresh(): boolean {
  const index = join(root, 'dist/index.js');
  if (!existsSync(index)) return false;
  const sources = ['lib', 'package.json', 'tsconfig.json', 'tsconfig.build.json'].flatMap((path) => files(path));
  const newest = Math.max(...sources.map((path) => statSync(join(root, path)).mtimeMs));
  if (newest >= statSync(index).mtimeMs) return false;
  // a file whose source is gone would still be packed
  const wanted = sources
    .filter((path) => path.startsWith('lib/'))
    .map((path) => path.slice('lib/'.length, -'.ts'.length));
  const made = files('dist').filter((path) => path.endsWith('.js'));
  return made.length === wanted.length && wanted.every((name) => made.includes(`dist/${name}.js`));
}

/** The files at or below a path, relative to the root. */
function files(path: string): string[] {
  if (!statSync(join(root, path)).isDirectory()) return [path];
  return readdirSync(join(root, path)).flatMap((name) => files(`${path}/${name}`));
}
