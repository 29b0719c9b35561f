import type { Certificates } from '../certificates.js';

/** A server that a spec was given, wherever it runs. */
export interface BrokerServer {
  /** How it came about. Only the first two can be killed, paused and restarted. */
  readonly kind: 'native' | 'container' | 'address';
  readonly host: string;
  readonly port: number;
  /** `nats://host:port`, or `tls://host:port`. */
  readonly url: string;
  /** Where `monitor` reads. */
  readonly monitorUrl: string | undefined;
  /** `ws://…` or `wss://…`, where a websocket was asked for. */
  readonly wsUrl: string | undefined;
  /** What it presents and accepts, where TLS was asked for. */
  readonly certificates: Certificates | undefined;
  /** Its process id on this machine, while it runs natively. */
  readonly pid: number | undefined;
  /** Where its configuration and data are, while it runs natively. */
  readonly folder: string | undefined;
  /** Ends it for good and removes its data. An address is left alone. */
  stop(): Promise<void>;
  /** SIGKILL; resolves when it is gone. The data stays for `restart`. */
  kill(): Promise<void>;
  /** SIGTERM; resolves when it is gone. The data stays for `restart`. */
  quit(): Promise<void>;
  /** SIGSTOP: its connections stay open and it neither reads nor answers. */
  pause(): Promise<void>;
  /** SIGCONT. */
  resume(): Promise<void>;
  /** Starts it again on the same ports and data, after a kill where it still runs. Resolves when it is ready. */
  restart(): Promise<void>;
  /** What it has logged, up to the last megabyte. */
  log(): string;
  /** A page of its monitoring port as JSON, such as `/varz` or `/streaming/channelsz?channel=a&subs=1`. */
  monitor<T = Record<string, unknown>>(path: string): Promise<T>;
}

/** Where the parts of a server listen, which its configuration is made from. */
export interface Listeners {
  /** The address to bind. */
  readonly host: string;
  readonly port: number;
  readonly monitorPort: number;
  readonly websocketPort: number | undefined;
  /** A port for the routes of a NATS cluster. */
  readonly routePort: number;
  /** The port of a NATS server that is part of one which speaks something else. */
  readonly natsPort: number | undefined;
}

/** Where clients find a server, and how. */
export type ServerFacts = Pick<BrokerServer, 'port' | 'url' | 'monitorUrl' | 'wsUrl' | 'certificates'>;

/** The facts of a server that listens at `host`. */
export function factsOf(plan: ServerPlan, host: string, listeners: Listeners): ServerFacts {
  const { certificates, websocket } = plan;
  const { port, monitorPort, websocketPort } = listeners;
  return {
    port,
    url: `${certificates ? 'tls' : 'nats'}://${host}:${port}`,
    monitorUrl: `http://${host}:${monitorPort}`,
    wsUrl: websocket ? `${certificates ? 'wss' : 'ws'}://${host}:${websocketPort}` : undefined,
    certificates,
  };
}

/** The same server under other or further facts: where its clients connect is not always where it listens. */
export function withFacts<S extends BrokerServer, T extends object>(server: S, facts: T): S & T {
  for (const [name, value] of Object.entries(facts)) {
    Object.defineProperty(server, name, { value, enumerable: true });
  }
  return server as S & T;
}

/** What it takes to start a server that is one program with one file of configuration, natively or in a container. */
export interface ServerPlan {
  /** For errors and folders. */
  readonly name: string;
  /** The log line that says it serves. */
  readonly ready: RegExp;
  readonly readyTimeout?: number | undefined;
  /** Ports that must be these; else free ones are taken. */
  readonly ports?: Partial<Omit<Listeners, 'host'>> | undefined;
  readonly websocket: boolean;
  /** Whether a NATS server is part of it that listens on a port of its own. Default false. */
  readonly embedsNats?: boolean | undefined;
  readonly certificates: Certificates | undefined;
  /** Variables of its environment. */
  readonly environment?: Readonly<Record<string, string>> | undefined;
  readonly image: string;
  /** Who runs it in a container, where the image's own user may not write into the folder of the configuration. */
  readonly user?: string | undefined;
  /** Further arguments beside `-c` and the configuration. */
  readonly args: readonly string[];
  binary(): Promise<string>;
  /** Writes what it needs into `folder` and gives the text of its configuration. */
  configure(listeners: Listeners, folder: string): Promise<string>;
}
