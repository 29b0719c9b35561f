import type { Cancel } from '../../core/clock.js';
import type { WeirError } from '../../core/errors.js';
import { encodeCredit } from '../codec/credit.js';
import { keys } from '../codec/keys.js';
import type { OffsetSpec } from '../codec/offset-spec.js';
import { encodeSubscribe, encodeUnsubscribe } from '../codec/requests.js';
import type { Connection } from '../connection/connection.js';
import type { Link } from '../session/link.js';
import type { Session } from '../session/session.js';

/** What a subscription asks and tells. @internal */
export interface SubscriptionHandlers {
  /** Where to begin, asked before each Subscribe on the connection that it will go over. */
  begin(connection: Connection, signal: AbortSignal): Promise<OffsetSpec>;
  /** The broker has accepted it. Chunks may have come before. */
  subscribed(): void;
  /** @throws ProtocolError where it is malformed; the connection is dropped then */
  chunk(bytes: Uint8Array, start: number, end: number, owned: boolean): void;
  /** What one read of the socket brought was handed over. */
  flushed(): void;
  /** A single active consumer is made active or passive. */
  update(active: boolean, reply: (spec: OffsetSpec) => void): void;
  /** It is gone at the broker and will be made again. */
  lost(error: WeirError): void;
  /** It cannot be made. Called once, last. */
  failed(error: WeirError): void;
}

/** What it subscribes to. @internal */
export interface SubscriptionRequest {
  readonly stream: string;
  readonly properties: Readonly<Record<string, string>>;
}

/** The credit that Subscribe itself gives. With a larger one the broker waits until half of it is back. */
const firstCredit = 1;

/**
 * One subscription to one stream, made again whenever the broker has lost it: by a dropped connection, a leader that moved,
 * a stream that was deleted. Knows nothing of messages.
 * @internal
 */
export class Subscription {
  private cancelRetry: Cancel | undefined;
  private link: Link | undefined;
  private id = 0;
  /** Undefined once Subscribe was accepted. */
  private attempting: Promise<void> | undefined;
  private over = false;

  constructor(
    private readonly session: Session,
    private readonly request: SubscriptionRequest,
    private readonly handlers: SubscriptionHandlers,
  ) {}

  start(after?: WeirError): void {
    this.cancelRetry = this.session.retry(
      (signal) => (this.attempting = this.attempt(signal)),
      (error) => {
        this.over = true;
        this.session.resumed(this);
        this.handlers.failed(error);
      },
      after,
    );
  }

  /** The credit that the broker has from the beginning. */
  get initialCredit(): number {
    return firstCredit;
  }

  /** Lets the broker send so many chunks more. */
  grant(credit: number): void {
    if (credit > 0 && this.link !== undefined) this.link.connection.send(encodeCredit(this.id, credit));
  }

  /** The connection that it goes over, where it has one. */
  get connection(): Connection | undefined {
    return this.link?.connection;
  }

  /** Drops the connection that it goes over, as the answer to what should not have come on it. */
  drop(error: WeirError): void {
    this.link?.connection.destroy(error);
  }

  /** Makes it anew: asks again where to begin. */
  again(): void {
    const { link, id } = this;
    this.link = undefined;
    if (this.over || link === undefined) return;
    void this.unsubscribe(link, id).then(() => {
      if (!this.over) this.start();
    });
  }

  /** Ends it at the broker. Resolves when the broker has it, or cannot. Never rejects. */
  async end(): Promise<void> {
    if (this.over) return;
    this.over = true;
    this.cancelRetry?.();
    this.session.resumed(this);
    const { link, id, attempting } = this;
    this.link = undefined;
    if (link === undefined) return;
    // while Subscribe is not answered, unsubscribing is the attempt's: the id must be given back once only
    if (attempting === undefined) await this.unsubscribe(link, id);
    else await attempting.catch(() => undefined);
  }

  private async attempt(signal: AbortSignal): Promise<void> {
    const { session, request, handlers } = this;
    const { stream, properties } = request;
    const link = await session.consumerLink(stream, signal);
    // the place is taken in this turn; until Subscribe is written, nothing comes for it
    let gone: WeirError | undefined;
    let accepted = false;
    const id = link.addSubscriber(stream, {
      deliver: (bytes, start, end, owned) => {
        if (this.link === link) handlers.chunk(bytes, start, end, owned);
      },
      flushed: () => {
        if (this.link === link) handlers.flushed();
      },
      update: (active, reply) => {
        if (this.link === link) handlers.update(active, reply);
        else reply({ type: 'none' });
      },
      // a credit that comes too late, or to a passive consumer who keeps it all the same
      refused: () => undefined,
      lost: (error) => {
        gone = error;
        if (accepted && this.link === link) this.lost(error);
      },
    });
    try {
      const { connection } = link;
      const offset = await handlers.begin(connection, signal);
      signal.throwIfAborted();
      if (gone !== undefined) throw gone;
      this.link = link;
      this.id = id;
      await connection.request(
        keys.subscribe,
        (correlationId) =>
          encodeSubscribe(correlationId, { subscriptionId: id, stream, offset, credit: firstCredit, properties }),
        () => undefined,
        { action: `subscribe to '${stream}'`, stream, reference: properties['name'] },
      );
    } catch (error) {
      this.link = undefined;
      if (gone === undefined) link.removeSubscriber(id);
      throw error;
    }
    const loss = gone as WeirError | undefined;
    if (this.over) {
      if (loss === undefined) await this.unsubscribe(link, id);
      return;
    }
    this.attempting = undefined;
    if (loss !== undefined) {
      // accepted and lost in one read of the socket: whatever ended it, the next connection starts afresh
      this.lost(loss);
      return;
    }
    accepted = true;
    session.resumed(this);
    handlers.subscribed();
  }

  private lost(error: WeirError): void {
    this.link = undefined;
    if (this.over) return;
    this.session.suspended(this, error);
    this.handlers.lost(error);
    this.start(error);
  }

  private async unsubscribe(link: Link, id: number): Promise<void> {
    if (link.closed) return;
    try {
      await link.connection.request(
        keys.unsubscribe,
        (correlationId) => encodeUnsubscribe(correlationId, { subscriptionId: id }),
        () => undefined,
        { action: `unsubscribe from '${this.request.stream}'`, stream: this.request.stream },
      );
    } catch {
      // gone with its connection or its stream, or the broker is silent, which the heartbeats will see
    }
    link.removeSubscriber(id);
  }
}
