import type { BrokerServer } from './broker-server.js';
import { ownSubjects } from './liftbridge-config.js';
import { untilKnown } from './liftbridge-metadata.js';
import type { LiftbridgeCluster, LiftbridgeNode, LiftbridgeNodeName, LiftbridgeOptions } from './liftbridge-server.js';
import { startLiftbridgeNode, untilHeard } from './liftbridge.js';
import { startNatsServer } from './nats-server.js';

/** What the nodes have in common; see `startLiftbridge`. */
export type LiftbridgeClusterOptions = Omit<LiftbridgeOptions, 'acl' | 'needs'>;

const ids = ['n1', 'n2', 'n3'];

/**
 * Starts three nodes on this machine, over one NATS server apart from them, and resolves when they have a leader and,
 * unless `cursors` is false, hold cursors, of which each node has a copy. Streams are made with as many copies as
 * their makers ask for.
 */
export async function startLiftbridgeCluster(options: LiftbridgeClusterOptions = {}): Promise<LiftbridgeCluster> {
  const payload = options.maxPayload === undefined ? {} : { config: `max_payload: ${options.maxPayload}` };
  const nats = await startNatsServer({ ...payload, needs: 'process' });
  const starting = await Promise.allSettled(ids.map((id) => startLiftbridgeNode(options, { id, peers: ids, nats })));
  const nodes = starting.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  const stop = async (): Promise<void> => {
    await Promise.all(nodes.map((node) => node.stop()));
    await nats.stop();
  };
  const cluster = new Cluster(nats, nodes, stop);
  try {
    const failure = starting.find((result) => result.status === 'rejected');
    if (failure) {
      throw failure.reason;
    }
    await untilHeard(nats, ownSubjects(options));
    await cluster.untilKnown(options.cursors === false ? '__activity' : '__cursors');
  } catch (error) {
    await stop();
    throw error;
  }
  return cluster;
}

class Cluster implements LiftbridgeCluster {
  readonly nats: BrokerServer;
  readonly nodes: readonly LiftbridgeNode[];
  readonly urls: readonly string[];
  readonly natsUrl: string;

  constructor(
    nats: BrokerServer,
    nodes: readonly LiftbridgeNode[],
    readonly stop: () => Promise<void>,
  ) {
    this.nats = nats;
    this.nodes = nodes;
    this.urls = nodes.map(({ url }) => url);
    this.natsUrl = nats.url;
  }

  idOf(index: number): string {
    return this.node(index).id;
  }

  node(name: LiftbridgeNodeName): LiftbridgeNode {
    const node = typeof name === 'number' ? this.nodes[name] : this.nodes.find(({ id }) => id === name);
    if (!node) {
      throw new Error(`There is no node ${name} in the Liftbridge cluster of ${ids.join(', ')}.`);
    }
    return node;
  }

  kill(name: LiftbridgeNodeName): Promise<void> {
    return this.node(name).kill();
  }

  pause(name: LiftbridgeNodeName): Promise<void> {
    return this.node(name).pause();
  }

  resume(name: LiftbridgeNodeName): Promise<void> {
    return this.node(name).resume();
  }

  async untilKnown(stream: string): Promise<void> {
    await Promise.all(this.nodes.filter(({ pid }) => pid !== undefined).map((node) => untilKnown(node, stream)));
  }

  async restart(name: LiftbridgeNodeName): Promise<void> {
    const node = this.node(name);
    await node.restart();
    await untilKnown(node, '__activity');
  }
}
