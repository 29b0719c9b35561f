import { Backoff, type ReconnectPolicy } from '../../core/backoff.js';
import type { Cancel } from '../../core/clock.js';
import { asWeirError } from '../../core/publisher.js';
import type { WeirError } from '../../core/errors.js';
import { decodeSubscriptionResponse, encodeSubscriptionRequest } from '../codec/subscription.js';
import type { LinkSubscription } from '../connection/link.js';
import type { Registration } from '../delivery.js';
import type { StanHost } from '../host.js';
import { refusal, refusedAsDuplicate, refusedForNow, refusedAsUnknown } from '../session/refusals.js';
import type { StartFields } from './start.js';

/** What is asked of the server. @internal */
export interface SubscribeRequest {
  readonly channel: string;
  readonly queue?: string | undefined;
  readonly durable?: string | undefined;
  readonly maxInFlight: number;
  /** ms */
  readonly ackWait: number;
  readonly start: StartFields;
}

/** Who asked. @internal */
export interface SubscribeHandlers {
  subscribed(subscribed: Subscribed): void;
  /** In the order of the wire, never before `subscribed`. */
  message(data: Uint8Array, subscribed: Subscribed): void;
  /** The server will not, or did not answer however often it was asked. */
  failed(error: WeirError): void;
}

/** A subscription is asked for at most so often, when the server does not answer or asks for patience. */
const retries: ReconnectPolicy = {
  initialDelay: 100,
  maxDelay: 2_000,
  factor: 2,
  jitter: 0.2,
  maxAttempts: 8,
  initial: true,
};

/** A subscription that the server has. @internal */
export class Subscribed implements Registration {
  ackInbox = '';
  subscription: LinkSubscription | undefined;

  constructor(
    private readonly host: StanHost,
    private readonly channel: string,
    readonly inbox: string,
  ) {}

  /** No more messages, at once; the server is told, and `done` is called when it has answered or cannot for now. */
  close(done: () => void): void {
    this.drop();
    this.host.orphans.add(this.channel, this.ackInbox, true, done);
  }

  /** The server does not have it any more. */
  drop(): void {
    this.subscription?.unsubscribe();
    this.subscription = undefined;
  }
}

/** A subscription that is asked for, until the server has it. @internal */
export class Subscribing {
  private attempt: Subscribed | undefined;
  private readonly backoff = new Backoff(retries);
  private cancelRequest: Cancel | undefined;
  private cancelRetry: Cancel | undefined;
  /** What came before the answer: the server sends both at once, and messages may be handed over first. */
  private early: Uint8Array[] = [];
  private cancelled: (() => void) | undefined;
  private dropped = false;

  constructor(
    private readonly host: StanHost,
    private readonly request: SubscribeRequest,
    private readonly handlers: SubscribeHandlers,
  ) {}

  begin(): void {
    const { session, resolved: options } = this.host;
    if (!session.connected) return this.retry(undefined);
    const { channel, queue, durable, maxInFlight, ackWait, start } = this.request;
    const { link } = session;
    const attempt = new Subscribed(this.host, channel, link.inbox());
    this.attempt = attempt;
    this.early = [];
    attempt.subscription = link.subscribe(attempt.inbox, (data, status) => {
      if (status !== 0) return;
      if (attempt.ackInbox !== '') this.handlers.message(data, attempt);
      // one window is what the server may send, and a durable's unacked ones; what is beyond comes again
      else if (this.early.length < 2 * maxInFlight) this.early.push(data);
    });
    const bytes = encodeSubscriptionRequest({
      clientId: options.clientId,
      subject: channel,
      ...(queue !== undefined && { qGroup: queue }),
      ...(durable !== undefined && { durableName: durable }),
      inbox: attempt.inbox,
      maxInFlight,
      ackWaitInSecs: Math.ceil(ackWait / 1000),
      ...start,
    });
    this.cancelRequest = session.request(
      session.subjects.subRequests,
      bytes,
      options.connectTimeout,
      (error, reply) => {
        this.cancelRequest = undefined;
        this.answered(attempt, error, reply);
      },
    );
  }

  /** The session answers again: what waits to be asked again need not wait longer. */
  nudge(): void {
    // what went wrong before has its reason in that
    this.backoff.reset();
    if (this.cancelRetry === undefined) return;
    this.cancelRetry();
    this.cancelRetry = undefined;
    this.begin();
  }

  /** Nobody wants it any more: what the server made of it is closed. */
  cancel(done: () => void): void {
    if (this.cancelRequest !== undefined) {
      this.cancelled = done;
      return;
    }
    this.drop();
    done();
  }

  /** The session is gone. */
  drop(): void {
    this.dropped = true;
    if (this.cancelRequest !== undefined) {
      this.cancelRequest();
      this.host.orphans.add(this.request.channel, this.attempt!.inbox, false);
    }
    this.cancelRetry?.();
    this.attempt?.drop();
    this.early = [];
    this.cancelled?.();
  }

  private answered(attempt: Subscribed, error: WeirError | undefined, reply: Uint8Array | undefined): void {
    if (this.dropped) return;
    if (error !== undefined || reply === undefined) {
      attempt.drop();
      if (error?.code === 'AUTHORIZATION') {
        this.end(error);
        return;
      }
      // it may have been made all the same
      const { noResponders, sent } = error?.detail ?? {};
      if (noResponders !== true && sent !== false) this.host.orphans.add(this.request.channel, attempt.inbox, false);
      this.retry(error);
      return;
    }
    let refused: string;
    try {
      const response = decodeSubscriptionResponse(reply);
      refused = response.error;
      attempt.ackInbox = response.ackInbox;
    } catch (problem) {
      attempt.drop();
      this.host.orphans.add(this.request.channel, attempt.inbox, false);
      this.retry(asWeirError(problem, 'nats-streaming'));
      return;
    }
    if (refused !== '') this.refused(attempt, refused);
    else if (this.cancelled !== undefined) attempt.close(this.cancelled);
    else this.settled(attempt);
  }

  private refused(attempt: Subscribed, reason: string): void {
    const { host, request } = this;
    attempt.drop();
    const error = refusal(`messages('${request.channel}')`, reason);
    if (refusedAsUnknown(reason)) {
      host.session.verify();
      this.retry(error);
    } else if (refusedForNow(reason) || refusedAsDuplicate(reason)) {
      // a durable belongs to a client id, so whoever holds it is an earlier one of ours that is about to be closed
      this.retry(error);
    } else this.end(error);
  }

  private settled(attempt: Subscribed): void {
    const { early, handlers } = this;
    this.early = [];
    handlers.subscribed(attempt);
    for (const data of early) {
      if (attempt.subscription === undefined) return;
      handlers.message(data, attempt);
    }
  }

  private retry(error: WeirError | undefined): void {
    if (this.cancelled !== undefined) {
      this.cancelled();
      return;
    }
    // while nobody answers at all, the session finds out what is the matter; asking on counts only where it is well
    const wait = this.host.session.connected ? this.backoff.next() : retries.maxDelay;
    if (wait === undefined && error !== undefined) {
      this.end(error);
      return;
    }
    this.cancelRetry = this.host.clock.after(wait ?? retries.maxDelay, () => {
      this.cancelRetry = undefined;
      this.begin();
    });
  }

  private end(error: WeirError): void {
    if (this.cancelled !== undefined) this.cancelled();
    else this.handlers.failed(error);
  }
}
