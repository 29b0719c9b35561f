import { until } from '../wait.js';
import { withFacts, type BrokerServer } from './broker-server.js';
import { guest, type RabbitMqListeners } from './rabbitmq-config.js';
import { RabbitMqManagement } from './rabbitmq-management.js';
import type { RabbitMqNode, RabbitMqOptions } from './rabbitmq-server.js';

/** What a running node is beside a server. */
export interface NodeFacts {
  readonly node: string;
  readonly listeners: RabbitMqListeners;
  /** Runs a shell command where the node's files are, and tells whether it ended well. */
  succeeds(script: string): Promise<boolean>;
  /** Where the node has its data, for that shell. */
  readonly data: string;
}

/** Gives a running server what specs want of a RabbitMQ. */
export function asRabbitMq(server: BrokerServer, facts: NodeFacts): RabbitMqNode {
  const { host } = server;
  const { port, tlsPort, amqpPort, managementPort } = facts.listeners;
  const monitorUrl = `http://${host}:${managementPort}`;
  const management = new RabbitMqManagement({ ...guest, url: monitorUrl });
  const user = `${guest.username}:${guest.password}`;
  const kill = server.kill.bind(server);
  const restart = server.restart.bind(server);
  return withFacts(server, {
    ...guest,
    node: facts.node,
    url: `rabbitmq-stream://${user}@${host}:${port}`,
    tlsPort,
    tlsUrl: tlsPort === undefined ? undefined : `rabbitmq-stream+tls://${user}@${host}:${tlsPort}`,
    amqpPort,
    monitorUrl,
    monitor: <T>(path: string) => management.request<T>('GET', path),
    management,
    async kill() {
      await untilKept(facts);
      await kill();
    },
    async restart() {
      await untilKept(facts);
      await restart();
    },
  });
}

/** Makes the users and things that a spec asked for. */
export async function setUp({ management }: RabbitMqNode, options: RabbitMqOptions): Promise<void> {
  if (options.external) {
    await management.addUser('client');
  }
  if (options.definitions) {
    await management.request('POST', '/api/definitions', options.definitions);
  }
}

/**
 * A node's first stream brings its stream coordinator along, which it writes into its list of Raft members within a
 * second only. A node that dies before has the streams and can't open them again. So a kill waits that long; a paused
 * node never gets there, hence the limit.
 */
async function untilKept({ data, succeeds }: NodeFacts): Promise<void> {
  const name = 'rabbit_stream_coordinator';
  const script = `cd ${data}/*/coordination/* || exit 0; grep -qs ${name} names.dets || ! grep -qs ${name} */config`;
  await until(() => succeeds(script), { timeout: 3_000, every: 20 }).catch(() => undefined);
}
