import type { Backoff } from '../../core/backoff.js';
import type { Cancel, Clock } from '../../core/clock.js';
import type { AuthorizationError, ConnectionError, WeirError } from '../../core/errors.js';
import type { Link } from '../connection/link.js';
import type { ResolvedOptions } from '../options.js';
import { farewell } from './close.js';
import { Pings } from './pings.js';
import { Registration } from './register.js';
import { Requests } from './requests.js';

/** What a {@link Contact} tells of. @internal */
export interface ContactEvents {
  /** The link dropped. */
  down(cause: ConnectionError): void;
  /** The link is back. */
  up(): void;
  /** The link was closed for good. */
  closed(cause: WeirError): void;
  /** The server answered a ping: it knows this client. */
  good(): void;
  /** The server answered a ping: it does not know this client any more. */
  gone(cause: ConnectionError): void;
  /** Nobody answers the pings, which have stopped. */
  silent(cause: WeirError): void;
  /** The pings that were to find out have used up their attempts. */
  exhausted(): void;
  pubAck(data: Uint8Array): void;
  /** The same, of a registration that was retired. */
  lateAck(data: Uint8Array): void;
  /** The NATS server does not allow the inboxes that a client needs. */
  barred(error: AuthorizationError): void;
  /** The NATS server refused something else. */
  denied(subject: string, error: AuthorizationError): void;
  fault(error: WeirError): void;
}

/** @internal */
export interface ContactParts {
  readonly options: ResolvedOptions;
  readonly clock: Clock;
  readonly backoff: Backoff;
  readonly events: ContactEvents;
}

/** A link with what a session keeps on it: one registration at a time, its pings, and the requests under way. @internal */
export class Contact {
  readonly requests: Requests;
  private registration: Registration | undefined;
  /** The one before, as long as its confirmations may come. */
  private retired: Registration | undefined;
  private pings: Pings | undefined;

  /** @throws ConnectionError when the connection is closed */
  constructor(
    readonly link: Link,
    private readonly parts: ContactParts,
  ) {
    const { events, clock } = parts;
    this.requests = new Requests(link, clock, () => {
      this.verify();
    });
    link.hooks = {
      down: (cause) => {
        this.pings?.stop();
        events.down(cause);
      },
      up: () => {
        events.up();
      },
      closed: (cause) => {
        events.closed(cause);
      },
      denied: (subject, error) => {
        if (!this.requests.denied(subject, error)) events.denied(subject, error);
      },
      fault: (error) => {
        events.fault(error);
      },
    };
  }

  /** Asks the server for a registration, in place of the one there was. `done` is called once, unless that ends before. */
  register(done: (error: WeirError | undefined, registration: Registration) => void): void {
    const { options, events } = this.parts;
    // the server must find the old heartbeat inbox dead, or it refuses the new registration
    this.unregister();
    const registration = new Registration(this.link, options, {
      ping: (data, status) => this.pings?.replied(data, status),
      pubAck: (data, status) => {
        if (status !== 0) this.verify();
        else if (this.retired === registration) events.lateAck(data);
        else events.pubAck(data);
      },
      denied: (error) => {
        events.barred(error);
      },
    });
    this.registration = registration;
    registration.ask(this.requests, (error) => {
      if (this.registration !== registration) return;
      if (error) this.unregister();
      else this.pings = this.pingsOf(registration);
      done(error, registration);
    });
  }

  /** Drops the inboxes of the registration. */
  unregister(): void {
    this.pings?.stop();
    this.pings = undefined;
    this.registration?.end();
    this.registration = undefined;
  }

  /**
   * Drops the inboxes of the registration, but for that of its confirmations: the server may have sent some that have not
   * come. Returns what drops that too; another one that retires does, and the end.
   */
  retire(): Cancel | undefined {
    const { registration } = this;
    if (registration === undefined) return undefined;
    this.retired?.end();
    this.retired = registration;
    this.registration = undefined;
    registration.retire();
    this.unregister();
    return () => {
      registration.end();
    };
  }

  /** Pings now and then. */
  watch(): void {
    this.pings?.watch();
  }

  /** Pings again and again until the server says how it stands. False where it can't be asked. */
  probe(): boolean {
    this.pings?.probe();
    return this.pings !== undefined;
  }

  /** Pings once, while it watches. */
  verify(): void {
    this.pings?.verify();
  }

  /** Ends the registration at the server too, where that can be said. Resolves with whether the server answered. */
  async leave(ms: number, error: WeirError): Promise<boolean> {
    const { registration, requests } = this;
    this.pings?.stop();
    requests.failAll(error);
    if (!registration || !this.link.up) return false;
    return farewell(requests, registration, this.parts.options, this.parts.clock, ms);
  }

  /** Drops everything, with an error for the requests under way, and closes a connection of its own. */
  end(error: WeirError, ms: number): Promise<void> {
    this.unregister();
    this.retired?.end();
    this.requests.close(error);
    return this.link.close(ms, this.parts.clock);
  }

  private pingsOf(registration: Registration): Pings | undefined {
    const interval = registration.pingInterval;
    // a server of protocol 0 answers none
    if (interval === undefined) return undefined;
    const { options, clock, backoff, events } = this.parts;
    const maxOut = options.pingMaxOut;
    return new Pings({ link: this.link, registration, interval, maxOut, backoff, clock, hooks: events });
  }
}
