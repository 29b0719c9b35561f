import { unique } from '../names.js';
import { until } from '../wait.js';
import type { BrokerServer } from './broker-server.js';
import { chooseListeners } from './native-server.js';
import { startNatsStreaming, type NatsStreamingServer, type NatsStreamingServerOptions } from './nats-streaming.js';

/** A node of a cluster, with the name that it has in the Raft group. */
export interface NatsStreamingNode extends NatsStreamingServer {
  readonly id: string;
}

/** NATS Streaming servers that replicate to each other. */
export interface NatsStreamingCluster {
  readonly cluster: string;
  readonly nodes: readonly NatsStreamingNode[];
  /** Where clients connect: all nodes, or the external NATS server. */
  readonly urls: readonly string[];
  /** Waits for an elected leader among the running nodes, for up to 20 s. */
  leader(): Promise<NatsStreamingNode>;
  /** Kills the leader with SIGKILL and gives the dead node, which can be restarted. */
  killLeader(): Promise<NatsStreamingNode>;
  stop(): Promise<void>;
}

/** What the nodes have in common; see `startNatsStreaming`. */
export type NatsStreamingClusterOptions = Pick<
  NatsStreamingServerOptions,
  'cluster' | 'args' | 'hb' | 'limits' | 'externalNats' | 'streaming'
>;

/**
 * Starts a cluster on this machine and resolves when it has a leader that answers at each of its addresses. Elections are
 * set to a quarter of a second.
 * Without `externalNats` the embedded NATS servers are routed to each other.
 */
export async function startNatsStreamingCluster(
  size = 3,
  options: NatsStreamingClusterOptions = {},
): Promise<NatsStreamingCluster> {
  const cluster = options.cluster ?? unique('cluster');
  const ids = Array.from({ length: size }, (_, index) => `node${index + 1}`);
  const listeners = await Promise.all(ids.map(() => chooseListeners({ websocket: false })));
  const routes = listeners.map(({ host, routePort }) => `"nats-route://${host}:${routePort}"`).join(', ');
  const starting = await Promise.allSettled(
    ids.map(async (id, index): Promise<NatsStreamingNode> => {
      const { host, ...ports } = listeners[index] ?? (await chooseListeners({ websocket: false }));
      const listen = `${host}:${ports.routePort}`;
      const peers = ids.filter((peer) => peer !== id).map((peer) => `"${peer}"`);
      const raft = [
        `node_id: "${id}"`,
        `peers: [${peers.join(', ')}]`,
        'log_path: "raft"',
        'raft_heartbeat_timeout: "250ms"',
        'raft_election_timeout: "250ms"',
        'raft_lease_timeout: "200ms"',
        'raft_commit_timeout: "20ms"',
      ];
      const server = await startNatsStreaming({
        ...options,
        cluster,
        store: 'file',
        needs: 'process',
        ports,
        ready: /Store location/,
        streaming: `cluster {\n${raft.join('\n')}\n}\n${options.streaming ?? ''}`,
        ...(options.externalNats
          ? {}
          : { config: `cluster { name: "${cluster}", listen: "${listen}", routes: [${routes}] }` }),
      });
      return Object.defineProperty(server, 'id', { value: id, enumerable: true }) as NatsStreamingNode;
    }),
  );
  const nodes = starting.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  const stop = async (): Promise<void> => {
    await Promise.all(nodes.map((node) => node.stop()));
  };
  const failure = starting.find((result) => result.status === 'rejected');
  if (failure) {
    await stop();
    throw failure.reason;
  }
  const leader = (): Promise<NatsStreamingNode> => findLeader(nodes);
  const urls = [...new Set(nodes.map(({ url }) => url))];
  try {
    await leader();
    await Promise.all(urls.map((url) => untilAnswered(url, cluster)));
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    cluster,
    nodes,
    urls,
    leader,
    async killLeader() {
      const node = await leader();
      await node.kill();
      return node;
    },
    stop,
  };
}

function findLeader(nodes: readonly NatsStreamingNode[]): Promise<NatsStreamingNode> {
  const look = async (): Promise<NatsStreamingNode | undefined> => {
    const roles = await Promise.all(nodes.map((node) => role(node)));
    return nodes[roles.indexOf('Leader')];
  };
  const message = (): string =>
    `a leader among ${nodes.map(({ id, pid }) => `${id}${pid ? '' : ' (down)'}`).join(', ')}`;
  return until(look, { timeout: 20_000, every: 50, message });
}

/**
 * Waits until who connects to this address can register. A node is told to be the leader before it listens, and the other
 * nodes hear a moment later that it does.
 */
async function untilAnswered(url: string, cluster: string): Promise<void> {
  const { connect } = await import('nats');
  const connection = await connect({ servers: url });
  const subject = `_STAN.discover.${cluster}`;
  try {
    // an empty request registers nobody, and is answered with an error; that nobody listens is a rejection
    await until(() => connection.request(subject, undefined, { timeout: 1_000 }), {
      timeout: 20_000,
      message: `an answer on ${subject} at ${url}`,
    });
  } finally {
    await connection.close();
  }
}

async function role(node: BrokerServer): Promise<string | undefined> {
  if (node.pid === undefined) {
    return undefined;
  }
  const server = await node.monitor<{ role?: string }>('/streaming/serverz').catch(() => undefined);
  return server?.role;
}
