import { Backoff } from '../../core/backoff.js';
import type { Clock } from '../../core/clock.js';
import { InvalidOptionError } from '../../core/errors.js';
import { isConnection } from '../options.js';
import type { NatsStreamingOptions, ResolvedOptions } from '../options.js';
import { ReconnectDelays } from './delays.js';
import { natsError } from './errors.js';
import { Link } from './link.js';
import type { NatsConnectionLike } from './link.js';
import { readServers } from './servers.js';
import type { ServerList } from './servers.js';

/** What a connection of our own is made with. Holds secrets. @internal */
export interface ConnectRequest extends ServerList {
  /** What the server's monitoring shows. */
  readonly name: string;
  /** Milliseconds for each server. */
  readonly timeout: number;
  /** Asked for the milliseconds before each attempt; undefined where a dropped connection is not made again. */
  readonly reconnectDelay: (() => number) | undefined;
  /** The user's own, which go before what the addresses say. */
  readonly natsOptions: object;
}

/** Makes a NATS connection. Rejects with one of our errors. @internal */
export type ConnectNats = (request: ConnectRequest) => Promise<NatsConnectionLike>;

/** Where a session gets its links from. @internal */
export interface Connector {
  /** What it connects to, without secrets, as words for messages. */
  readonly target: string;
  /** Whether a link that was closed for good can be replaced by another. */
  readonly renewable: boolean;
  /** Makes or borrows a connection. Rejects with one of our errors. */
  open(): Promise<Link>;
}

/**
 * Takes what `natsStreaming` was given, checked, and keeps what is secret of it out of sight.
 * @param connectNats - for `servers`: how this entry point makes a connection
 * @internal
 */
export function createConnector(
  options: NatsStreamingOptions,
  resolved: ResolvedOptions,
  connectNats: ConnectNats,
  clock: Clock,
): Connector {
  const { servers, nats, natsOptions = {} } = options;
  if (servers !== undefined) {
    const list = readServers('natsStreaming()', servers);
    return owned(list, natsOptions, resolved, connectNats, clock);
  }
  return borrowed(nats as NonNullable<typeof nats>, resolved);
}

function owned(
  list: ServerList,
  natsOptions: object,
  resolved: ResolvedOptions,
  connectNats: ConnectNats,
  clock: Clock,
): Connector {
  const { reconnect, inboxPrefix, clientId: name } = resolved;
  return {
    target: list.servers.join(', '),
    renewable: true,
    async open() {
      const delays = reconnect && new ReconnectDelays(new Backoff(reconnect), clock);
      const nc = await connectNats({
        ...list,
        name,
        // one server that never answers leaves the others their share of the time
        timeout: Math.max(1000, resolved.connectTimeout / list.servers.length),
        reconnectDelay: delays && (() => delays.next()),
        natsOptions,
      });
      delays?.reset();
      return new Link(nc, { owned: true, renewable: true, inboxPrefix, reconnected: () => delays?.reset() });
    },
  };
}

function borrowed(nats: NonNullable<NatsStreamingOptions['nats']>, { inboxPrefix }: ResolvedOptions): Connector {
  const renewable = typeof nats === 'function';
  return {
    target: 'the NATS connection that was given',
    renewable,
    async open() {
      const nc = typeof nats === 'function' ? await called(nats) : nats;
      return new Link(nc, { owned: false, renewable, inboxPrefix });
    },
  };
}

async function called(nats: () => NatsConnectionLike | Promise<NatsConnectionLike>): Promise<NatsConnectionLike> {
  let nc: unknown;
  try {
    nc = await nats();
  } catch (error) {
    throw natsError(error, 'the function given as nats made no connection');
  }
  if (isConnection(nc)) return nc;
  throw new InvalidOptionError(
    "nats() must give a connection of 'nats' v2 or '@nats-io/*' v3, and gave something else",
    {
      broker: 'nats-streaming',
    },
  );
}
