import type { Cancel, Clock } from '../core/clock.js';
import { BrokerTimeoutError, ClosedError, ConnectionError } from '../core/errors.js';
import type { WeirError } from '../core/errors.js';
import type { Connector } from './connection.js';
import { Requests } from './inbox-requests.js';
import type { RequestDone } from './inbox-requests.js';
import type { Link } from './link.js';
import type { ResolvedOptions } from './options.js';
import { farewell } from './session-close.js';
import type { SessionHooks } from './session-hooks.js';
import { openLink } from './session-opening.js';
import { Pings } from './session-pings.js';
import { noSubjects, Registration, timedOut } from './session-register.js';
import type { SessionSubjects } from './session-register.js';
import { Retries } from './session-retries.js';

export type { RequestDone } from './inbox-requests.js';
export type { SessionHooks } from './session-hooks.js';
export type { SessionSubjects } from './session-register.js';

/** What a {@link Session} is made of. @internal */
export interface SessionParts {
  readonly options: ResolvedOptions;
  readonly connector: Connector;
  readonly clock: Clock;
  readonly hooks: SessionHooks;
}

/**
 * - `idle`: not started, or failed
 * - `opening`: a NATS connection is being made
 * - `waiting`: for the link to come up, or for the next attempt
 * - `registering`: the server was asked
 * - `live`: registered
 * - `checking`: registered as far as is known, but the link is down or the server silent
 * - `closed`: for good
 */
type Phase = 'idle' | 'opening' | 'waiting' | 'registering' | 'live' | 'checking' | 'closed';

const broker = 'nats-streaming';

/** How long a connection may take to leave when nobody waits for what it wrote, in milliseconds. */
const leaveWithin = 500;

/**
 * One registration with a NATS Streaming server, which renews itself: over a link that drops and comes back, over a server
 * that restarts with or without its memory, and over a connection that was closed.
 * @internal
 */
export class Session {
  readonly clientId: string;
  /** Counts the registrations: 1 for the first. What belongs to an earlier one is dead. */
  epoch = 0;
  /** The subjects on which the server listens; empty before the first registration. */
  subjects: SessionSubjects = noSubjects;
  /** Names this registration in publishes. */
  connId: Uint8Array = new Uint8Array(0);
  /** The reply subject of publishes, another with each registration. */
  ackInbox = '';

  private phase: Phase = 'idle';
  private readonly parts: SessionParts;
  private readonly retries: Retries;
  private current: Link | undefined;
  private requests: Requests | undefined;
  private registration: Registration | undefined;
  private pings: Pings | undefined;
  private cancelOpening: Cancel | undefined;
  private cancelRetry: Cancel | undefined;
  private cancelDeadline: Cancel | undefined;
  /** What the attempt under way waits for, beside the streaming server: for the error of a first connect. */
  private awaited = '';
  /** Links that are still being closed. */
  private leaving: Promise<void> = Promise.resolve();
  private ending: Promise<void> | undefined;

  constructor(parts: SessionParts) {
    this.parts = parts;
    this.clientId = parts.options.clientId;
    this.retries = new Retries(parts.options);
  }

  /** Whether subscriptions and publishes may be written: between `connected` and what ends it. */
  get connected(): boolean {
    return this.phase === 'live';
  }

  /**
   * For subscriptions and publishes; there is one between `connected` and `lost`.
   * @throws ConnectionError while there is none
   */
  get link(): Link {
    if (this.current) return this.current;
    throw new ConnectionError(`there is no NATS connection to ${this.parts.connector.target}`, { broker });
  }

  /** Begins to connect, if it is not connected or connecting. After `close`, nothing. The hooks are called later. */
  start(): void {
    if (this.phase !== 'idle') return;
    const { options, clock } = this.parts;
    this.retries.reset();
    if (options.reconnect?.initial !== true) {
      this.cancelDeadline = clock.after(options.connectTimeout, () => {
        this.fail(this.notInTime());
      });
    }
    this.attempt();
  }

  /**
   * Asks the server. `done` is called once, synchronously in the order of the wire, so that what the server sent after the
   * reply is handled after it; with an error after `ms`, when nobody listens on the subject (`detail.noResponders`), when
   * the link drops and when the session is lost or ends. Never before this function has returned.
   */
  request(subject: string, data: Uint8Array, ms: number, done: RequestDone): Cancel {
    if (this.requests) return this.requests.ask(subject, data, ms, done);
    let waiting = true;
    this.parts.clock.soon(() => {
      if (!waiting) return;
      done(new ConnectionError(`the request on ${subject} was not sent: there is no NATS connection`, { broker }));
    });
    return () => {
      waiting = false;
    };
  }

  /** Asks the server whether it still knows this client, because something looks as if it did not. Often is fine. */
  verify(): void {
    if (this.phase === 'live') this.pings?.verify();
  }

  /**
   * Ends the registration, drops all inboxes and closes a connection of its own. Always resolves, after `ms` at the latest
   * (default `closeTimeout`). The hooks are not called any more.
   */
  close(ms: number = this.parts.options.closeTimeout): Promise<void> {
    this.ending ??= this.shut(ms).catch((error: unknown) => {
      this.parts.options.logger.error('the session could not be closed in order', error);
    });
    return this.ending;
  }

  /** Makes the next step towards a registration. */
  private attempt(): void {
    this.cancelRetry?.();
    const { connector } = this.parts;
    const link = this.current;
    if (!link) {
      this.awaited = connector.target;
      this.open();
    } else if (!link.up) {
      this.awaited = connector.target;
      this.phase = 'waiting';
    } else {
      this.awaited = '';
      this.register(link);
    }
  }

  private open(): void {
    const { connector, clock, options } = this.parts;
    this.phase = 'opening';
    this.cancelOpening = openLink(connector, clock, options.connectTimeout, {
      opened: (link) => {
        this.adopt(link);
      },
      failed: (error) => {
        this.tryAgain(error);
      },
      late: () => {
        this.tryAgain(this.notInTime());
      },
      unwanted: (link) => {
        this.leave(link);
      },
    });
  }

  private adopt(link: Link): void {
    this.current = link;
    link.hooks = {
      down: (cause) => {
        this.linkDown(cause);
      },
      up: () => {
        this.linkUp();
      },
      closed: (cause) => {
        this.linkClosed(cause);
      },
      denied: (subject, error) => {
        if (this.requests?.denied(subject, error) !== true) this.tell((hooks) => hooks.denied(subject, error));
      },
      fault: (error) => {
        this.tell((hooks) => hooks.fault(error));
      },
    };
    try {
      this.requests = new Requests(link, this.parts.clock, () => {
        this.verify();
      });
    } catch (error) {
      this.dropLink(error as WeirError);
      this.tryAgain(error as WeirError);
      return;
    }
    this.attempt();
  }

  private register(link: Link): void {
    this.phase = 'registering';
    const { options, hooks } = this.parts;
    let registration: Registration;
    try {
      registration = new Registration(link, options, {
        ping: (data, status) => this.pings?.replied(data, status),
        pubAck: (data, status) => {
          if (status !== 0) this.verify();
          else if (this.phase !== 'closed') hooks.pubAck(data);
        },
        denied: (error) => {
          this.fail(error);
        },
      });
    } catch (error) {
      this.tryAgain(error as WeirError);
      return;
    }
    this.registration = registration;
    registration.ask(this.requests as Requests, (error) => {
      if (this.registration !== registration) return;
      if (error) {
        this.endRegistration();
        this.tryAgain(error);
      } else {
        this.registered(link, registration);
      }
    });
  }

  private registered(link: Link, registration: Registration): void {
    const kind = this.retries.first ? 'first' : 'renewed';
    this.cancelDeadline?.();
    this.epoch++;
    this.subjects = registration.subjects;
    this.connId = registration.connId;
    this.ackInbox = registration.ackInbox;
    this.pings = this.pingsOf(link, registration);
    this.live(kind);
  }

  private live(kind: 'first' | 'kept' | 'renewed'): void {
    this.phase = 'live';
    this.retries.succeeded();
    this.pings?.watch();
    this.parts.options.logger.debug(`session ${kind}, registration ${this.epoch}`);
    this.tell((hooks) => hooks.connected(kind));
  }

  private pingsOf(link: Link, registration: Registration): Pings | undefined {
    const interval = registration.pingInterval;
    // a server of protocol 0 answers none
    if (interval === undefined) return undefined;
    const { clock, options } = this.parts;
    return new Pings({
      ...{ link, registration, interval, clock, maxOut: options.pingMaxOut, backoff: this.retries.backoff },
      hooks: {
        good: () => {
          if (this.phase === 'checking') this.live('kept');
        },
        gone: (cause) => {
          this.lose(cause);
        },
        silent: (cause) => {
          this.interrupt(cause);
          if (this.phase !== 'checking') return;
          if (options.reconnect) this.pings?.probe();
          else this.fail(cause);
        },
        exhausted: () => {
          this.fail(this.retries.gaveUp());
        },
        fault: (error) => {
          this.tell((hooks) => hooks.fault(error));
        },
      },
    });
  }

  private tryAgain(error: WeirError): void {
    const next = this.retries.after(error);
    this.phase = 'waiting';
    if (next.wait !== undefined) {
      this.cancelRetry = this.parts.clock.after(next.wait, () => {
        this.attempt();
      });
      return;
    }
    if (next.replaced) this.tell((hooks) => hooks.replaced(error.message));
    this.fail(next.end);
  }

  private linkDown(cause: ConnectionError): void {
    this.pings?.stop();
    this.interrupt(cause);
    this.requests?.failAll(cause);
  }

  private linkUp(): void {
    if (this.phase === 'waiting') this.attempt();
    else if (this.phase === 'checking') {
      if (this.pings) this.pings.probe();
      else this.live('kept');
    }
  }

  private linkClosed(cause: WeirError): void {
    const registered = this.phase === 'live' || this.phase === 'checking';
    this.interrupt(cause);
    this.dropLink(cause);
    if (!this.parts.connector.renewable || this.retries.isFinal(cause)) this.fail(cause);
    else if (registered) this.lose(cause);
    else if (!this.isOver) this.tryAgain(cause);
  }

  private interrupt(cause: WeirError): void {
    if (this.phase !== 'live') return;
    this.phase = 'checking';
    this.retries.last = cause;
    this.parts.options.logger.warn('session interrupted', cause);
    this.tell((hooks) => hooks.interrupted(cause));
  }

  private lose(cause: WeirError): void {
    if (this.isOver) return;
    this.retries.last = cause;
    // the server must find the old heartbeat inbox dead, or it refuses the new registration
    this.endRegistration();
    this.phase = 'waiting';
    if (!this.parts.options.reconnect) {
      this.fail(cause);
      return;
    }
    this.parts.options.logger.warn('session lost', cause);
    this.tell((hooks) => hooks.lost(cause));
    this.requests?.failAll(cause);
    if (this.phase === 'waiting') this.attempt();
  }

  private fail(error: WeirError): void {
    if (this.isOver) return;
    this.parts.options.logger.error('session failed', error);
    this.stopTimers();
    this.phase = 'idle';
    this.dropLink(error);
    this.tell((hooks) => hooks.failed(error));
  }

  private async shut(ms: number): Promise<void> {
    const registered = this.phase === 'live' || this.phase === 'checking';
    const { clock, options } = this.parts;
    const { current, requests, registration } = this;
    const deadline = clock.now() + ms;
    this.phase = 'closed';
    this.stopTimers();
    this.pings?.stop();
    const closed = new ClosedError('the handle was closed', { broker });
    requests?.failAll(closed);
    let patience = Math.min(ms, leaveWithin);
    if (registered && current?.up === true && requests && registration) {
      const known = await farewell(requests, registration, options, clock, Math.min(ms, options.connectTimeout));
      // who did not answer that will hardly answer a flush
      if (known) patience = Math.max(patience, deadline - clock.now());
    }
    this.dropLink(closed, Math.min(patience, Math.max(0, deadline - clock.now())));
    await this.leaving;
  }

  private get isOver(): boolean {
    return this.phase === 'idle' || this.phase === 'closed';
  }

  private endRegistration(): void {
    this.pings?.stop();
    this.pings = undefined;
    this.registration?.end();
    this.registration = undefined;
  }

  private dropLink(error: WeirError, ms = leaveWithin): void {
    this.endRegistration();
    const { current, requests } = this;
    this.current = this.requests = undefined;
    requests?.close(error);
    if (current) this.leave(current, ms);
  }

  private leave(link: Link, ms = leaveWithin): void {
    this.leaving = Promise.all([this.leaving, link.close(ms, this.parts.clock)]).then(() => undefined);
  }

  private stopTimers(): void {
    this.cancelRetry?.();
    this.cancelDeadline?.();
    this.cancelOpening?.();
  }

  private notInTime(): WeirError {
    const { options } = this.parts;
    if (this.awaited === '') return timedOut(options, this.retries.last);
    return new BrokerTimeoutError(
      `no connection to ${this.awaited} within ${options.connectTimeout} ms; check the address and that the server runs`,
      { broker, cause: this.retries.last },
    );
  }

  /** Calls a hook, whose failure must not stop this machine. */
  private tell(call: (hooks: SessionHooks) => void): void {
    if (this.phase === 'closed') return;
    try {
      call(this.parts.hooks);
    } catch (error) {
      this.parts.options.logger.error('a hook of the session failed', error);
    }
  }
}
