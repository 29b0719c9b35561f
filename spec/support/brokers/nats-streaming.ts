import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sharedCertificates, type Certificates } from '../certificates.js';
import { goServer } from '../go-server.js';
import { willNeed } from '../provision.js';
import { addressedServer, addressFrom } from './address.js';
import { withFacts, type BrokerServer, type Listeners, type ServerPlan } from './broker-server.js';
import { natsConfig, quote, type NatsAuth } from './nats-config.js';
import { prepare, startPlan } from './start-plan.js';

/** What a spec wants of its NATS Streaming server. With nothing but defaults, any server of version 0.25.6 will do. */
export interface NatsStreamingServerOptions {
  /** The cluster id. Default `weir`; an address from the environment brings its own. */
  readonly cluster?: string;
  /** Default `memory`. */
  readonly store?: 'memory' | 'file';
  /** Raw lines of NATS configuration, appended last. */
  readonly config?: string;
  /** Raw lines inside the `streaming` block, appended last. */
  readonly streaming?: string;
  /** Further command-line arguments, such as `-SDV`. */
  readonly args?: readonly string[];
  /** TLS with throw-away certificates; with `verify` the client must present one too. */
  readonly tls?: boolean | { readonly verify?: boolean };
  /** Who may connect. */
  readonly auth?: NatsAuth;
  /** A websocket listener beside the TCP one, encrypted where `tls` is given. */
  readonly websocket?: boolean;
  /** Heartbeats to clients: interval and timeout in ms, and how many may fail. The server's defaults: 30 000, 10 000, 10. */
  readonly hb?: { readonly interval?: number; readonly timeout?: number; readonly failCount?: number };
  /** Store limits; 0 is no limit. `age` and `inactivity` in ms. */
  readonly limits?: NatsStreamingLimits & {
    /** Channels that the server may hold. */
    readonly channels?: number;
    /** Limits of single channels, by name. */
    readonly perChannel?: Readonly<Record<string, NatsStreamingLimits>>;
  };
  /** A NATS server that runs apart, in place of the embedded one; the clients connect there. */
  readonly externalNats?: Pick<BrokerServer, 'host' | 'port'>;
  /**
   * `control`: the spec kills, pauses or restarts it, which cannot be done to an address. `process`: it must be a
   * process of this machine, with a `pid` and a `folder`.
   */
  readonly needs?: 'control' | 'process';
  /** Ports that must be these; else free ones are taken. */
  readonly ports?: Partial<Omit<Listeners, 'host'>>;
  /** The log line that says it is ready. A follower in a cluster never says the default, `Streaming Server is ready`. */
  readonly ready?: RegExp;
  /** Milliseconds until it must be ready. Default 20 000. */
  readonly readyTimeout?: number;
}

/** Limits of a channel. */
export interface NatsStreamingLimits {
  readonly subscriptions?: number;
  readonly messages?: number;
  readonly bytes?: number;
  /** Milliseconds. */
  readonly age?: number;
  /** Milliseconds. */
  readonly inactivity?: number;
}

/** A NATS Streaming server, with its cluster id. */
export interface NatsStreamingServer extends BrokerServer {
  /** The cluster id that clients must name. */
  readonly cluster: string;
}

const image = 'nats-streaming:0.25.6';

willNeed('nats-streaming-server', () => prepare(() => goServer('nats-streaming')));

/**
 * Gives a NATS Streaming server 0.25.6. The address in RX_WEIR_NATS_STREAMING (`host:port` or `host:port/cluster`, with
 * RX_WEIR_NATS_STREAMING_MONITOR for its monitoring, `http://host:port`) serves those who ask for nothing special; else
 * it is a container where a Docker engine answers, else a process. What is not stopped by the spec is stopped by the
 * root hooks.
 */
export async function startNatsStreaming(options: NatsStreamingServerOptions = {}): Promise<NatsStreamingServer> {
  const address = addressFrom('RX_WEIR_NATS_STREAMING');
  if (address && Object.values(options).every((value) => value === undefined)) {
    const server = addressedServer(address, process.env['RX_WEIR_NATS_STREAMING_MONITOR']);
    return Object.assign(server, { cluster: address.path || 'test-cluster' });
  }
  const cluster = options.cluster ?? 'weir';
  const certificates = options.tls ? await sharedCertificates() : undefined;
  const plan: ServerPlan = {
    name: 'nats-streaming-server',
    ready: options.ready ?? /Streaming Server is ready/,
    readyTimeout: options.readyTimeout,
    ports: options.ports,
    websocket: options.websocket === true,
    certificates,
    image,
    args: options.args ?? [],
    binary: () => goServer('nats-streaming'),
    configure: (listeners, folder) => configure(options, cluster, certificates, listeners, folder),
  };
  const external = options.externalNats;
  const server = await startPlan(plan, { native: options.needs === 'process' || external !== undefined });
  const where = external && {
    host: external.host,
    port: external.port,
    url: `nats://${external.host}:${external.port}`,
  };
  return withFacts(server, { cluster, ...where });
}

async function configure(
  options: NatsStreamingServerOptions,
  cluster: string,
  certificates: Certificates | undefined,
  listeners: Listeners,
  folder: string,
): Promise<string> {
  const { auth, externalNats, hb = {}, limits } = options;
  const verify = typeof options.tls === 'object' && options.tls.verify === true;
  const data = join(folder, 'data');
  await mkdir(data, { recursive: true });
  const lines = [`cluster_id: ${quote(cluster)}`];
  if (options.store === 'file') {
    lines.push('store: file', `dir: ${quote(data)}`);
  }
  if (certificates) {
    const { serverCert, serverKey, ca } = certificates;
    const own = `client_cert: ${quote(serverCert)}, client_key: ${quote(serverKey)}, client_ca: ${quote(ca)}`;
    lines.push('secure: true', `tls { ${own} }`);
  }
  let ownNkey: string | undefined;
  if (auth && 'user' in auth) {
    lines.push(`user: ${quote(auth.user)}`, `password: ${quote(auth.password)}`);
  } else if (auth && 'nkey' in auth) {
    const { nkeys } = await import('nats');
    const pair = nkeys.createUser();
    const file = join(folder, 'server.nk');
    await writeFile(file, pair.getSeed(), { mode: 0o600 });
    ownNkey = pair.getPublicKey();
    lines.push(`nkey_seed_file: ${quote(file)}`);
  }
  if (externalNats) {
    lines.push(`nats_server_url: ${quote(`nats://${externalNats.host}:${externalNats.port}`)}`);
  }
  lines.push(
    ...property('hb_interval', duration(hb.interval)),
    ...property('hb_timeout', duration(hb.timeout)),
    ...property('hb_fail_count', hb.failCount),
  );
  if (limits) {
    lines.push(`store_limits {`, ...property('max_channels', limits.channels), ...limitLines(limits));
    const channels = Object.entries(limits.perChannel ?? {});
    const blocks = channels.map(([name, own]) => `${quote(name)} { ${limitLines(own).join(', ')} }`);
    lines.push(`channels { ${blocks.join('\n')} }`, '}');
  }
  if (options.streaming) {
    lines.push(options.streaming);
  }
  const nats = natsConfig({
    ...listeners,
    auth,
    tls: certificates && { certificates, verify },
    ownNkey,
    config: options.config,
  });
  return `${nats}streaming {\n${lines.join('\n')}\n}\n`;
}

function limitLines(limits: NatsStreamingLimits): string[] {
  return [
    ...property('max_subs', limits.subscriptions),
    ...property('max_msgs', limits.messages),
    ...property('max_bytes', limits.bytes),
    ...property('max_age', duration(limits.age)),
    ...property('max_inactivity', duration(limits.inactivity)),
  ];
}

function property(name: string, value: string | number | undefined): string[] {
  return value === undefined ? [] : [`${name}: ${value}`];
}

function duration(milliseconds: number | undefined): string | undefined {
  return milliseconds === undefined ? undefined : `"${milliseconds}ms"`;
}
