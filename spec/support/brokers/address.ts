import type { BrokerServer } from './broker-server.js';
import { fetchMonitor } from './monitor.js';

/** Where a server is that a spec has not started for itself. */
export interface BrokerAddress {
  readonly host: string;
  readonly port: number;
  /** What follows the slash, if anything: the cluster id of NATS Streaming, the vhost of RabbitMQ. */
  readonly path: string;
  /** Who to log in as, where the address says so. */
  readonly username?: string;
  readonly password?: string;
}

/**
 * Reads `host:port` or `host:port/path`, with or without `user:password@` before it, from an environment variable;
 * undefined when it is not set.
 *
 * @throws Error when it is set to something else.
 */
export function addressFrom(variable: string): BrokerAddress | undefined {
  const text = process.env[variable]?.trim();
  if (!text) {
    return undefined;
  }
  const url = parse(text);
  if (!url?.hostname || !url.port) {
    throw new Error(`${variable} is "${text}"; it must be host:port, or host:port/name where the server has a name.`);
  }
  return {
    host: url.hostname,
    port: Number(url.port),
    path: decodeURIComponent(url.pathname.replace(/^\//, '')),
    ...(url.username ? { username: decodeURIComponent(url.username), password: decodeURIComponent(url.password) } : {}),
  };
}

function parse(text: string): URL | undefined {
  try {
    return new URL(`tcp://${text.replace(/^[a-z+-]+:\/\//i, '')}`);
  } catch {
    return undefined;
  }
}

/** A server at an address: it can be used and not controlled. */
export function addressedServer(address: BrokerAddress, monitorUrl: string | undefined): BrokerServer {
  const { host, port } = address;
  const refuse = (): Promise<never> =>
    Promise.reject(new Error(`The server at ${host}:${port} is not this spec's own; ask for needs: 'control'.`));
  return {
    kind: 'address',
    host,
    port,
    url: `nats://${host}:${port}`,
    monitorUrl,
    wsUrl: undefined,
    certificates: undefined,
    pid: undefined,
    folder: undefined,
    stop: () => Promise.resolve(),
    kill: refuse,
    quit: refuse,
    pause: refuse,
    resume: refuse,
    restart: refuse,
    log: () => '',
    monitor: <T>(path: string) => fetchMonitor(monitorUrl, path) as Promise<T>,
  };
}
