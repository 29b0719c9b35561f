import { createRequire } from 'node:module';
import { version } from '../version.js';
import type { Kind } from '../url.js';
import { ok, warning, type Check } from './check.js';
import type { Spoken } from './identify.js';

const packages: Readonly<Record<Kind, readonly string[]>> = {
  memory: [],
  'nats-streaming': ['nats', '@nats-io/transport-node', '@nats-io/nats-core'],
  'rabbitmq-stream': [],
  liftbridge: [],
  lonelyps: ['undici', 'ws'],
};

/** Which versions work together here. */
export async function versionsCheck(kind: Kind, spoken: Spoken | undefined): Promise<Check> {
  const server = serverOf(kind, spoken);
  const here = [`rx-weir ${await version()}`, `Node ${process.versions.node}`];
  const installed = ['rxjs', ...packages[kind]].flatMap((name) => versionOf(name));
  const found = [...server, ...here, ...installed].join(', ');
  const rabbit = kind === 'rabbitmq-stream' ? spoken?.facts['version'] : undefined;
  if (rabbit !== undefined && isBefore(rabbit, 3, 13)) {
    return warning('versions', found, 'super streams cannot be made, and filters do not work, before RabbitMQ 3.13');
  }
  return ok('versions', found);
}

function serverOf(kind: Kind, spoken: Spoken | undefined): string[] {
  const { version: its, server } = spoken?.facts ?? {};
  const name = kind === 'rabbitmq-stream' ? 'RabbitMQ' : kind === 'nats-streaming' ? 'NATS server' : '';
  return its !== undefined ? [`${name} ${its}`] : server !== undefined ? [`server ${server}`] : [];
}

function versionOf(name: string): string[] {
  try {
    const read = createRequire(import.meta.url)(`${name}/package.json`) as { readonly version: string };
    return [`${name} ${read.version}`];
  } catch {
    return [];
  }
}

function isBefore(version: string, major: number, minor: number): boolean {
  const [itsMajor = 0, itsMinor = 0] = version.split('.').map(Number);
  return itsMajor < major || (itsMajor === major && itsMinor < minor);
}
