import type { BrokerServer } from './broker-server.js';
import type { LonelypssAuth, LonelypssAuthChoice } from './lonelypss-auth.js';

/** What a spec wants of its broadcaster. With nothing but defaults, any lonelypss of version 0.0.12 will do. */
export interface LonelypssOptions {
  /** How both sides show who they are, with secrets made for this server, or given ones. Default: not at all. */
  readonly auth?: LonelypssAuthChoice | undefined;
  /**
   * Where subscriptions are kept. `memory`: they go with the process. `true`: in a file that outlives kill and restart. Else
   * the path of a SQLite file, which several broadcasters may share and the spec has to remove. Default `memory`.
   */
  readonly database?: 'memory' | true | (string & {}) | undefined;
  /** Whether it offers compression to websockets that ask for it. Default true. */
  readonly zstd?: boolean | undefined;
  /** The longest websocket message that it sends, in bytes; a longer notification goes in parts. Default 16 MiB. */
  readonly maxFrameBytes?: number | undefined;
  /** How often it looks for deliveries that failed and tells them as missed, in ms. Default 10 000. */
  readonly sweepInterval?: number | undefined;
  /** Whether its websocket messages have headers without names. Default true. */
  readonly minimalHeaders?: boolean | undefined;
  /** Where it posts what its own websockets are to get, without a slash at the end. Default: to itself. */
  readonly selfUrl?: string | undefined;
  /** Whether `log()` has a line per HTTP request. Default false. */
  readonly accessLog?: boolean | undefined;
  /** TLS with throw-away certificates. Default false. */
  readonly tls?: boolean | undefined;
  /** Default: any that is free. */
  readonly port?: number | undefined;
  /**
   * `control`: the spec kills, pauses or restarts it, or asks for its CPU time, which cannot be done with an address;
   * `process` is the same here.
   */
  readonly needs?: 'control' | 'process' | undefined;
  /** Milliseconds until it must be ready. Default 20 000. */
  readonly readyTimeout?: number | undefined;
}

/** A lonelypss broadcaster. `url` is `http://host:port`; it has no monitoring. */
export interface LonelypssServer extends BrokerServer {
  /** `ws://host:port`. */
  readonly socketUrl: string;
  /** What a client needs, as its option `auth`. */
  readonly auth: LonelypssAuth;
  /** The text of its subscriber-secrets.json. */
  secrets(): string;
  /** The time that its process has computed since it started, in ms. @throws Error when it does not run here */
  cpu(): number;
}
