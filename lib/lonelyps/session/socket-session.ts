import { ConnectionError, type WeirError } from '../../core/errors.js';
import { Wellness } from '../../core/wellness.js';
import type { Connection } from '../connection/connection.js';
import type { LonelypsRequestHandler } from '../connection/http.js';
import { openConnection } from '../connection/open-connection.js';
import { Authentication } from './authentication.js';
import { Broadcasters } from './broadcasters.js';
import { guardedHooks } from './guarded-hooks.js';
import type { SessionParts } from './parts.js';
import type { NotifyOutcome, OutgoingMessage, Pattern, Session, SessionHooks } from './session.js';
import { SocketLine, type Reach } from './socket-line.js';
import { SocketNotifications } from './socket-notifications.js';
import { SocketSubscriptions } from './socket-subscriptions.js';
import { Wanted } from './wanted.js';

/** What a {@link SocketSession} is made of. @internal */
export interface SocketSessionParts extends SessionParts {
  /** Default: a real one. */
  readonly open?: typeof openConnection | undefined;
}

type Role = 'subscribing' | 'publishing';

interface LineParts {
  readonly reach: Reach;
  readonly reconnect: SessionParts['options']['reconnect'];
  readonly failed: (error: WeirError) => void;
}

/**
 * Talks to one broadcaster at a time, over a websocket for subscriptions and one for what is published, as far as there is either.
 * A broadcaster that has three messages unanswered sends nothing more on that connection, no confirmation either: a subscriber
 * with a full window that publishes would wait for itself. What comes first has the session's first connection, and the other
 * one follows it, because a broadcaster may know of its own websockets only. While subscriptions are away nothing is published.
 * @internal
 */
export class SocketSession implements Session {
  readonly handler: LonelypsRequestHandler | undefined = undefined;
  private readonly hooks: SessionHooks;
  private readonly authentication: Authentication;
  private readonly broadcasters: Broadcasters;
  private readonly first: SocketLine;
  private second: SocketLine | undefined;
  private readonly lines = new Map<Role, SocketLine>();
  private readonly wellness: Wellness;
  private readonly wanted: Wanted;
  private readonly subscriptions: SocketSubscriptions;
  private readonly notifications: SocketNotifications;
  private isLocated = false;
  /** Whether subscriptions were away since `connected` was told. */
  private hasLapsed = false;
  private ending: Promise<void> | undefined;

  constructor(private readonly parts: SocketSessionParts) {
    const { options, clock, platform } = parts;
    const { logger } = options;
    this.hooks = guardedHooks(parts.hooks, logger);
    this.authentication = new Authentication(parts);
    this.broadcasters = new Broadcasters(options.broadcasters, clock);
    this.wellness = new Wellness({
      hooks: {
        ...this.hooks,
        connected: (again) => {
          const lapsed = this.hasLapsed;
          this.hasLapsed = false;
          this.hooks.connected(again);
          if (lapsed && again) this.hooks.lapsed();
          if (this.writable) this.hooks.drained();
        },
      },
      logger,
      up: () => this.isLocated,
    });
    this.notifications = new SocketNotifications(clock);
    this.wanted = new Wanted(clock, () => {
      this.subscriptions.change();
    });
    this.subscriptions = new SocketSubscriptions(
      this.wanted,
      (length) => platform.random(length),
      () => {
        this.wellness.resumed(this.subscriptions);
      },
    );
    const { broadcasters } = this;
    this.first = this.line({
      reach: {
        names: broadcasters.names,
        candidates: () => broadcasters.pass(),
        reached: (broadcaster) => {
          broadcasters.reached(broadcaster);
        },
        notReached: (broadcaster) => {
          broadcasters.notReached(broadcaster);
        },
      },
      reconnect: options.reconnect,
      failed: (error) => {
        this.failed(error);
      },
    });
  }

  get up(): boolean {
    return this.first.connection !== undefined;
  }

  get writable(): boolean {
    return !this.hasLapsed && this.lines.get('publishing')?.connection?.writable === true;
  }

  hasRoom(): boolean {
    return this.writable;
  }

  start(): void {
    this.first.start();
  }

  want(pattern: Pattern): void {
    this.claim('subscribing');
    this.wanted.add(pattern);
  }

  unwant(pattern: Pattern): void {
    this.wanted.remove(pattern);
  }

  settled(): Promise<void> {
    return this.ending === undefined ? this.subscriptions.settled() : Promise.resolve();
  }

  wantOutlet(): void {
    this.claim('publishing');
  }

  notify(message: OutgoingMessage, outcome: NotifyOutcome): void {
    this.notifications.notify(this.lines.get('publishing')?.connection, message, outcome);
  }

  repair(): void {
    // a websocket that could not be given a message is still subscribed: the broadcaster forgets it with the connection only
  }

  close(ms: number): Promise<void> {
    this.ending ??= this.shut(ms);
    return this.ending;
  }

  /** Gives the role a connection, if it has none. */
  private claim(role: Role): void {
    if (this.ending !== undefined || this.lines.has(role)) return;
    if (this.lines.size === 0) {
      this.lines.set(role, this.first);
      const { connection } = this.first;
      if (connection !== undefined) this.use(role, connection);
      return;
    }
    this.second = this.follower();
    this.lines.set(role, this.second);
    if (this.first.connection !== undefined) this.second.start();
  }

  /** A line to where the first one leads. */
  private follower(): SocketLine {
    const { reconnect } = this.parts.options;
    return this.line({
      reach: {
        names: this.broadcasters.names,
        candidates: () => (this.first.broadcaster === undefined ? [] : [this.first.broadcaster]),
        reached: () => undefined,
        notReached: () => undefined,
      },
      // the session has been connected: what is refused may be accepted later
      reconnect: reconnect && { ...reconnect, initial: true },
      failed: (error) => {
        this.first.giveUp(error);
      },
    });
  }

  private line({ reach, reconnect, failed }: LineParts): SocketLine {
    const { options, platform, clock, open = openConnection } = this.parts;
    const { hooks, authentication } = this;
    const line: SocketLine = new SocketLine({
      options,
      reconnect,
      platform,
      clock,
      authentication,
      reach,
      open,
      hooks: {
        arrived: (arrival) => {
          hooks.arrived(arrival);
        },
        missed: (topic) => {
          hooks.missed(topic);
        },
        fault: (error) => {
          hooks.fault(error);
        },
        drained: () => {
          if (this.writable) hooks.drained();
        },
        up: (connection) => {
          this.found(line, connection);
        },
        down: (cause) => {
          this.lost(line, cause);
        },
        failed,
      },
    });
    return line;
  }

  private found(line: SocketLine, connection: Connection): void {
    if (line === this.lines.get('subscribing')) this.use('subscribing', connection);
    if (line === this.lines.get('publishing')) this.use('publishing', connection);
    if (line === this.first) {
      this.isLocated = true;
      this.lead();
      this.wellness.located();
    } else if (this.writable) {
      this.hooks.drained();
    }
  }

  /** Where the first connection has moved, the second goes too. */
  private lead(): void {
    const { first, second } = this;
    if (second === undefined || second.broadcaster === first.broadcaster) return;
    const [role] = [...this.lines].find(([, line]) => line === second)!;
    const cause = new ConnectionError('the session goes on with another broadcaster', { broker: 'lonelyps' });
    if (second.connection !== undefined) this.lost(second, cause);
    this.second = this.follower();
    this.lines.set(role, this.second);
    second.drop(cause);
    this.second.start();
  }

  private use(role: Role, connection: Connection): void {
    if (role === 'publishing') {
      this.notifications.begin(connection);
      this.wellness.resumed(this.notifications);
      return;
    }
    const isBusy = this.subscriptions.begin(connection);
    // where nothing was lost, a session that is well stays so
    if (isBusy && (this.hasLapsed || !this.isLocated)) {
      const cause = new ConnectionError('topics are being subscribed to', { broker: 'lonelyps' });
      this.wellness.suspended(this.subscriptions, cause);
    } else {
      this.wellness.resumed(this.subscriptions);
    }
  }

  private lost(line: SocketLine, cause: WeirError): void {
    const isSubscribing = line === this.lines.get('subscribing');
    if (isSubscribing) {
      this.hasLapsed = true;
      this.subscriptions.end();
    }
    if (line === this.first) {
      this.isLocated = false;
      this.wellness.interrupted(cause);
    } else {
      this.wellness.suspended(isSubscribing ? this.subscriptions : this.notifications, cause);
    }
  }

  private failed(error: WeirError): void {
    this.wellness.reset(() => {
      this.gone();
    });
    this.subscriptions.release();
    this.notifications.release();
    this.hasLapsed = false;
    this.lines.clear();
    this.second?.drop(error);
    this.second = undefined;
    this.wellness.failed(error);
    if (this.wanted.size > 0) this.claim('subscribing');
  }

  private gone(): void {
    this.isLocated = false;
    this.subscriptions.end();
  }

  private async shut(ms: number): Promise<void> {
    // said before anybody is told, who might want to be connected again
    this.wellness.close();
    this.gone();
    this.subscriptions.release();
    this.notifications.close();
    // the broadcaster takes back what was subscribed as soon as it sees the connection go
    await Promise.all([this.first.close(ms), this.second?.close(ms)]);
  }
}
