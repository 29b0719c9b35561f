import type { BrokerServer } from './broker-server.js';
import type { RabbitMqManagement } from './rabbitmq-management.js';

/** What a spec wants of its RabbitMQ. With nothing but defaults, any server of version 4.0 with the stream plugin will do. */
export interface RabbitMqOptions {
  /** A TLS listener for streams beside the plain one, with throw-away certificates; with `verify` clients must present one. */
  readonly tls?: boolean | { readonly verify?: boolean } | undefined;
  /** The mechanism EXTERNAL: a client certificate logs in as the user of its common name, which is `client`. Implies `tls`. */
  readonly external?: boolean | undefined;
  /** Raw lines of rabbitmq.conf, appended last. */
  readonly config?: string | undefined;
  /** Variables of the node's environment. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** Users, vhosts, queues and so on, as the management API exports and imports them; imported once, when it has started. */
  readonly definitions?: object | undefined;
  /**
   * `control`: the spec kills, pauses or restarts it, or changes its users; none of that is done to an address.
   * `process`: it must be a process of this machine, with a `pid` and a `folder`.
   */
  readonly needs?: 'control' | 'process' | undefined;
  /** Milliseconds until it must be ready. Default 60 000. */
  readonly readyTimeout?: number | undefined;
}

/**
 * A RabbitMQ node with the stream plugin. `port` and `url` are those of the plain stream listener; `monitor` reads the
 * management API, such as `/api/overview`. Where it is a process, `pid` is the process that all of the node's processes
 * live and die with.
 */
export interface RabbitMqServer extends BrokerServer {
  /** The node's name within its cluster, such as `rabbit@localhost`; undefined for an address. */
  readonly node: string | undefined;
  /** The stream listener with TLS, where it was asked for. */
  readonly tlsPort: number | undefined;
  /** `rabbitmq-stream+tls://…`, where TLS was asked for. */
  readonly tlsUrl: string | undefined;
  /** AMQP 0-9-1 and 1.0; undefined for an address. */
  readonly amqpPort: number | undefined;
  /** An administrator. */
  readonly username: string;
  readonly password: string;
  readonly vhost: string;
  readonly management: RabbitMqManagement;
}

/** A node of a cluster. */
export interface RabbitMqNode extends RabbitMqServer {
  readonly node: string;
}

/** RabbitMQ nodes that form one cluster. */
export interface RabbitMqCluster {
  readonly nodes: readonly RabbitMqNode[];
  /** The management API of the first node that runs. */
  readonly management: RabbitMqManagement;
  /** Waits until a running node leads the stream, for up to 30 s. */
  leaderOf(stream: string): Promise<RabbitMqNode>;
  /** Waits until this many members of the stream are online, for up to 30 s. Default: as many as nodes run. */
  untilOnline(stream: string, members?: number): Promise<void>;
  stop(): Promise<void>;
}
