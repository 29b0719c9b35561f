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
import { prepare } from './start-plan.js';

willNeed('RabbitMQ', () => prepare(rabbitMqRoot));

/**
 * Gives a RabbitMQ 4.0.5 with streams. The address in RX_WEIR_RABBITMQ (`host:port` of the stream listener, or
 * `user:password@host:port/vhost`; RX_WEIR_RABBITMQ_MANAGEMENT has `http://host:port` of the management API) serves
 * those who ask for nothing special; else it is a container where a Docker engine answers, else a process. What is not
 * stopped by the spec is stopped by the root hooks.
 */
export async function startRabbitMq(options: RabbitMqOptions = {}): Promise<RabbitMqServer> {
  const address = addressFrom('RX_WEIR_RABBITMQ');
  if (address && Object.values(options).every((value) => value === undefined)) {
    return addressedRabbitMq(address, process.env['RX_WEIR_RABBITMQ_MANAGEMENT']?.trim() || undefined);
  }
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
