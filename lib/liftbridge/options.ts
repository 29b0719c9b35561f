import { reconnectChecker, reconnectPolicy, type ReconnectOptions, type ReconnectPolicy } from '../core/backoff.js';
import { checkOptions, count, duration, either, func, instance, list, text, type Shape } from '../core/check.js';
import { guarded, type Logger } from '../core/logger.js';
import { tlsChecker, type TlsOptions } from '../core/tls.js';
import type { Address } from './connection/address.js';
import {
  credentialsChecker,
  credentialsSource,
  type CredentialsSource,
  type LiftbridgeCredentials,
} from './credentials.js';
import { resolveSeeds } from './seeds.js';

/** What `liftbridge` takes. All durations are milliseconds. */
export interface LiftbridgeOptions {
  /**
   * Brokers to begin with: `host`, `host:port`, `liftbridge://host:port`, or `liftbridge+tls://host:port`; the port is 9292
   * where none is given. Several are seeds of one cluster, of which one that answers is enough: the others are found from there.
   * @defaultValue 'localhost:9292'
   */
  readonly brokers?: string | readonly string[] | undefined;
  /**
   * `true` for TLS that verifies the server's certificate against the authorities that Node trusts; options for authorities
   * of your own and for a client certificate, which is who you are for Liftbridge's access control. Never printed.
   * @defaultValue false; true where `brokers` begins with `liftbridge+tls://`
   */
  readonly tls?: boolean | TlsOptions | undefined;
  /**
   * What goes with every call as gRPC metadata: a record such as `{ authorization: 'Bearer …' }`, a function that gives one
   * before each call, or the call credentials of `@grpc/grpc-js`. Liftbridge itself asks for none; a proxy in front of it may.
   * Never printed.
   */
  readonly credentials?: LiftbridgeCredentials | undefined;
  /**
   * Says where to connect to in order to reach a broker, by the address that the broker advertises; for brokers in containers
   * and behind address translation, whose own address is not reachable from here. It must lead to that very broker. A broker
   * that is the only one of its cluster is reached as it was first, whatever it advertises.
   */
  readonly resolveAddress?: ((host: string, port: number) => Address | Promise<Address>) | undefined;
  /**
   * How long a request may take, in milliseconds, with everything that is tried again for it. Finding out where a stream is
   * may take 4000 in any case: a broker waits that long for others that are gone.
   * @defaultValue 10 000
   */
  readonly requestTimeout?: number | undefined;
  /**
   * How long connecting may take, in milliseconds: to one broker, or to the first of the seeds that answers.
   * @defaultValue 10 000
   */
  readonly connectTimeout?: number | undefined;
  /**
   * How long `close()` waits for what is unsettled or unconfirmed, in milliseconds. Storing positions and the goodbye come
   * after that, and take up to 4000 more where the broker does not answer.
   * @defaultValue 10 000
   */
  readonly closeTimeout?: number | undefined;
  /**
   * How long a message that was written may stay without acknowledgement, in milliseconds; it then counts as uncertain.
   * @defaultValue 5000
   */
  readonly ackTimeout?: number | undefined;
  /**
   * How often a broker is asked whether it is alive, in milliseconds: the one that requests go to, and those that messages
   * are read from. Infinity: never.
   * @defaultValue 10 000
   */
  readonly pingInterval?: number | undefined;
  /**
   * How long it may take to answer that, in milliseconds; its connection then counts as lost.
   * @defaultValue 5000
   */
  readonly pingTimeout?: number | undefined;
  /**
   * The longest message that is accepted from a broker, in bytes. What is sent is bounded by the broker, to 4 194 304.
   * @defaultValue 4 194 304
   */
  readonly maxMessageBytes?: number | undefined;
  /**
   * What a broker may send on one subscription before this side has read it, in bytes, from 65 535: the window of HTTP/2.
   * @defaultValue 1 048 576
   */
  readonly windowBytes?: number | undefined;
  /** How a lost connection is made again; false: not at all. */
  readonly reconnect?: ReconnectOptions | false | undefined;
  /** Where to log; silent by default. */
  readonly logger?: Logger | undefined;
}

/** The options with their defaults. What is secret is not enumerable, so that nothing that prints the rest prints it. @internal */
export interface ResolvedOptions {
  /** Where to begin; at least one. */
  readonly seeds: readonly Address[];
  readonly tls: TlsOptions | undefined;
  readonly credentials: CredentialsSource | undefined;
  readonly resolveAddress: ((host: string, port: number) => Address | Promise<Address>) | undefined;
  readonly requestTimeout: number;
  readonly connectTimeout: number;
  readonly closeTimeout: number;
  readonly ackTimeout: number;
  /** Milliseconds, or Infinity. */
  readonly pingInterval: number;
  readonly pingTimeout: number;
  readonly maxMessageBytes: number;
  readonly windowBytes: number;
  /** Undefined: nothing is connected again. */
  readonly reconnect: ReconnectPolicy | undefined;
  readonly logger: Logger;
}

/** @internal */
export const liftbridgeShape: Shape<LiftbridgeOptions> = {
  brokers: either(text(), list(text())),
  tls: tlsChecker,
  credentials: credentialsChecker,
  resolveAddress: func(),
  requestTimeout: duration({ min: 1 }),
  connectTimeout: duration({ min: 1 }),
  closeTimeout: duration(),
  ackTimeout: duration({ min: 1 }),
  pingInterval: duration({ min: 1, infinity: true }),
  pingTimeout: duration({ min: 1 }),
  maxMessageBytes: count({ min: 1024 }),
  windowBytes: count({ min: 65_535 }),
  reconnect: reconnectChecker,
  logger: instance(isLogger, 'an object with the functions debug, info, warn and error'),
};

/**
 * Checks the options of `liftbridge`, all of them, and gives them with their defaults.
 * @throws InvalidOptionError that names the option and what it accepts
 * @internal
 */
export function resolveOptions(options: LiftbridgeOptions = {}): ResolvedOptions {
  const where = 'liftbridge()';
  checkOptions(where, options, liftbridgeShape);
  const { seeds, tls } = resolveSeeds(where, options);
  const credentials = credentialsSource(options.credentials);
  const resolved = {
    seeds,
    resolveAddress: options.resolveAddress,
    requestTimeout: options.requestTimeout ?? 10_000,
    connectTimeout: options.connectTimeout ?? 10_000,
    closeTimeout: options.closeTimeout ?? 10_000,
    ackTimeout: options.ackTimeout ?? 5_000,
    pingInterval: options.pingInterval ?? 10_000,
    pingTimeout: options.pingTimeout ?? 5_000,
    maxMessageBytes: options.maxMessageBytes ?? 4_194_304,
    windowBytes: options.windowBytes ?? 1_048_576,
    reconnect: reconnectPolicy(options.reconnect),
    logger: guarded(options.logger),
  };
  return Object.defineProperties(resolved, {
    tls: { value: tls, enumerable: false },
    credentials: { value: credentials, enumerable: false },
  }) as ResolvedOptions;
}

function isLogger(value: unknown): boolean {
  const like = value as Record<string, unknown> | null;
  return (
    typeof like === 'object' &&
    like !== null &&
    ['debug', 'info', 'warn', 'error'].every((name) => typeof like[name] === 'function')
  );
}
