import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sharedCertificates } from '../certificates.js';
import { goServer } from '../go-server.js';
import { willNeed } from '../provision.js';
import { until } from '../wait.js';
import { addressedServer, addressFrom, type BrokerAddress } from './address.js';
import { withFacts, type BrokerServer, type Listeners, type ServerPlan } from './broker-server.js';
import { containerHost } from './container-server.js';
import { accessFiles, liftbridgeConfig, ownSubjects } from './liftbridge-config.js';
import type { LiftbridgeNode, LiftbridgeOptions, LiftbridgeServer } from './liftbridge-server.js';
import { natsConfig } from './nats-config.js';
import { prepare, startPlan } from './start-plan.js';

willNeed('Liftbridge', () => prepare(() => goServer('liftbridge')));

/**
 * Gives a Liftbridge 1.9.0 with a NATS server of its own inside. The address in RX_WEIR_LIFTBRIDGE (`host:port`;
 * RX_WEIR_LIFTBRIDGE_NATS has `host:port` of the NATS server behind it) serves those who ask for nothing special; else
 * it is a container where a Docker engine answers, else a process. What is not stopped by the spec is stopped by the
 * root hooks.
 */
export async function startLiftbridge(options: LiftbridgeOptions = {}): Promise<LiftbridgeServer> {
  const address = addressFrom('RX_WEIR_LIFTBRIDGE');
  if (address && Object.values(options).every((value) => value === undefined)) {
    return addressedLiftbridge(address, addressFrom('RX_WEIR_LIFTBRIDGE_NATS'));
  }
  const node = await startLiftbridgeNode(options, { id: 'n1' });
  const start = node.restart.bind(node);
  const untilReady = (): Promise<true> => untilHeard(node, ownSubjects(options));
  try {
    await untilReady();
  } catch (error) {
    await node.stop();
    throw error;
  }
  return withFacts(node, {
    async restart() {
      await start();
      await untilReady();
    },
  });
}

/** What makes a node part of a cluster. */
export interface LiftbridgeMembership {
  readonly id: string;
  /** The ids of all nodes; a single node has none. */
  readonly peers?: readonly string[];
  /** The NATS server of the cluster, in place of an embedded one. */
  readonly nats?: BrokerServer;
}

/** Starts a node, which listens then and may still be without a leader. */
export async function startLiftbridgeNode(
  options: LiftbridgeOptions,
  membership: LiftbridgeMembership,
): Promise<LiftbridgeNode> {
  const { id, peers, nats } = membership;
  const certificates = options.tls || options.acl ? await sharedCertificates() : undefined;
  let natsPort: number | undefined;
  const plan: ServerPlan = {
    name: `Liftbridge (${id})`,
    ready: peers ? /Starting Liftbridge server on/ : /Server became metadata leader/,
    readyTimeout: options.readyTimeout,
    websocket: false,
    embedsNats: !nats,
    certificates,
    environment: options.encryptionKey === undefined ? {} : { LIFTBRIDGE_ENCRYPTION_KEY: options.encryptionKey },
    image: 'liftbridge/liftbridge:v1.9.0',
    user: 'root',
    args: [],
    binary: () => goServer('liftbridge'),
    configure: async (listeners, folder) => {
      natsPort = listeners.natsPort;
      await mkdir(join(folder, 'data'), { recursive: true });
      const natsFile = nats ? undefined : await writeNatsConfig(options, listeners, folder);
      for (const [name, text] of Object.entries(options.acl ? accessFiles(options.acl) : {})) {
        await writeFile(join(folder, name), text);
      }
      return liftbridgeConfig(options, {
        id,
        peers,
        bind: listeners.host,
        advertisedHost: listeners.host === '0.0.0.0' ? await containerHost() : listeners.host,
        port: listeners.port,
        natsUrl: nats?.url ?? `nats://127.0.0.1:${listeners.natsPort}`,
        natsFile,
        folder,
        certificates,
      });
    },
  };
  const server = await startPlan(plan, { native: options.needs === 'process' || nats !== undefined });
  return withFacts(server, {
    id,
    url: `${server.host}:${server.port}`,
    natsUrl: nats?.url ?? `nats://${server.host}:${natsPort}`,
    monitorUrl: nats ? nats.monitorUrl : server.monitorUrl,
  });
}

/** Waits until each of the subjects is subscribed to at the NATS server, which any client may ask. */
export function untilHeard(nats: BrokerServer, subjects: readonly string[], timeout = 20_000): Promise<true> {
  const silent = new Set(subjects);
  const look = async (): Promise<boolean> => {
    for (const subject of silent) {
      const page = await nats.monitor<{ subscriptions_list?: unknown[] }>(`/subsz?subs=1&test=${subject}`);
      if (page.subscriptions_list?.length) {
        silent.delete(subject);
      }
    }
    return silent.size === 0;
  };
  const message = (): string =>
    `somebody to listen to ${[...silent].join(', ')}. The log:\n${nats.log().slice(-8_000)}\n`;
  return until(look, { timeout, every: 20, message });
}

async function writeNatsConfig(options: LiftbridgeOptions, listeners: Listeners, folder: string): Promise<string> {
  const { host, natsPort = 0, monitorPort } = listeners;
  const config = options.maxPayload === undefined ? undefined : `max_payload: ${options.maxPayload}`;
  const file = join(folder, 'nats.conf');
  await writeFile(file, natsConfig({ host, port: natsPort, monitorPort, config }));
  return file;
}

function addressedLiftbridge(address: BrokerAddress, nats: BrokerAddress | undefined): LiftbridgeServer {
  return withFacts(addressedServer(address, undefined), {
    id: undefined,
    url: `${address.host}:${address.port}`,
    natsUrl: nats && `nats://${nats.host}:${nats.port}`,
  });
}
