import { willNeed } from '../provision.js';
import { rabbitMqRoot } from '../rabbitmq-root.js';
import { addressedServer, addressFrom, type BrokerAddress } from './address.js';
import { withFacts } from './broker-server.js';
import { usesContainers } from './docker-engine.js';
import { guest } from './rabbitmq-config.js';
import { startRabbitMqContainer } from './rabbitmq-container.js';
import { setUp } from './rabbitmq-facts.js';
import { RabbitMqManagement } from './rabbitmq-management.js';
import { startNativeRabbitMq } from './rabbitmq-native.js';
import type { RabbitMqOptions, RabbitMqServer } from './rabbitmq-server.js';
import { share } from './registry.js';
import { prepare } from './start-plan.js';

willNeed('RabbitMQ', () => prepare(rabbitMqRoot));

// One server takes seconds to start. As with the registry, there is one of them where this module is loaded twice.
const key = Symbol.for('rx-weir.spec.rabbitmq');
const common = globalThis as { [key]?: Promise<RabbitMqServer> | undefined };

/**
 * Gives a RabbitMQ 4.0.5 with streams. Those who ask for nothing special share one, which cannot be controlled and is
 * not stopped by them: the one at the address in RX_WEIR_RABBITMQ (`host:port` of the stream listener, or
 * `user:password@host:port/vhost`; RX_WEIR_RABBITMQ_MANAGEMENT has `http://host:port` of the management API), else one
 * of this process, which ends with the run. It is a container where a Docker engine answers, else a process. What is
 * not stopped by the spec is stopped by the root hooks.
 */
export async function startRabbitMq(options: RabbitMqOptions = {}): Promise<RabbitMqServer> {
  if (Object.values(options).some((value) => value !== undefined)) {
    return startOwn(options);
  }
  const address = addressFrom('RX_WEIR_RABBITMQ');
  if (address) {
    return addressedRabbitMq(address, process.env['RX_WEIR_RABBITMQ_MANAGEMENT']?.trim() || undefined);
  }
  const server = await commonServer();
  const { host, port, username, password, monitorUrl } = server;
  return addressedRabbitMq({ host, port, path: '', username, password }, monitorUrl);
}

/** The one that is shared; another where it has died, since one spec that fails must not fail all that follow. */
async function commonServer(): Promise<RabbitMqServer> {
  const known = common[key];
  const server = await (common[key] ??= startCommon());
  const lives = known === undefined || (await server.monitor('/api/overview').then(Boolean, () => false));
  if (!lives && common[key] === known) common[key] = startCommon();
  return common[key] ?? startCommon();
}

async function startCommon(): Promise<RabbitMqServer> {
  try {
    const server = await startOwn({});
    share(server);
    return server;
  } catch (error) {
    common[key] = undefined;
    throw error;
  }
}

async function startOwn(options: RabbitMqOptions): Promise<RabbitMqServer> {
  const isContainer = options.needs !== 'process' && (await usesContainers());
  const server = await (isContainer ? startRabbitMqContainer(options) : startNativeRabbitMq(options));
  try {
    await setUp(server, options);
    return server;
  } catch (error) {
    await server.stop();
    throw error;
  }
}

function addressedRabbitMq(address: BrokerAddress, managementUrl: string | undefined): RabbitMqServer {
  const { host, port, path } = address;
  const { username = guest.username, password = guest.password } = address;
  const vhost = path || '/';
  const management = new RabbitMqManagement({ url: managementUrl, username, password, vhost });
  const user = `${encodeURIComponent(username)}:${encodeURIComponent(password)}`;
  return withFacts(addressedServer(address, managementUrl), {
    node: undefined,
    url: `rabbitmq-stream://${user}@${host}:${port}${path && `/${encodeURIComponent(path)}`}`,
    tlsPort: undefined,
    tlsUrl: undefined,
    amqpPort: undefined,
    username,
    password,
    vhost,
    monitor: <T>(page: string) => management.request<T>('GET', page),
    management,
  });
}
