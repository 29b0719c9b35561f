import { join } from 'node:path';
import { sharedCertificates } from '../certificates.js';
import { goServer } from '../go-server.js';
import { willNeed } from '../provision.js';
import type { BrokerServer, Listeners, ServerPlan } from './broker-server.js';
import { natsConfig, quote, type NatsAuth } from './nats-config.js';
import { prepare, startPlan } from './start-plan.js';

/** What a spec wants of its plain NATS server. */
export interface NatsServerOptions {
  /** Raw lines of configuration, appended last. */
  readonly config?: string;
  /** Further command-line arguments, such as `-DV`. */
  readonly args?: readonly string[];
  /** TLS with throw-away certificates; with `verify` the client must present one too. */
  readonly tls?: boolean | { readonly verify?: boolean };
  /** Who may connect. */
  readonly auth?: NatsAuth;
  /** A websocket listener beside the TCP one. */
  readonly websocket?: boolean;
  /** JetStream, with its store in the server's folder. Default false. */
  readonly jetstream?: boolean;
  /** Ports that must be these; else free ones are taken. */
  readonly ports?: Partial<Omit<Listeners, 'host'>>;
  /** `process`: it must be a process of this machine, with a `pid` and a `folder`. */
  readonly needs?: 'process';
}

willNeed('nats-server', () => prepare(() => goServer('nats-server')));

/** Gives a NATS server 2.12.2: a container where a Docker engine answers, else a process. */
export async function startNatsServer(options: NatsServerOptions = {}): Promise<BrokerServer> {
  const certificates = options.tls ? await sharedCertificates() : undefined;
  const verify = typeof options.tls === 'object' && options.tls.verify === true;
  const plan: ServerPlan = {
    name: 'nats-server',
    ready: /Server is ready/,
    ports: options.ports,
    websocket: options.websocket === true,
    certificates,
    image: 'nats:2.12.2',
    args: options.args ?? [],
    binary: () => goServer('nats-server'),
    configure: async (listeners, folder) => {
      const jetstream = options.jetstream ? `jetstream { store_dir: ${quote(join(folder, 'jetstream'))} }\n` : '';
      const tls = certificates && { certificates, verify };
      return natsConfig({ ...listeners, auth: options.auth, tls, config: `${jetstream}${options.config ?? ''}` });
    },
  };
  return startPlan(plan, { native: options.needs === 'process' });
}
