import { ConnectionError, UnsupportedError, type WeirError } from '../../core/errors.js';
import { Wellness } from '../../core/wellness.js';
import type { HttpClient, LonelypsRequestHandler } from '../connection/http.js';
import { Attempts } from './attempts.js';
import { Authentication } from './authentication.js';
import { Broadcasters } from './broadcasters.js';
import { Callbacks } from './callbacks.js';
import { Connector } from './connector.js';
import { guardedHooks } from './guarded-hooks.js';
import { connectionsOf, Notifications } from './notifications.js';
import type { SessionParts } from './parts.js';
import { Registration } from './registration.js';
import { Requests } from './requests.js';
import type { NotifyOutcome, OutgoingMessage, Pattern, Session, SessionHooks } from './session.js';
import { Wanted } from './wanted.js';

/** A broadcaster that has answered: the etag of what it has for us. */
interface Link {
  readonly requests: Requests;
  readonly etag: Uint8Array;
}

/**
 * Talks to broadcasters over HTTP, and lets them call back. There is no connection to lose: it is up while some broadcaster
 * answers, and asks again and again when none did.
 * @internal
 */
export class HttpSession implements Session {
  private readonly hooks: SessionHooks;
  private readonly authentication: Authentication;
  private readonly callbacks: Callbacks;
  private readonly attempts: Attempts;
  private readonly connector: Connector<Link>;
  private readonly wellness: Wellness;
  private readonly wanted: Wanted;
  private readonly registration: Registration;
  private readonly notifications: Notifications;
  private client: HttpClient | undefined;
  private requests: Requests | undefined;
  /** Whether the registration knows of the link. */
  private isLocated = false;
  private ending: Promise<void> | undefined;

  constructor(private readonly parts: SessionParts) {
    const { options, platform, clock } = parts;
    const { logger } = options;
    this.hooks = guardedHooks(parts.hooks, logger);
    const broadcasters = new Broadcasters(options.broadcasters, clock);
    this.authentication = new Authentication(parts);
    this.attempts = new Attempts({
      broadcasters,
      clock,
      log: logger,
      retries: options.retries,
      totalTimeout: options.totalTimeout,
    });
    this.wellness = new Wellness({
      hooks: {
        ...this.hooks,
        connected: (again) => {
          this.hooks.connected(again);
          if (again) this.hooks.lapsed();
        },
      },
      logger,
      up: () => this.isLocated,
    });
    this.wanted = new Wanted(clock, () => {
      this.registration.change();
    });
    this.callbacks = new Callbacks({
      options,
      platform,
      authentication: this.authentication,
      hooks: {
        arrived: (arrival) => {
          this.hooks.arrived(arrival);
        },
        missed: (topic) => {
          this.registration.repair();
          this.hooks.missed(topic);
        },
        fault: (error) => {
          this.hooks.fault(error);
        },
      },
    });
    this.connector = new Connector<Link>({
      options,
      clock,
      names: broadcasters.names,
      limit: options.connectTimeout,
      connect: (signal, _gone, failed) => this.connect(signal, failed),
      hooks: {
        up: (link) => {
          this.located(link);
        },
        down: (cause) => {
          this.isLocated = false;
          this.registration.end();
          this.wellness.interrupted(cause);
        },
        failed: (error) => {
          this.failed(error);
        },
      },
    });
    this.registration = new Registration({
      options,
      clock,
      hashing: () => platform.hashing,
      wanted: this.wanted,
      attempts: this.attempts,
      hooks: {
        suspended: (cause) => {
          this.wellness.suspended(this.registration, cause);
        },
        resumed: () => {
          this.wellness.resumed(this.registration);
        },
        down: (cause) => {
          this.down(cause);
        },
        fault: (error) => {
          this.hooks.fault(error);
        },
        failed: (error) => {
          this.connector.giveUp(error);
        },
      },
    });
    this.notifications = new Notifications({
      clock,
      attempts: this.attempts,
      requests: () => (this.up ? this.requests : undefined),
      random: (length) => platform.random(length),
      connections: options.connections,
      hooks: {
        drained: () => {
          this.hooks.drained();
        },
        down: (cause) => {
          this.down(cause);
        },
        doubt: () => {
          this.registration.verify();
        },
      },
    });
  }

  get handler(): LonelypsRequestHandler | undefined {
    return this.callbacks.handler;
  }

  get up(): boolean {
    return this.connector.link !== undefined;
  }

  get writable(): boolean {
    return this.notifications.writable;
  }

  hasRoom(channel: string): boolean {
    return this.notifications.hasRoom(channel);
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
    return this.registration.settled();
  }

  wantOutlet(): void {
    // each request has a connection of the pool
  }

  notify(message: OutgoingMessage, outcome: NotifyOutcome): void {
    this.notifications.notify(message, outcome);
  }

  repair(): void {
    this.registration.repair();
  }

  close(ms: number): Promise<void> {
    this.ending ??= this.shut(ms);
    return this.ending;
  }

  /** Loads, listens, and asks a broadcaster what it has for us, which also shows whether it accepts us and we it. */
  private async connect(signal: AbortSignal, failed: (error: WeirError) => void): Promise<Link> {
    const { platform } = this.parts;
    await platform.load('http');
    const auth = await this.authentication.get();
    signal.throwIfAborted();
    await this.callbacks.open();
    signal.throwIfAborted();
    const requests = new Requests({ client: this.makeClient(), auth, urls: this.callbacks.urls });
    const result = await this.attempts.run((base) => requests.check(base, signal), {
      repeat: true,
      stop: signal,
      failed,
    });
    if (result.kind !== 'done') throw result.error;
    this.requests = requests;
    return { requests, etag: result.value };
  }

  private makeClient(): HttpClient {
    const { options, platform } = this.parts;
    if (platform.http === undefined) {
      throw new UnsupportedError('a page cannot ask broadcasters over HTTP; use the websocket', { broker: 'lonelyps' });
    }
    // one by one: what is secret is not enumerable, so that a spread would leave tls behind
    this.client ??= platform.http.client({
      tls: options.tls,
      connections: connectionsOf(options.connections),
      connectTimeout: options.connectTimeout,
      totalTimeout: options.totalTimeout,
    });
    return this.client;
  }

  private located({ requests, etag }: Link): void {
    if (this.callbacks.are) this.registration.begin(requests, this.callbacks.urls, etag);
    this.isLocated = true;
    this.wellness.located();
  }

  /** No broadcaster could be connected to. */
  private down(cause: WeirError): void {
    const { link } = this.connector;
    if (link !== undefined) this.connector.lost(link, cause, false);
  }

  private failed(error: WeirError): void {
    this.isLocated = false;
    this.wellness.reset(() => {
      this.registration.end();
      this.registration.release();
    });
    const { client } = this;
    this.client = undefined;
    this.requests = undefined;
    void client?.close(0);
    void this.callbacks.rest();
    this.wellness.failed(error);
  }

  private async shut(ms: number): Promise<void> {
    const { clock } = this.parts;
    const { client, requests } = this;
    // said before anybody is told, who might want to be connected again
    this.wellness.close();
    this.callbacks.refuse();
    const isLinked = requests !== undefined;
    this.connector.close();
    const end = clock.now() + ms;
    const late = new AbortController();
    const cancel = clock.after(ms, () => {
      late.abort(
        new ConnectionError('no broadcaster has answered before the handle was closed', { broker: 'lonelyps' }),
      );
    });
    const sent = this.notifications.close();
    await this.registration.close(isLinked ? { requests, urls: this.callbacks.urls } : undefined, late.signal);
    const left = Math.max(0, end - clock.now());
    await Promise.all([this.callbacks.close(left), client?.close(left)]);
    await sent;
    cancel();
  }
}
