import { ConnectionError, type WeirError } from '../../core/errors.js';
import { Wellness } from '../../core/wellness.js';
import type { Broadcaster } from '../broadcaster-options.js';
import type { RequestHandler } from '../connection/http.js';
import { openConnection } from '../connection/open-connection.js';
import type { ConnectionHandlers } from '../connection/parts.js';
import { Authentication } from './authentication.js';
import { Broadcasters } from './broadcasters.js';
import { Connector } from './connector.js';
import { dial, type SocketLink } from './dial.js';
import { guardedHooks } from './guarded-hooks.js';
import type { SessionParts } from './parts.js';
import type { NotifyOutcome, OutgoingMessage, Pattern, Session, SessionHooks } from './session.js';
import { SocketNotifications } from './socket-notifications.js';
import { SocketSubscriptions } from './socket-subscriptions.js';
import { Wanted } from './wanted.js';

/** What a {@link SocketSession} is made of. @internal */
export interface SocketSessionParts extends SessionParts {
  /** Default: a real one. */
  readonly open?: typeof openConnection | undefined;
}

/** ms beyond `connectTimeout`, which the broadcasters share: for what comes before, such as secrets that are read. */
const grace = 1_000;

/** Talks to one broadcaster at a time over a websocket; when that is lost, over another, with everything subscribed again. @internal */
export class SocketSession implements Session {
  readonly handler: RequestHandler | undefined = undefined;
  private readonly hooks: SessionHooks;
  private readonly authentication: Authentication;
  private readonly broadcasters: Broadcasters;
  private readonly connector: Connector<SocketLink>;
  private readonly wellness: Wellness;
  private readonly wanted: Wanted;
  private readonly subscriptions: SocketSubscriptions;
  private readonly notifications: SocketNotifications;
  private isLocated = false;
  private ending: Promise<void> | undefined;

  constructor(private readonly parts: SocketSessionParts) {
    const { options, clock } = parts;
    const { logger } = options;
    this.hooks = guardedHooks(parts.hooks, logger);
    this.authentication = new Authentication(parts);
    this.broadcasters = new Broadcasters(options.broadcasters, clock);
    this.wellness = new Wellness({ hooks: this.hooks, logger, up: () => this.isLocated });
    this.notifications = new SocketNotifications(clock);
    this.wanted = new Wanted(clock, () => {
      this.subscriptions.change();
    });
    this.subscriptions = new SocketSubscriptions(this.wanted, () => {
      this.wellness.resumed(this.subscriptions);
    });
    this.connector = new Connector<SocketLink>({
      options,
      clock,
      names: this.broadcasters.names,
      limit: options.connectTimeout + grace,
      connect: (signal, gone) => this.connect(signal, gone?.broadcaster),
      discard: ({ connection }) => {
        connection.destroy(nobodyWaits());
      },
      hooks: {
        up: (link) => {
          this.located(link);
        },
        down: (cause) => {
          this.gone();
          this.wellness.interrupted(cause);
        },
        failed: (error) => {
          this.failed(error);
        },
      },
    });
  }

  get up(): boolean {
    return this.connector.link !== undefined;
  }

  get writable(): boolean {
    return this.connector.link?.connection.writable === true;
  }

  start(): void {
    this.connector.start();
  }

  want(pattern: Pattern): void {
    this.wanted.add(pattern);
  }

  unwant(pattern: Pattern): void {
    this.wanted.remove(pattern);
  }

  settled(): Promise<void> {
    return this.ending === undefined ? this.subscriptions.settled() : Promise.resolve();
  }

  notify(message: OutgoingMessage, outcome: NotifyOutcome): void {
    this.notifications.notify(this.connector.link?.connection, message, outcome);
  }

  repair(): void {
    // a websocket that could not be given a message is still subscribed: the broadcaster forgets it with the connection only
  }

  close(ms: number): Promise<void> {
    this.ending ??= this.shut(ms);
    return this.ending;
  }

  private async connect(signal: AbortSignal, gone: Broadcaster | undefined): Promise<SocketLink> {
    const { options, platform, clock, open = openConnection } = this.parts;
    await platform.load('websocket');
    const auth = await this.authentication.get();
    signal.throwIfAborted();
    const handlers = (broadcaster: Broadcaster): ConnectionHandlers => this.handlers(broadcaster);
    return dial({ options, platform, clock, broadcasters: this.broadcasters, open, handlers }, auth, signal, gone);
  }

  private handlers(broadcaster: Broadcaster): ConnectionHandlers {
    const { hooks } = this;
    return {
      arrived: (arrival) => {
        hooks.arrived(arrival);
      },
      missed: (topic) => {
        hooks.missed(topic);
      },
      drained: () => {
        // a connection that nobody has yet is writable all the same
        if (this.writable) hooks.drained();
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

  private located(link: SocketLink): void {
    const { connection } = link;
    if (connection.error !== undefined) {
      this.lost(link, connection.error);
      return;
    }
    if (this.subscriptions.begin(connection)) {
      this.wellness.suspended(
        this.subscriptions,
        new ConnectionError('topics are being subscribed to', { broker: 'lonelyps' }),
      );
    } else {
      this.wellness.resumed(this.subscriptions);
    }
    this.notifications.begin(connection);
    this.isLocated = true;
    this.wellness.located();
  }

  private lost(link: SocketLink, error: WeirError): void {
    this.connector.lost(link, error, this.parts.options.broadcasters.length > 1);
  }

  private gone(): void {
    this.isLocated = false;
    this.subscriptions.end();
  }

  private failed(error: WeirError): void {
    this.wellness.reset(() => {
      this.gone();
    });
    this.subscriptions.release();
    this.notifications.release();
    this.wellness.failed(error);
  }

  private async shut(ms: number): Promise<void> {
    const { link } = this.connector;
    // said before anybody is told, who might want to be connected again
    this.wellness.close();
    this.connector.close();
    this.gone();
    this.subscriptions.release();
    this.notifications.close();
    // the broadcaster takes back what was subscribed as soon as it sees the connection go
    await link?.connection.close(ms);
  }
}

function nobodyWaits(): ConnectionError {
  return new ConnectionError('nobody waits for this connection any more', { broker: 'lonelyps' });
}
