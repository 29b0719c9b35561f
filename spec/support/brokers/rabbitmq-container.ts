import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sharedCertificates } from '../certificates.js';
import { temporaryFolder } from '../guard.js';
import { freePort } from '../ports.js';
import { rabbitMqVersion } from '../rabbitmq-root.js';
import { containerHost, runContainer, type ContainerPlan } from './container-server.js';
import { rabbitMqConfig, rabbitMqPlugins, wantsTls, type RabbitMqListeners } from './rabbitmq-config.js';
import { asRabbitMq } from './rabbitmq-facts.js';
import type { RabbitMqNode, RabbitMqOptions } from './rabbitmq-server.js';

const home = '/etc/rabbitmq';
const node = 'rabbit@localhost';

/** Starts a node in a container. Its ports have the same numbers inside and outside, for it tells them to clients. */
export async function startRabbitMqContainer(options: RabbitMqOptions): Promise<RabbitMqNode> {
  const certificates = wantsTls(options) ? await sharedCertificates() : undefined;
  const listeners: RabbitMqListeners = {
    bind: '0.0.0.0',
    advertisedHost: await containerHost(),
    port: await freePort(),
    tlsPort: certificates ? await freePort() : undefined,
    amqpPort: await freePort(),
    managementPort: await freePort(),
  };
  const { port, tlsPort, amqpPort, managementPort } = listeners;
  const folder = await temporaryFolder();
  const [config, plugins] = [join(folder, 'rabbitmq.conf'), join(folder, 'enabled_plugins')];
  await writeFile(config, rabbitMqConfig(options, listeners, home));
  await writeFile(plugins, rabbitMqPlugins(options));
  const files: [source: string | undefined, target: string][] = [
    [config, 'conf.d/90-weir.conf'],
    [plugins, 'enabled_plugins'],
    [certificates?.ca, 'ca.pem'],
    [certificates?.serverCert, 'server.pem'],
    [certificates?.serverKey, 'server-key.pem'],
  ];
  const plan: ContainerPlan = {
    image: `rabbitmq:${rabbitMqVersion}-management`,
    environment: { RABBITMQ_NODENAME: node, ...options.env },
    // The node does not run as root there, hence the mode.
    files: files.flatMap(([source, target]) =>
      source === undefined ? [] : [{ source, target: `${home}/${target}`, mode: 0o644 }],
    ),
    ports: [port, tlsPort, amqpPort, managementPort].filter((number) => number !== undefined),
    ready: /Time to start RabbitMQ/,
    readyTimeout: options.readyTimeout,
  };
  const facts = { port, url: '', monitorUrl: undefined, wsUrl: undefined, certificates };
  const server = await runContainer(plan, folder, () => facts);
  return asRabbitMq(server, {
    node,
    listeners,
    data: '/var/lib/rabbitmq/mnesia',
    succeeds: async (script) => (await server.run(['sh', '-c', script])) === 0,
  });
}
