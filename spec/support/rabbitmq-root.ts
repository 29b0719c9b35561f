import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cached } from './cache.js';
import { command } from './command.js';

/** The version that the kit runs, natively and in containers. */
export const rabbitMqVersion = '4.0.5';

// Debian 13 has this version, and its stable releases keep theirs.
const suite = 'trixie';
const packages = ['rabbitmq-server', 'ca-certificates'];

/** Where a node finds its own folder within the root. */
export const runData = '/run-data';

let built: Promise<string> | undefined;

/**
 * The folder of a small Debian that has RabbitMQ, made from packages when the cache has not got it. Nodes run in it by
 * `chroot`, each in namespaces of its own, and don't write to it.
 */
export function rabbitMqRoot(): Promise<string> {
  built ??= build();
  return built;
}

const install =
  'Natively RabbitMQ runs on Linux alone, as root, in namespaces of its own: install mmdebstrap and util-linux ' +
  '(Debian, Ubuntu: apt-get install mmdebstrap debian-archive-keyring util-linux). ' +
  'Else start a Docker engine, or give a server in RX_WEIR_RABBITMQ.';

async function build(): Promise<string> {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) {
    throw new Error(`RabbitMQ can't be started here. ${install}`);
  }
  return cached({
    name: 'rabbitmq',
    pins: [rabbitMqVersion, suite, ...packages, 'layout 1'],
    build: async (target) => {
      await needMmdebstrap();
      const args = ['--variant=essential', '--format=directory', `--include=${packages.join(',')}`, suite, target];
      await runToEnd('mmdebstrap', args).catch((cause: unknown) => {
        throw new Error(`${String(cause)}\nThat was to prepare RabbitMQ. ${install}`, { cause });
      });
      const version = `rabbitmq_server-${rabbitMqVersion}`;
      const found = await readdir(join(target, 'usr/lib/rabbitmq/lib'));
      if (!found.includes(version)) {
        throw new Error(`Debian's ${suite} was to bring ${version}, and brought ${found.join(', ')}.`);
      }
      // No look-up of the nodes' names leaves the machine.
      await writeFile(join(target, 'etc/hosts'), '127.0.0.1 localhost\n');
      await mkdir(join(target, runData));
    },
  });
}

async function needMmdebstrap(): Promise<void> {
  const has = (tool: string): Promise<boolean> =>
    command(tool, ['--version'], { install: '' }).then(
      () => true,
      () => false,
    );
  if ((await has('mmdebstrap')) || !(await has('apt-get'))) {
    return;
  }
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  const lock = ['-o', 'DPkg::Lock::Timeout=300'];
  // One of several sources may be out of reach; what is missing then is told by the installation.
  await command('apt-get', [...lock, 'update'], { env, install }).catch(() => undefined);
  const wanted = ['mmdebstrap', 'debian-archive-keyring'];
  await command('apt-get', [...lock, 'install', '--yes', '--no-install-recommends', ...wanted], { env, install });
}

/** In a pid namespace, so that none of its many processes is left when this one is killed. */
async function runToEnd(file: string, args: readonly string[]): Promise<void> {
  const alone = ['--mount', '--pid', '--fork', '--kill-child=SIGKILL', '--mount-proc'];
  await command('setpriv', ['--pdeathsig', 'KILL', 'unshare', ...alone, file, ...args], { install });
}
