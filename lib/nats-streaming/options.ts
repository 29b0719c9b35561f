import { reconnectChecker, reconnectPolicy } from '../core/backoff.js';
import type { ReconnectOptions, ReconnectPolicy } from '../core/backoff.js';
import { checkOptions, count, duration, either, func, instance, list, required, secret, text } from '../core/check.js';
import type { Shape } from '../core/check.js';
import { InvalidOptionError } from '../core/errors.js';
import { guarded } from '../core/logger.js';
import type { Logger } from '../core/logger.js';
import { clientIdProblem, subjectProblem } from './codec/subjects.js';
import type { NatsConnectionLike } from './connection/nats-connection.js';
import { readServers } from './connection/servers.js';

/** The options of the NATS client that are most often given; its other options are passed on as well. */
export interface NatsOptions {
  readonly user?: string | undefined;
  readonly pass?: string | undefined;
  readonly token?: string | undefined;
  /** Made by the NATS client's `credsAuthenticator`, `nkeyAuthenticator`, `jwtAuthenticator` and the like. */
  readonly authenticator?: unknown;
  /** Certificates, or `{}` to insist on TLS. */
  readonly tls?: object | null | undefined;
  /** The name that the NATS server's monitoring shows. Default: the client id. */
  readonly name?: string | undefined;
}

/** What `natsStreaming` takes. All durations are milliseconds. */
export interface NatsStreamingOptions {
  /** The id of the streaming server or cluster, as it was started with (`-cid`). */
  readonly clusterId: string;
  /** This client's id: ASCII letters, digits, `-` and `_`. One process at a time can hold it; durables belong to it. */
  readonly clientId: string;
  /**
   * The NATS servers to connect to, such as `nats://host:4222`, `tls://host:4222`, or `wss://host` for a websocket. The
   * connection belongs to the handle and is closed with it. Give this or `nats`.
   */
  readonly servers?: string | readonly string[] | undefined;
  /**
   * A connection of `nats` v2 or `@nats-io/*` v3 that you have made, or a function that makes one. It is never closed or
   * drained here. With a function, a connection that was closed for good is replaced by another call.
   */
  readonly nats?: NatsConnectionLike | (() => NatsConnectionLike | Promise<NatsConnectionLike>) | undefined;
  /** More options for the NATS connection that `servers` makes: credentials, TLS and so on. Never printed. */
  readonly natsOptions?: NatsOptions | object | undefined;
  /**
   * What the subject begins with on which a server of that cluster answers.
   * @defaultValue '_STAN.discover'
   */
  readonly discoverPrefix?: string | undefined;
  /**
   * What the subjects of this client's inboxes begin with, where permissions ask for one of its own.
   * @defaultValue '_INBOX'
   */
  readonly inboxPrefix?: string | undefined;
  /**
   * How long to wait for the confirmation of a published message, in milliseconds.
   * @defaultValue 30 000
   */
  readonly ackTimeout?: number | undefined;
  /**
   * Milliseconds between two pings, 1000 or more; the wire counts whole seconds, so it is rounded up.
   * @defaultValue 5000
   */
  readonly pingInterval?: number | undefined;
  /**
   * How many pings in a row may stay unanswered, 1 or more. The session counts as interrupted at the next one: after
   * `pingInterval * (pingMaxOut + 1)` of silence, 20 s by default. Under 10 s, the election of a leader among clustered
   * servers interrupts it.
   * @defaultValue 3
   */
  readonly pingMaxOut?: number | undefined;
  /**
   * How long the first connect may take, and each request to the server afterwards, in milliseconds. At least 1000, because
   * the server takes 500 to see whether an earlier owner of the client id still lives.
   * @defaultValue 5000
   */
  readonly connectTimeout?: number | undefined;
  /**
   * How long `close()` may take, in milliseconds.
   * @defaultValue 10 000
   */
  readonly closeTimeout?: number | undefined;
  /** How a lost connection is made again; false: not at all. */
  readonly reconnect?: ReconnectOptions | false | undefined;
  /** Where to log; silent by default. */
  readonly logger?: Logger | undefined;
}

/** The options with their defaults, without anything that is secret. @internal */
export interface ResolvedOptions {
  readonly clusterId: string;
  readonly clientId: string;
  readonly discoverPrefix: string;
  readonly inboxPrefix: string;
  readonly ackTimeout: number;
  /** Milliseconds, a multiple of 1000. */
  readonly pingInterval: number;
  readonly pingMaxOut: number;
  readonly connectTimeout: number;
  readonly closeTimeout: number;
  /** Undefined: nothing is connected again. */
  readonly reconnect: ReconnectPolicy | undefined;
  readonly logger: Logger;
}

const named = (problem: (value: unknown) => string | undefined, words?: string) =>
  text({ problem, ...(words === undefined ? {} : { words }) });

/** What the NATS client is told by our own options, so that it can't be told otherwise. */
const ownNatsOptions: Readonly<Record<string, string>> = {
  servers: 'servers',
  port: 'servers',
  reconnect: 'reconnect',
  maxReconnectAttempts: 'reconnect.maxAttempts',
  reconnectDelayHandler: 'reconnect',
  reconnectTimeWait: 'reconnect.initialDelay',
  reconnectJitter: 'reconnect.jitter',
  reconnectJitterTLS: 'reconnect.jitter',
  waitOnFirstConnect: 'reconnect.initial',
  timeout: 'connectTimeout',
};

/** @internal */
export const natsStreamingShape: Shape<NatsStreamingOptions> = {
  clusterId: required(named(subjectProblem)),
  clientId: required(named(clientIdProblem, "of ASCII letters, digits, '-' and '_'")),
  // an address may hold a password
  servers: secret(either(text({ secret: true }), list(text({ secret: true })))),
  nats: either(instance(isConnection, "a connection of 'nats' v2 or '@nats-io/*' v3"), func()),
  natsOptions: secret(instance(isPlainObject, 'an object with options of the NATS client')),
  discoverPrefix: named(subjectProblem),
  inboxPrefix: named(subjectProblem),
  ackTimeout: duration({ min: 1, infinity: true }),
  pingInterval: duration({ min: 1000, max: 86_400_000 }),
  pingMaxOut: count(),
  connectTimeout: duration({ min: 1000 }),
  closeTimeout: duration(),
  reconnect: reconnectChecker,
  logger: instance(isLogger, 'an object with the functions debug, info, warn and error'),
};

/**
 * Checks the options of `natsStreaming`, all of them, and gives those that are no secret with their defaults.
 * @throws InvalidOptionError that names the option and what it accepts
 * @internal
 */
export function resolveOptions(options: NatsStreamingOptions): ResolvedOptions {
  const where = 'natsStreaming()';
  checkOptions(where, options, natsStreamingShape);
  checkAddress(where, options);
  return {
    clusterId: options.clusterId,
    clientId: options.clientId,
    discoverPrefix: options.discoverPrefix ?? '_STAN.discover',
    inboxPrefix: options.inboxPrefix ?? '_INBOX',
    ackTimeout: options.ackTimeout ?? 30_000,
    pingInterval: Math.ceil((options.pingInterval ?? 5_000) / 1000) * 1000,
    pingMaxOut: options.pingMaxOut ?? 3,
    connectTimeout: options.connectTimeout ?? 5_000,
    closeTimeout: options.closeTimeout ?? 10_000,
    reconnect: reconnectPolicy(options.reconnect),
    logger: guarded(options.logger),
  };
}

function checkAddress(where: string, { servers, nats, natsOptions }: NatsStreamingOptions): void {
  const refuse = (problem: string): never => {
    throw new InvalidOptionError(`${where}: ${problem}`, { broker: 'nats-streaming' });
  };
  if (servers === undefined && nats === undefined) {
    refuse(
      "it is not said where the server is: give servers, such as 'nats://localhost:4222', or nats, a connection that you have made",
    );
  }
  if (servers !== undefined && nats !== undefined) {
    refuse('servers and nats are both given; give servers for a connection of its own, or nats to borrow yours');
  }
  if (nats !== undefined && natsOptions !== undefined) {
    refuse('natsOptions goes with servers; the connection given as nats has its options already');
  }
  for (const key in natsOptions) {
    const own = ownNatsOptions[key];
    if (own !== undefined)
      refuse(`natsOptions.${key} is not accepted, because the option ${own} decides it; give ${own}`);
  }
  if (servers !== undefined) readServers(where, servers);
}

/** @internal */
export function isConnection(value: unknown): value is NatsConnectionLike {
  const names = ['publish', 'subscribe', 'status', 'closed', 'isClosed', 'isDraining'];
  return isObject(value) && names.every((name) => typeof value[name] === 'function');
}

function isLogger(value: unknown): boolean {
  return isObject(value) && ['debug', 'info', 'warn', 'error'].every((name) => typeof value[name] === 'function');
}

function isPlainObject(value: unknown): boolean {
  return isObject(value) && !Array.isArray(value);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
