import type { Clock } from '../../core/clock.js';
import { ConnectionError, type WeirError } from '../../core/errors.js';
import type { Broadcaster } from '../broadcaster-options.js';
import type { Connection } from '../connection/connection.js';
import type { openConnection } from '../connection/open-connection.js';
import type { ConnectionHandlers } from '../connection/parts.js';
import type { ResolvedOptions } from '../options.js';
import type { Platform } from '../platform.js';
import type { Authentication } from './authentication.js';
import { Connector } from './connector.js';
import { dial, type SocketLink } from './dial.js';

/** Who is told how a {@link SocketLine} does, and what comes over it. @internal */
export interface SocketLineHooks extends Omit<ConnectionHandlers, 'lost'> {
  /** There is a connection, for the first time or again. */
  up(connection: Connection): void;
  /** It was lost and is being made again. */
  down(cause: WeirError): void;
  /** Given up, or never had. It may be started anew when this has returned. */
  failed(error: WeirError): void;
}

/** Where a {@link SocketLine} may lead. @internal */
export interface Reach {
  /** All of it in words. */
  readonly names: string;
  /** Who is to be tried, one after the other. */
  candidates(): readonly Broadcaster[];
  reached(broadcaster: Broadcaster): void;
  notReached(broadcaster: Broadcaster): void;
}

/** What a {@link SocketLine} is made of. @internal */
export interface SocketLineParts {
  readonly options: ResolvedOptions;
  /** Instead of that of the options. */
  readonly reconnect: ResolvedOptions['reconnect'];
  readonly platform: Platform;
  readonly clock: Clock;
  readonly authentication: Authentication;
  readonly reach: Reach;
  readonly open: typeof openConnection;
  readonly hooks: SocketLineHooks;
}

/** ms beyond `connectTimeout`, which the broadcasters share: for what comes before, such as secrets that are read. */
const grace = 1_000;

/** A websocket to one broadcaster at a time; when that is lost, to another, or again to the same. @internal */
export class SocketLine {
  private readonly connector: Connector<SocketLink>;

  constructor(private readonly parts: SocketLineParts) {
    const { options, reconnect, clock, reach, hooks } = parts;
    this.connector = new Connector<SocketLink>({
      options: { reconnect, logger: options.logger },
      clock,
      names: reach.names,
      limit: options.connectTimeout + grace,
      connect: (signal, gone) => this.connect(signal, gone?.broadcaster),
      discard: ({ connection }) => {
        connection.destroy(nobodyWaits());
      },
      hooks: {
        up: (link) => {
          const { error } = link.connection;
          if (error === undefined) hooks.up(link.connection);
          else this.lost(link, error);
        },
        down: (cause) => {
          hooks.down(cause);
        },
        failed: (error) => {
          hooks.failed(error);
        },
      },
    });
  }

  /** Undefined while there is none. */
  get connection(): Connection | undefined {
    return this.connector.link?.connection;
  }

  /** To whom there is a connection. */
  get broadcaster(): Broadcaster | undefined {
    return this.connector.link?.broadcaster;
  }

  /** Begins to connect, unless it does or is. The hooks are called later. */
  start(): void {
    this.connector.start();
  }

  /** Fails, if it had begun. */
  giveUp(error: WeirError): void {
    const { connection } = this;
    this.connector.giveUp(error);
    connection?.destroy(error);
  }

  /** Ends, without a word to the broadcaster. No hook is called. */
  drop(error: WeirError): void {
    const { connection } = this;
    this.connector.close();
    connection?.destroy(error);
  }

  /** Ends, at most `ms` after the call. No hook is called. */
  async close(ms: number): Promise<void> {
    const { connection } = this;
    this.connector.close();
    await connection?.close(ms);
  }

  private async connect(signal: AbortSignal, gone: Broadcaster | undefined): Promise<SocketLink> {
    const { options, platform, clock, authentication, reach, open } = this.parts;
    await platform.load('websocket');
    const auth = await authentication.get();
    signal.throwIfAborted();
    const handlers = (broadcaster: Broadcaster): ConnectionHandlers => this.handlers(broadcaster);
    return dial({ options, platform, clock, reach, open, handlers }, auth, signal, gone);
  }

  private handlers(broadcaster: Broadcaster): ConnectionHandlers {
    const { hooks } = this.parts;
    return {
      arrived: (arrival) => {
        hooks.arrived(arrival);
      },
      missed: (topic) => {
        hooks.missed(topic);
      },
      drained: () => {
        // a connection that nobody has yet is writable all the same
        if (this.connection?.writable === true) hooks.drained();
      },
      lost: (error) => {
        const { link } = this.connector;
        // there is one at a time, and another broadcaster's was given up before
        if (link?.broadcaster === broadcaster && link.connection.error !== undefined) this.lost(link, error);
      },
      fault: (error) => {
        hooks.fault(error);
      },
    };
  }

  private lost(link: SocketLink, error: WeirError): void {
    const others = this.parts.reach.candidates().some((each) => each !== link.broadcaster);
    this.connector.lost(link, error, others);
  }
}

function nobodyWaits(): ConnectionError {
  return new ConnectionError('nobody waits for this connection any more', { broker: 'lonelyps' });
}
