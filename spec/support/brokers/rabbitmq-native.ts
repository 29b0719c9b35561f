import { copyFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sharedCertificates } from '../certificates.js';
import { command } from '../command.js';
import { removeFolder, temporaryFolder } from '../guard.js';
import { freePort } from '../ports.js';
import { rabbitMqRoot, rabbitMqVersion, runData } from '../rabbitmq-root.js';
import { ServerProcess } from '../server-process.js';
import { NativeServer } from './native-server.js';
import { rabbitMqConfig, rabbitMqPlugins, wantsTls, type RabbitMqListeners } from './rabbitmq-config.js';
import { asRabbitMq } from './rabbitmq-facts.js';
import type { RabbitMqNode, RabbitMqOptions } from './rabbitmq-server.js';

const loopback = '127.0.0.1';
const script = fileURLToPath(new URL('../servers/rabbitmq/node.sh', import.meta.url));

/** What makes a node part of a cluster. */
export interface NativeMembership {
  readonly name: string;
  /** The port of an epmd that all nodes use; else the node has one of its own. */
  readonly epmdPort: number;
  readonly cookie: string;
  /** Further lines of rabbitmq.conf. */
  readonly config: string;
}

/** Starts a node as processes of this machine, in namespaces of their own, on loopback, with a folder of its own. */
export async function startNativeRabbitMq(
  options: RabbitMqOptions,
  membership?: NativeMembership,
): Promise<RabbitMqNode> {
  const root = await rabbitMqRoot();
  for (let attempt = 1; ; attempt++) {
    const listeners = await chooseListeners(options);
    const folder = await temporaryFolder();
    const config = `${options.config ?? ''}\n${membership?.config ?? ''}`;
    await writeFile(join(folder, 'rabbitmq.conf'), rabbitMqConfig({ ...options, config }, listeners, runData));
    await writeFile(join(folder, 'enabled_plugins'), rabbitMqPlugins(options));
    if (membership) {
      await writeFile(join(folder, '.erlang.cookie'), membership.cookie, { mode: 0o400 });
    }
    const certificates = wantsTls(options) ? await sharedCertificates() : undefined;
    if (certificates) {
      await copyFile(certificates.ca, join(folder, 'ca.pem'));
      await copyFile(certificates.serverCert, join(folder, 'server.pem'));
      await copyFile(certificates.serverKey, join(folder, 'server-key.pem'));
    }
    const node = `${membership?.name ?? 'rabbit'}@localhost`;
    const variables = await environment(node, options, membership);
    const program = `/usr/lib/rabbitmq/lib/rabbitmq_server-${rabbitMqVersion}/sbin/rabbitmq-server`;
    const process = new ServerProcess({
      name: `RabbitMQ (${node})`,
      file: 'setpriv',
      args: [
        ...['--pdeathsig', 'KILL', 'unshare', '--mount', '--pid', '--fork', '--kill-child=SIGKILL'],
        ...['/bin/sh', script, root, folder],
        ...Object.entries(variables).map(([name, value]) => `${name}=${value}`),
        program,
      ],
      cwd: folder,
      ready: /Time to start RabbitMQ/,
      readyTimeout: options.readyTimeout ?? 60_000,
      contained: true,
    });
    try {
      await process.start();
      const facts = { port: listeners.port, url: '', monitorUrl: undefined, wsUrl: undefined, certificates };
      return asRabbitMq(new NativeServer(facts, folder, process), {
        node,
        listeners,
        data: join(folder, 'data'),
        succeeds: (test) =>
          command('/bin/sh', ['-c', test], { install: '' }).then(
            () => true,
            () => false,
          ),
      });
    } catch (error) {
      await removeFolder(folder);
      // Another run may take a port between our look and the node's bind.
      if (attempt === 3 || !/eaddrinuse|address already in use|port \d+ in use/.test(process.log())) {
        throw error;
      }
    }
  }
}

async function chooseListeners(options: RabbitMqOptions): Promise<RabbitMqListeners> {
  return {
    bind: loopback,
    advertisedHost: loopback,
    port: await freePort(),
    tlsPort: wantsTls(options) ? await freePort() : undefined,
    amqpPort: await freePort(),
    managementPort: await freePort(),
  };
}

/** The whole environment of a node, which sees its folder as `runData`. */
async function environment(
  node: string,
  options: RabbitMqOptions,
  membership: NativeMembership | undefined,
): Promise<Record<string, string>> {
  const erlang = ['-kernel inet_dist_use_interface {127,0,0,1}'];
  if (membership) {
    erlang.push('-start_epmd false');
  }
  return {
    PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: runData,
    LANG: 'C.UTF-8',
    ERL_EPMD_ADDRESS: loopback,
    ERL_EPMD_PORT: String(membership?.epmdPort ?? (await freePort())),
    RABBITMQ_NODENAME: node,
    RABBITMQ_DIST_PORT: String(await freePort()),
    RABBITMQ_MNESIA_BASE: `${runData}/data`,
    RABBITMQ_LOG_BASE: `${runData}/log`,
    RABBITMQ_LOGS: '-',
    RABBITMQ_CONFIG_FILE: `${runData}/rabbitmq`,
    RABBITMQ_ENABLED_PLUGINS_FILE: `${runData}/enabled_plugins`,
    RABBITMQ_PID_FILE: `${runData}/pid`,
    // The script becomes the node in place of waiting for it, so that signals reach the node.
    RUNNING_UNDER_SYSTEMD: 'true',
    ...options.env,
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: [...erlang, options.env?.['RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS'] ?? ''].join(
      ' ',
    ),
  };
}
