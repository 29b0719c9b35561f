import { reconnectChecker, reconnectPolicy, type ReconnectOptions, type ReconnectPolicy } from '../core/backoff.js';
import {
  checkOptions,
  count,
  duration,
  either,
  flag,
  func,
  instance,
  list,
  oneOf,
  secret,
  text,
  type Shape,
} from '../core/check.js';
import { guarded, type Logger } from '../core/logger.js';
import { tlsChecker, type TlsOptions } from '../core/tls.js';
import { resolveServers } from './servers.js';

/** Where a node listens. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** What `rabbitmqStream` takes. All durations are milliseconds. */
export interface RabbitMqStreamOptions {
  /**
   * Where the broker is and who connects: `rabbitmq-stream://user:password@host:5552/vhost`, or `rabbitmq-stream+tls://` with
   * port 5551 by default. Several are seeds of one cluster, tried in turn; the nodes that hold a stream are found from there.
   * In user, password and virtual host, characters that an address gives a meaning are percent-encoded: the virtual host `/`
   * is left out or written `/%2F`. Give this, or `host` and the options beside it.
   */
  readonly url?: string | readonly string[] | undefined;
  /**
   * The broker's host, or several seeds of one cluster.
   * @defaultValue 'localhost'
   */
  readonly host?: string | readonly string[] | undefined;
  /**
   * The port of the stream protocol on each `host`.
   * @defaultValue 5552, and 5551 with `tls`
   */
  readonly port?: number | undefined;
  /**
   * Who connects.
   * @defaultValue 'guest', whom the broker accepts from its own machine only
   */
  readonly username?: string | undefined;
  /**
   * Never printed.
   * @defaultValue 'guest'
   */
  readonly password?: string | undefined;
  /**
   * The virtual host in which the streams are.
   * @defaultValue '/'
   */
  readonly vhost?: string | undefined;
  /**
   * `true` for TLS that verifies the server's certificate against the authorities that Node trusts; options for authorities
   * of your own and for a client certificate. Never printed.
   * @defaultValue false; true where `url` begins with `rabbitmq-stream+tls://`
   */
  readonly tls?: boolean | TlsOptions | undefined;
  /**
   * How this client says who it is: by name and password, or by the certificate in `tls` (`external`, with the broker's plugin
   * rabbitmq_auth_mechanism_ssl).
   * @defaultValue 'plain'
   */
  readonly sasl?: 'plain' | 'external' | undefined;
  /**
   * Whether the address leads to a load balancer, which decides what node a connection reaches. Connections are then made
   * anew until one reaches the node that is wanted. The nodes themselves need not be reachable.
   * @defaultValue false
   */
  readonly loadBalancer?: boolean | undefined;
  /**
   * Says where to connect to in order to reach a node, by the address that the node advertises; for brokers in containers and
   * behind address translation, whose own address is not reachable from here. It may be that of a load balancer: the node that
   * answers is checked.
   */
  readonly resolveAddress?: ((host: string, port: number) => Address | Promise<Address>) | undefined;
  /**
   * The largest frame to send, in bytes, from 4096; the broker may set less. 0: as the broker says. A message must fit into
   * one, or it is refused with `FrameTooLargeError`.
   * @defaultValue 1 048 576
   */
  readonly frameMax?: number | undefined;
  /**
   * Milliseconds of silence after which a sign of life is sent, rounded up to seconds; a broker that is silent for two of
   * them is given up. The broker may set less. 0: as the broker says.
   * @defaultValue 60 000
   */
  readonly heartbeat?: number | undefined;
  /**
   * What the connections are called in the broker's management, each with what it is for behind it (`-locator`,
   * `-producer-1`, `-consumer-1`). Up to 200 bytes.
   * @defaultValue 'rx-weir'
   */
  readonly connectionName?: string | undefined;
  /**
   * How long the broker may take to answer a request, in milliseconds.
   * @defaultValue 10 000
   */
  readonly requestTimeout?: number | undefined;
  /**
   * How long making one connection may take, in milliseconds; several seeds are tried in turn. The broker takes 3000 to
   * refuse credentials.
   * @defaultValue 10 000
   */
  readonly connectTimeout?: number | undefined;
  /**
   * How long `close()` waits for what is unsettled or unconfirmed, in milliseconds. Storing positions and the goodbye come
   * after that, and take up to 4000 more where the broker does not answer.
   * @defaultValue 10 000
   */
  readonly closeTimeout?: number | undefined;
  /** How a lost connection is made again; false: not at all. */
  readonly reconnect?: ReconnectOptions | false | undefined;
  /** Where to log; silent by default. */
  readonly logger?: Logger | undefined;
}

/** The options with their defaults. What is secret is not enumerable, so that nothing that prints the rest prints it. @internal */
export interface ResolvedOptions {
  /** Where to begin; at least one. */
  readonly seeds: readonly Address[];
  readonly username: string;
  readonly password: string;
  readonly vhost: string;
  readonly tls: TlsOptions | undefined;
  readonly sasl: 'plain' | 'external';
  readonly loadBalancer: boolean;
  readonly resolveAddress: ((host: string, port: number) => Address | Promise<Address>) | undefined;
  /** Bytes; 0: as the broker says. */
  readonly frameMax: number;
  /** Milliseconds, a multiple of 1000; 0: as the broker says. */
  readonly heartbeat: number;
  readonly connectionName: string;
  readonly requestTimeout: number;
  readonly connectTimeout: number;
  readonly closeTimeout: number;
  /** Undefined: nothing is connected again. */
  readonly reconnect: ReconnectPolicy | undefined;
  readonly logger: Logger;
}

/** @internal */
export const rabbitMqStreamShape: Shape<RabbitMqStreamOptions> = {
  // an address may hold a password
  url: secret(either(text({ secret: true }), list(text({ secret: true })))),
  host: either(text(), list(text())),
  port: count({ max: 65_535 }),
  username: text({ problem: nulProblem }),
  password: text({ secret: true, empty: true, problem: nulProblem }),
  vhost: text(),
  tls: tlsChecker,
  sasl: oneOf('plain', 'external'),
  loadBalancer: flag(),
  resolveAddress: func(),
  frameMax: either(oneOf(0), count({ min: 4096 })),
  heartbeat: duration({ max: 86_400_000 }),
  connectionName: text({ words: 'of up to 200 bytes', problem: nameProblem }),
  requestTimeout: duration({ min: 1 }),
  connectTimeout: duration({ min: 1 }),
  closeTimeout: duration(),
  reconnect: reconnectChecker,
  logger: instance(isLogger, 'an object with the functions debug, info, warn and error'),
};

/**
 * Checks the options of `rabbitmqStream`, all of them, and gives them with their defaults.
 * @throws InvalidOptionError that names the option and what it accepts
 * @internal
 */
export function resolveOptions(options: RabbitMqStreamOptions = {}): ResolvedOptions {
  const where = 'rabbitmqStream()';
  checkOptions(where, options, rabbitMqStreamShape);
  const { seeds, username, password, vhost, tls } = resolveServers(where, options);
  const resolved = {
    seeds,
    username,
    vhost,
    sasl: options.sasl ?? 'plain',
    loadBalancer: options.loadBalancer ?? false,
    resolveAddress: options.resolveAddress,
    frameMax: options.frameMax ?? 1_048_576,
    heartbeat: Math.ceil((options.heartbeat ?? 60_000) / 1000) * 1000,
    connectionName: options.connectionName ?? 'rx-weir',
    requestTimeout: options.requestTimeout ?? 10_000,
    connectTimeout: options.connectTimeout ?? 10_000,
    closeTimeout: options.closeTimeout ?? 10_000,
    reconnect: reconnectPolicy(options.reconnect),
    logger: guarded(options.logger),
  };
  return Object.defineProperties(resolved, {
    password: { value: password, enumerable: false },
    tls: { value: tls, enumerable: false },
  }) as ResolvedOptions;
}

function nulProblem(value: string): string | undefined {
  return value.includes('\0') ? 'it contains a NUL character, which separates the two on the wire' : undefined;
}

function nameProblem(value: string): string | undefined {
  return new TextEncoder().encode(value).length > 200 ? 'it is longer' : undefined;
}

function isLogger(value: unknown): boolean {
  const like = value as Record<string, unknown> | null;
  return (
    typeof like === 'object' &&
    like !== null &&
    ['debug', 'info', 'warn', 'error'].every((name) => typeof like[name] === 'function')
  );
}
