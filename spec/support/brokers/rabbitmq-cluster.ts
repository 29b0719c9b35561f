import { randomBytes } from 'node:crypto';
import { spawnGuarded } from '../guard.js';
import { freePort, isFree } from '../ports.js';
import { rabbitMqRoot } from '../rabbitmq-root.js';
import { until } from '../wait.js';
import { setUp } from './rabbitmq-facts.js';
import type { StreamMembers } from './rabbitmq-management.js';
import { startNativeRabbitMq } from './rabbitmq-native.js';
import type { RabbitMqCluster, RabbitMqNode, RabbitMqOptions } from './rabbitmq-server.js';
import { register, unregister, type Stoppable } from './registry.js';

/** What the nodes have in common; see `startRabbitMq`. */
export type RabbitMqClusterOptions = Pick<RabbitMqOptions, 'tls' | 'external' | 'config' | 'env' | 'definitions'>;

/**
 * Starts a cluster of processes on this machine and resolves when all nodes see each other. Its nodes can be killed,
 * paused and restarted one by one.
 */
export async function startRabbitMqCluster(size = 3, options: RabbitMqClusterOptions = {}): Promise<RabbitMqCluster> {
  const names = Array.from({ length: size }, (_, index) => `node${index + 1}`);
  const config = [
    'cluster_formation.peer_discovery_backend = classic_config',
    ...names.map((name, index) => `cluster_formation.classic_config.nodes.${index + 1} = ${name}@localhost`),
  ].join('\n');
  const cookie = randomBytes(16).toString('hex');
  const registrar = await startEpmd();
  const starting = await Promise.allSettled(
    names.map((name) => startNativeRabbitMq(options, { name, config, cookie, epmdPort: registrar.port })),
  );
  const nodes = starting.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  const stop = async (): Promise<void> => {
    await Promise.all(nodes.map((node) => node.stop()));
    await registrar.stop();
  };
  try {
    const failure = starting.find((result) => result.status === 'rejected');
    if (failure) {
      throw failure.reason;
    }
    await until(async () => (await Promise.all(nodes.map(seenBy))).every((count) => count === size), {
      timeout: 30_000,
      every: 100,
      message: `${size} nodes to see each other`,
    });
    await setUp(running(nodes), options);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    nodes,
    get management() {
      return running(nodes).management;
    },
    leaderOf: (stream) => findLeader(nodes, stream),
    async untilOnline(stream, members = nodes.filter(({ pid }) => pid !== undefined).length) {
      let online: readonly string[] = [];
      const look = async (): Promise<boolean> => {
        ({ online } = await running(nodes).management.streamMembers(stream));
        return online.length >= members;
      };
      const message = (): string => `${members} members of ${stream} to be online; there are ${online.join(', ')}`;
      await until(look, { timeout: 30_000, every: 100, message });
    },
    stop,
  };
}

/** The registrar by which nodes find each other. It is apart from them, since a node that is killed takes its own along. */
async function startEpmd(): Promise<Stoppable & { readonly port: number }> {
  const root = await rabbitMqRoot();
  const port = await freePort();
  const program = ['chroot', root, '/usr/bin/epmd', '-port', String(port), '-address', '127.0.0.1'];
  const child = await spawnGuarded('setpriv', ['--pdeathsig', 'KILL', ...program]);
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const registrar = {
    port,
    async stop() {
      child.ref();
      child.kill('SIGKILL');
      await ended;
      unregister(registrar);
    },
  };
  register(registrar);
  await until(async () => !(await isFree(port)), { message: `epmd to listen on port ${port}` });
  return registrar;
}

function running(nodes: readonly RabbitMqNode[]): RabbitMqNode {
  const node = nodes.find(({ pid }) => pid !== undefined);
  if (!node) {
    throw new Error('No node of the RabbitMQ cluster runs.');
  }
  return node;
}

/** How many nodes this one sees running. */
async function seenBy(node: RabbitMqNode): Promise<number> {
  const nodes = await node.monitor<{ running: boolean }[]>('/api/nodes');
  return nodes.filter((seen) => seen.running).length;
}

function findLeader(nodes: readonly RabbitMqNode[], stream: string): Promise<RabbitMqNode> {
  let said: (string | undefined)[] = [];
  const look = async (): Promise<RabbitMqNode | undefined> => {
    const asked = nodes.filter(({ pid }) => pid !== undefined);
    const members = await Promise.all(
      asked.map(({ management }): Promise<Partial<StreamMembers>> =>
        management.streamMembers(stream).catch(() => ({})),
      ),
    );
    said = members.map(({ leader }) => leader);
    // A node that was just restarted, or that has not heard of an election yet, would tell the former leader.
    return new Set(said).size === 1 ? asked.find(({ node }) => node === said[0]) : undefined;
  };
  const message = (): string => `a leader of ${stream}; the running nodes say ${said.map(String).join(', ')}`;
  return until(look, { timeout: 30_000, every: 100, message });
}
