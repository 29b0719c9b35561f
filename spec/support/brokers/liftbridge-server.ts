import type { BrokerServer } from './broker-server.js';

/** What a spec wants of its Liftbridge. With nothing but defaults, any server of version 1.9.0 with cursors will do. */
export interface LiftbridgeOptions {
  /** TLS with throw-away certificates; with `verify` the client must present one too. */
  readonly tls?: boolean | { readonly verify?: boolean } | undefined;
  /**
   * What clients may do, and nothing else: `client, orders, Publish` lets the bearer of the certificate for `client`
   * publish to the stream orders. Implies `tls` with `verify`.
   */
  readonly acl?: readonly string[] | undefined;
  /** The key for streams with encryption, of 16 or 32 characters. */
  readonly encryptionKey?: string | undefined;
  /** Whether it stores cursors, in 3 partitions. Default true. */
  readonly cursors?: boolean | undefined;
  /** How long a silent member and a silent coordinator of a consumer group are kept, in ms. Default 2000 each. */
  readonly groups?: { readonly consumerTimeout?: number; readonly coordinatorTimeout?: number } | undefined;
  /** The longest message of its NATS server, in bytes. Default 1 048 576. */
  readonly maxPayload?: number | undefined;
  /** Defaults for streams that do not say so themselves. */
  readonly streams?: LiftbridgeStreamDefaults | undefined;
  /** Further settings by their dotted names, such as `clustering.min.insync.replicas`. They win over the kit's. */
  readonly settings?: Readonly<Record<string, string | number | boolean>> | undefined;
  /**
   * `control`: the spec kills, pauses or restarts it, which cannot be done to an address. `process`: it must be a
   * process of this machine, with a `pid` and a `folder`.
   */
  readonly needs?: 'control' | 'process' | undefined;
  /** Milliseconds until it must be ready. Default 20 000. */
  readonly readyTimeout?: number | undefined;
}

/** Times in ms, sizes in bytes. */
export interface LiftbridgeStreamDefaults {
  readonly segmentMaxBytes?: number;
  /** With less than a few minutes, start and stop by timestamp go wrong whenever a segment has just begun. */
  readonly segmentMaxAge?: number;
  /** How often old segments are dropped or compacted. Default 1000. */
  readonly cleanerInterval?: number;
  readonly retentionMaxBytes?: number;
  readonly retentionMaxMessages?: number;
  readonly retentionMaxAge?: number;
}

/** A Liftbridge server. `url` is `host:port` of its gRPC side; `monitor` reads the pages of its NATS server. */
export interface LiftbridgeServer extends BrokerServer {
  /** Its name among the brokers that clients are told of; undefined for an address. */
  readonly id: string | undefined;
  /** `nats://host:port` of the NATS server behind it; undefined for an address that came without. */
  readonly natsUrl: string | undefined;
}

/** A node of a cluster. */
export interface LiftbridgeNode extends LiftbridgeServer {
  readonly id: string;
  readonly natsUrl: string;
}

/** A node by its index, from 0, or by its id. */
export type LiftbridgeNodeName = number | string;

/** Three Liftbridge servers over one NATS server that is apart from them. */
export interface LiftbridgeCluster {
  readonly nodes: readonly LiftbridgeNode[];
  /** `host:port` of each node. */
  readonly urls: readonly string[];
  readonly natsUrl: string;
  /** The NATS server that they share. */
  readonly nats: BrokerServer;
  /** `n1`, `n2` or `n3`. */
  idOf(index: number): string;
  /** @throws Error when there is no such node. */
  node(name: LiftbridgeNodeName): LiftbridgeNode;
  /** SIGKILL; resolves when it is gone. */
  kill(name: LiftbridgeNodeName): Promise<void>;
  /** SIGSTOP. */
  pause(name: LiftbridgeNodeName): Promise<void>;
  /** SIGCONT. */
  resume(name: LiftbridgeNodeName): Promise<void>;
  /** Waits until each node that runs knows the stream, for up to 20 s. At first only its maker and its leaders may. */
  untilKnown(stream: string): Promise<void>;
  /** Starts it again on the same port and data, and resolves when it answers. */
  restart(name: LiftbridgeNodeName): Promise<void>;
  stop(): Promise<void>;
}
