import { Backoff } from '../../core/backoff.js';
import type { Clock } from '../../core/clock.js';
import { ConnectionError, InvalidOptionError, WeirError } from '../../core/errors.js';
import type { Connection, ConnectionEvents, openConnection } from '../connection/connection.js';
import { addressOf } from '../connection/socket-failures.js';
import type { Address, ResolvedOptions } from '../options.js';
import type { LinkRole } from './link.js';
import { pause } from '../../core/pause.js';

/** What a {@link Dialer} is made of. @internal */
export interface DialerParts {
  readonly options: ResolvedOptions;
  readonly clock: Clock;
  readonly open: typeof openConnection;
}

/** An open connection, and the node that it leads to. @internal */
export interface Dialed {
  readonly connection: Connection;
  readonly node: Address;
}

/** The largest frame to accept: a chunk of many large messages is one frame, whatever the limit for our own is. */
const maxFrame = 128 * 1024 * 1024;

const broker = 'rabbitmq-stream';

/** Makes connections: to a seed, or to the node that is wanted, through a load balancer if need be. @internal */
export class Dialer {
  private readonly made = { producer: 0, consumer: 0 };

  constructor(private readonly parts: DialerParts) {}

  /**
   * A connection to one of the seeds, which are tried in a random order.
   * @throws the error of a seed that refused the credentials; else of the only seed, or one that tells of all
   */
  async toSeed(events: ConnectionEvents, signal: AbortSignal): Promise<Connection> {
    const errors: WeirError[] = [];
    for (const seed of shuffled(this.parts.options.seeds)) {
      try {
        return await this.dial(seed, 'locator', events, signal);
      } catch (error) {
        if (!isWeir(error) || signal.aborted) throw error;
        // all nodes know the same users
        if (error.code === 'AUTHENTICATION' || error.code === 'AUTHORIZATION') throw error;
        errors.push(error);
      }
    }
    const [first, ...others] = errors;
    if (first && others.length === 0) throw first;
    throw new ConnectionError(
      `none of the ${errors.length} addresses could be connected to: ${errors.map((error) => error.message).join('; ')}`,
      { broker, cause: errors.at(-1), retriable: errors.some((error) => error.retriable) },
    );
  }

  /**
   * A data connection to one of the nodes.
   * @param nodes - at least one; the first is tried first
   * @param events - makes those of one attempt
   */
  async toNode(
    nodes: readonly Address[],
    role: LinkRole,
    signal: AbortSignal,
    events: () => ConnectionEvents,
  ): Promise<Dialed> {
    const { loadBalancer, resolveAddress } = this.parts.options;
    const name = `${role}-${++this.made[role]}`;
    if (loadBalancer || resolveAddress) return this.throughOthers(nodes, name, signal, events);
    const node = nodes[0] as Address;
    try {
      return { connection: await this.dial(node, name, events(), signal), node };
    } catch (error) {
      throw this.withAdvice(error, node);
    }
  }

  /** Where the address says little about the node: connects until one that is wanted answers. */
  private async throughOthers(
    nodes: readonly Address[],
    name: string,
    signal: AbortSignal,
    events: () => ConnectionEvents,
  ): Promise<Dialed> {
    const { clock, options } = this.parts;
    const seeds = shuffled(options.seeds);
    const tries = Math.max(20, (2 + nodes.length) ** 2);
    // a balancer that goes round is soon through, one that draws lots takes longer
    const backoff = new Backoff({ initialDelay: 20, maxDelay: 200, factor: 2, jitter: 0.5, maxAttempts: tries });
    const reached = new Set<string>();
    let failures = options.resolveAddress ? nodes.length : seeds.length;
    for (let index = 0; index < tries; index++) {
      const wanted = nodes[index % nodes.length] as Address;
      const address = options.resolveAddress ? await this.resolve(wanted) : (seeds[index % seeds.length] as Address);
      signal.throwIfAborted();
      let connection;
      try {
        connection = await this.dial(address, name, events(), signal);
      } catch (error) {
        // each address may fail once; trying again beyond that is for who asks, with fresh knowledge of the nodes
        if (signal.aborted || !isWeir(error) || !error.retriable || --failures <= 0) throw error;
        continue;
      }
      const { advertised } = connection;
      const node = advertised ? nodes.find((each) => isSame(each, advertised)) : wanted;
      if (node) return { connection, node };
      if (advertised) reached.add(addressOf(advertised));
      await connection.close('another node is wanted');
      await pause(backoff.next() ?? 0, clock, signal);
    }
    throw this.notReached(nodes, tries, reached);
  }

  private async resolve(node: Address): Promise<Address> {
    let address: Address;
    try {
      address = await (this.parts.options.resolveAddress as NonNullable<ResolvedOptions['resolveAddress']>)(
        node.host,
        node.port,
      );
    } catch (error) {
      throw new ConnectionError(`the function resolveAddress failed for ${addressOf(node)}`, { broker, cause: error });
    }
    const { host, port } = (address ?? {}) as Partial<Address>;
    if (typeof host === 'string' && host !== '' && Number.isInteger(port) && port! > 0 && port! < 65_536) {
      return { host, port: port as number };
    }
    throw new InvalidOptionError(
      `the function resolveAddress must return an object with host, a non-empty string, and port, an integer from 1 to 65535; ` +
        `it did not for ${addressOf(node)}`,
      { broker },
    );
  }

  private dial(address: Address, name: string, events: ConnectionEvents, signal: AbortSignal): Promise<Connection> {
    const { options, clock, open } = this.parts;
    const { tls, sasl, username, password, vhost, frameMax, heartbeat, connectTimeout, requestTimeout } = options;
    return open(
      {
        host: address.host,
        port: address.port,
        tls,
        sasl,
        username,
        password,
        vhost,
        frameMax,
        heartbeat,
        connectTimeout,
        requestTimeout,
        maxFrame,
        properties: {
          connection_name: `${options.connectionName}-${name}`,
          product: 'rx-weir',
          platform: `Node.js ${process.version}`,
          information: 'RxJS bindings for message streams',
        },
        clock,
        log: options.logger,
      },
      events,
      signal,
    );
  }

  /** A node that was found through a seed and is not reachable by its own address is most often one in a container. */
  private withAdvice(error: unknown, node: Address): unknown {
    if (!isWeir(error) || !error.retriable || this.parts.options.seeds.some((seed) => isSame(seed, node))) return error;
    if (error.code !== 'CONNECTION' && error.code !== 'TIMEOUT') return error;
    return new ConnectionError(
      `${error.message}. RabbitMQ gives ${addressOf(node)} as the address of the node that has the stream; if it cannot be ` +
        'reached from here, set advertised_host and advertised_port in its configuration, or give resolveAddress or ' +
        'loadBalancer to the handle',
      { broker, cause: error, detail: error.detail },
    );
  }

  private notReached(nodes: readonly Address[], tries: number, reached: ReadonlySet<string>): ConnectionError {
    const { resolveAddress } = this.parts.options;
    const way = resolveAddress ? 'what resolveAddress returned' : 'the load balancer';
    const wanted = nodes.map(addressOf).join(' or ');
    return new ConnectionError(
      `${way} did not lead to ${wanted} in ${tries} connections, but to ${[...reached].join(', ')}; check that it can reach ` +
        'all nodes, and that each advertises its own address (stream.advertised_host, stream.advertised_port)',
      { broker },
    );
  }
}

/** Whether both name one place. @internal */
export function isSame(one: Address, other: Address): boolean {
  return one.port === other.port && one.host.toLowerCase() === other.host.toLowerCase();
}

/** The same in a random order. @internal */
export function shuffled<T>(items: readonly T[]): T[] {
  const drawn = [...items];
  for (let last = drawn.length - 1; last > 0; last--) {
    const other = Math.floor(Math.random() * (last + 1));
    [drawn[last], drawn[other]] = [drawn[other] as T, drawn[last] as T];
  }
  return drawn;
}

function isWeir(error: unknown): error is WeirError {
  return error instanceof WeirError;
}
