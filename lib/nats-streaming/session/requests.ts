import type { Cancel, Clock } from '../../core/clock.js';
import { BrokerTimeoutError, ConnectionError } from '../../core/errors.js';
import type { AuthorizationError, WeirError } from '../../core/errors.js';
import type { Link, LinkSubscription } from '../connection/link.js';

/** Called once: with the reply, or with why there is none. @internal */
export type RequestDone = (error: WeirError | undefined, reply?: Uint8Array) => void;

interface Pending {
  readonly subject: string;
  readonly done: RequestDone;
  readonly cancelTimer: Cancel;
}

/**
 * Requests over one link, with one inbox for all replies. The NATS clients' own requests hand the reply over a turn later
 * than the messages behind it; these keep the order of the wire.
 * @internal
 */
export class Requests {
  private readonly pending = new Map<string, Pending>();
  private readonly inbox: string;
  private readonly subscription: LinkSubscription;
  private count = 0;

  /**
   * @param nobody - told when nobody listens on a subject that was asked
   * @throws ConnectionError when the connection is closed
   */
  constructor(
    private readonly link: Link,
    private readonly clock: Clock,
    private readonly nobody: () => void,
  ) {
    this.inbox = link.inbox();
    this.subscription = link.subscribe(
      `${this.inbox}.*`,
      (data, status, message) => {
        this.replied(message.subject.slice(this.inbox.length + 1), data, status);
      },
      (error) => {
        this.failAll(error);
      },
    );
  }

  /** `done` is never called before this function has returned, nor after the returned one was. */
  ask(subject: string, data: Uint8Array, ms: number, done: RequestDone): Cancel {
    const token = (++this.count).toString(36);
    const cancelTimer = this.clock.after(ms, () => {
      this.end(token, noAnswer(subject, ms));
    });
    this.pending.set(token, { subject, done, cancelTimer });
    let failure: WeirError | undefined;
    try {
      if (this.link.up) this.link.publish(subject, data, `${this.inbox}.${token}`);
      else failure = linkDown(subject);
    } catch (error) {
      // a link throws nothing but our own
      failure = error as WeirError;
    }
    if (failure) {
      const told = failure;
      this.clock.soon(() => {
        this.end(token, told);
      });
    }
    return () => {
      this.pending.get(token)?.cancelTimer();
      this.pending.delete(token);
    };
  }

  /** Fails what waits for an answer on that subject. Returns whether something did. */
  denied(subject: string, error: AuthorizationError): boolean {
    let found = false;
    for (const [token, pending] of [...this.pending]) {
      if (pending.subject !== subject) continue;
      found = true;
      this.end(token, error);
    }
    return found;
  }

  failAll(error: WeirError): void {
    for (const token of [...this.pending.keys()]) this.end(token, error);
  }

  /** Drops the inbox; what waits fails. */
  close(error: WeirError): void {
    this.subscription.unsubscribe();
    this.failAll(error);
  }

  private replied(token: string, data: Uint8Array, status: number): void {
    const pending = this.pending.get(token);
    if (!pending) return;
    if (status === 0) {
      this.end(token, undefined, data);
      return;
    }
    this.end(token, nobodyListens(pending.subject, status));
    this.nobody();
  }

  private end(token: string, error: WeirError | undefined, reply?: Uint8Array): void {
    const pending = this.pending.get(token);
    if (!pending) return;
    this.pending.delete(token);
    pending.cancelTimer();
    if (error) pending.done(error);
    else pending.done(undefined, reply);
  }
}

const broker = 'nats-streaming';

function noAnswer(subject: string, ms: number): WeirError {
  return new BrokerTimeoutError(`no answer to the request on ${subject} within ${ms} ms`, {
    broker,
    detail: { subject },
  });
}

function nobodyListens(subject: string, status: number): WeirError {
  return new ConnectionError(`nobody listens on ${subject}: no NATS Streaming server of that cluster is there`, {
    broker,
    detail: { subject, status, noResponders: true },
  });
}

function linkDown(subject: string): WeirError {
  return new ConnectionError(`the request on ${subject} was not sent: the NATS connection is down`, {
    broker,
    detail: { subject, sent: false },
  });
}
