import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { cached } from './cache.js';
import { command } from './command.js';

const modules = {
  'nats-streaming': {
    package: 'github.com/nats-io/nats-streaming-server',
    variable: 'RX_WEIR_NATS_STREAMING',
  },
  liftbridge: {
    package: 'github.com/liftbridge-io/liftbridge',
    variable: 'RX_WEIR_LIFTBRIDGE',
  },
  'nats-server': {
    package: 'github.com/nats-io/nats-server/v2',
    variable: undefined,
  },
} as const;

/** The servers that the kit builds from Go modules of its own, in `servers/`. */
export type GoServer = keyof typeof modules;

const built = new Map<GoServer, Promise<string>>();

/**
 * The path of a server's binary, built at the version that its go.mod and go.sum pin. The first build on a machine
 * downloads and compiles; later ones only look into the cache.
 */
export function goServer(name: GoServer): Promise<string> {
  let path = built.get(name);
  if (!path) {
    path = build(name);
    built.set(name, path);
  }
  return path;
}

async function build(name: GoServer): Promise<string> {
  const folder = fileURLToPath(new URL(`./servers/${name}`, import.meta.url));
  const module = modules[name];
  const install =
    'Install Go 1.24 or later (https://go.dev/dl) so that the specs can build their server' +
    (module.variable ? `, start a Docker engine, or give a server's address in ${module.variable}.` : '.');
  const [mod, sum, version] = await Promise.all([
    readFile(join(folder, 'go.mod'), 'utf8'),
    readFile(join(folder, 'go.sum'), 'utf8'),
    command('go', ['env', 'GOVERSION'], { cwd: folder, install }),
  ]);
  return cached({
    name,
    pins: [mod, sum, version],
    build: async (target) => {
      const flags = ['-mod=readonly', '-trimpath', '-buildvcs=false', '-ldflags=-s -w'];
      const env = { CGO_ENABLED: '0' };
      await command('go', ['build', ...flags, '-o', target, module.package], { cwd: folder, env, install });
    },
  });
}
