import type { Cancel, Clock } from '../../core/clock.js';
import { BrokerTimeoutError, ClosedError, ConnectionError } from '../../core/errors.js';
import type { WeirError } from '../../core/errors.js';
import type { Connector } from '../connection/connection.js';
import type { Link } from '../connection/link.js';
import type { ResolvedOptions } from '../options.js';
import { Contact } from './contact.js';
import type { ContactEvents } from './contact.js';
import type { SessionHooks } from './hooks.js';
import { openLink } from './opening.js';
import { noSubjects, timedOut } from './register.js';
import type { Registration, SessionSubjects } from './register.js';
import type { RequestDone } from './requests.js';
import { Retries } from './retries.js';

/** @internal */
export type { RequestDone } from './requests.js';
/** @internal */
export type { SessionHooks } from './hooks.js';
/** @internal */
export type { SessionSubjects } from './register.js';

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
  private readonly events: ContactEvents;
  private contact: Contact | undefined;
  private cancelOpening: Cancel | undefined;
  private cancelRetry: Cancel | undefined;
  private cancelDeadline: Cancel | undefined;
  /** Links that are still being closed. */
  private leaving: Promise<void> = Promise.resolve();
  private ending: Promise<void> | undefined;

  constructor(parts: SessionParts) {
    this.parts = parts;
    this.clientId = parts.options.clientId;
    this.retries = new Retries(parts.options);
    this.events = this.handlers();
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
    if (this.contact) return this.contact.link;
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
    if (this.contact) return this.contact.requests.ask(subject, data, ms, done);
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
    this.contact?.verify();
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

  private handlers(): ContactEvents {
    const { options, connector } = this.parts;
    return {
      down: (cause) => {
        this.interrupt(cause);
        this.tell((hooks) => hooks.dropped(cause));
        this.contact?.requests.failAll(cause);
      },
      up: () => {
        if (this.phase === 'waiting') this.attempt();
        else if (this.phase === 'checking' && this.contact?.probe() === false) this.live('kept');
      },
      closed: (cause) => {
        const registered = this.phase === 'live' || this.phase === 'checking';
        this.interrupt(cause);
        this.drop(cause);
        if (!connector.renewable || this.retries.isFinal(cause)) this.fail(cause);
        else if (registered) this.lose(cause);
        else this.tryAgain(cause);
      },
      good: () => {
        if (this.phase === 'checking') this.live('kept');
      },
      gone: (cause) => {
        this.lose(cause);
      },
      silent: (cause) => {
        this.interrupt(cause);
        if (this.phase !== 'checking') return;
        if (options.reconnect) this.contact?.probe();
        else this.fail(cause);
      },
      exhausted: () => {
        this.fail(this.retries.gaveUp());
      },
      barred: (error) => {
        this.fail(error);
      },
      pubAck: (data) => {
        if (this.phase !== 'closed') this.parts.hooks.pubAck(data);
      },
      lateAck: (data) => {
        if (this.phase !== 'closed') this.parts.hooks.lateAck(data);
      },
      denied: (subject, error) => {
        this.tell((hooks) => hooks.denied(subject, error));
      },
      fault: (error) => {
        this.tell((hooks) => hooks.fault(error));
      },
    };
  }

  /** Makes the next step towards a registration. */
  private attempt(): void {
    this.cancelRetry?.();
    if (!this.contact) {
      this.phase = 'opening';
      this.open();
    } else if (!this.contact.link.up) {
      this.phase = 'waiting';
    } else {
      this.phase = 'registering';
      this.register(this.contact);
    }
  }

  private open(): void {
    const { connector, clock, options } = this.parts;
    this.cancelOpening = openLink(connector, clock, options.connectTimeout, {
      opened: (link) => {
        try {
          this.contact = new Contact(link, { options, clock, backoff: this.retries.backoff, events: this.events });
        } catch (error) {
          this.leave(link.close(leaveWithin, clock));
          this.tryAgain(error as WeirError);
          return;
        }
        this.attempt();
      },
      failed: (error) => {
        this.tryAgain(error);
      },
      late: () => {
        this.tryAgain(this.notInTime());
      },
      unwanted: (link) => {
        this.leave(link.close(leaveWithin, clock));
      },
    });
  }

  private register(contact: Contact): void {
    try {
      contact.register((error, registration) => {
        if (error) this.tryAgain(error);
        else this.registered(registration);
      });
    } catch (error) {
      this.tryAgain(error as WeirError);
    }
  }

  private registered(registration: Registration): void {
    this.cancelDeadline?.();
    this.epoch++;
    this.subjects = registration.subjects;
    this.connId = registration.connId;
    this.ackInbox = registration.ackInbox;
    this.live(this.retries.first ? 'first' : 'renewed');
  }

  private live(kind: 'first' | 'kept' | 'renewed'): void {
    this.phase = 'live';
    this.retries.succeeded();
    this.contact?.watch();
    this.parts.options.logger.debug(`session ${kind}, registration ${this.epoch}`);
    this.tell((hooks) => hooks.connected(kind));
  }

  private tryAgain(error: WeirError): void {
    if (this.isOver) return;
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

  private interrupt(cause: WeirError): void {
    if (this.phase !== 'live') return;
    this.phase = 'checking';
    this.retries.last = cause;
    this.parts.options.logger.warn('session interrupted', cause);
    this.tell((hooks) => hooks.interrupted(cause));
  }

  private lose(cause: WeirError): void {
    if (this.isOver) return;
    this.phase = 'waiting';
    this.retries.last = cause;
    if (!this.parts.options.reconnect) {
      this.fail(cause);
      return;
    }
    this.parts.options.logger.warn('session lost', cause);
    const endAcks = this.contact?.retire();
    this.tell((hooks) => hooks.lost(cause, endAcks));
    this.contact?.requests.failAll(cause);
    if (this.phase === 'waiting') this.attempt();
  }

  private fail(error: WeirError): void {
    if (this.isOver) return;
    this.parts.options.logger.error('session failed', error);
    this.stopTimers();
    // not idle yet, so that who learns of a failed request can't start anew before `failed`
    this.phase = 'waiting';
    this.drop(error);
    this.phase = 'idle';
    this.tell((hooks) => hooks.failed(error));
  }

  private async shut(ms: number): Promise<void> {
    const registered = this.phase === 'live' || this.phase === 'checking';
    const { clock, options } = this.parts;
    const deadline = clock.now() + ms;
    const left = (): number => Math.max(0, deadline - clock.now());
    this.phase = 'closed';
    this.stopTimers();
    const closed = new ClosedError('the handle was closed', { broker });
    const known = registered && (await this.contact?.leave(Math.min(ms, options.connectTimeout), closed));
    // who did not answer that will hardly answer a flush
    this.drop(closed, known ? left() : Math.min(left(), leaveWithin));
    await this.leaving;
  }

  private get isOver(): boolean {
    return this.phase === 'idle' || this.phase === 'closed';
  }

  private drop(error: WeirError, ms = leaveWithin): void {
    const { contact } = this;
    this.contact = undefined;
    if (contact) this.leave(contact.end(error, ms));
  }

  private leave(gone: Promise<void>): void {
    this.leaving = Promise.all([this.leaving, gone]).then(() => undefined);
  }

  private stopTimers(): void {
    this.cancelRetry?.();
    this.cancelDeadline?.();
    this.cancelOpening?.();
  }

  private notInTime(): WeirError {
    const { options, connector } = this.parts;
    const cause = this.retries.last;
    if (this.contact?.link.up === true) return timedOut(options, cause);
    return new BrokerTimeoutError(
      `no connection to ${connector.target} within ${options.connectTimeout} ms; check the address and that the server runs`,
      { broker, cause },
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
