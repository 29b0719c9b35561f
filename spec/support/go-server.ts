import { fileURLToPath } from 'node:url';
import { goBuild } from './go-build.js';

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

function build(name: GoServer): Promise<string> {
  const { package: main, variable } = modules[name];
  return goBuild({
    name,
    folder: fileURLToPath(new URL(`./servers/${name}`, import.meta.url)),
    package: main,
    install:
      'Install Go 1.24 or later (https://go.dev/dl) so that the specs can build their server' +
      (variable ? `, start a Docker engine, or give a server's address in ${variable}.` : '.'),
  });
}
