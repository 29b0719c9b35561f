import type { Clock } from '../../core/clock.js';
import { ConnectionError, ProtocolError, WeirError } from '../../core/errors.js';
import type { AuthorizationError } from '../../core/errors.js';
import { deniedBy, natsError, notAllowed } from './errors.js';
import { linesOf, type Lines } from './lines.js';
import type { NatsConnectionLike, NatsMessageLike } from './nats-connection.js';
import { randomId } from './random-id.js';

export type { NatsConnectionLike, NatsMessageLike } from './nats-connection.js';

/**
 * Takes a message. It is called in the order of the wire, synchronously. `status` is 0 for a message; 503 tells that nobody
 * listens on the subject that was written to, and then `data` is empty. The data stays valid. Reading `message.subject` or
 * `message.reply` costs a decoding each, so only those who need them do.
 * @internal
 */
export type MessageHandler = (data: Uint8Array, status: number, message: NatsMessageLike) => void;

/** @internal */
export interface LinkSubscription {
  /** At once: no message is handed over after it. Twice is fine. */
  unsubscribe(): void;
}

/** Who is told how the link does. @internal */
export interface LinkHooks {
  /** The connection dropped. What is published until `up` is lost. */
  down(cause: ConnectionError): void;
  /** The connection is back, and all subscriptions with it. */
  up(): void;
  /** It was closed for good, by whomever. The last call. */
  closed(cause: WeirError): void;
  /** The server refused a publish, or a subscription whose owner gave no `denied` of its own. */
  denied(subject: string, error: AuthorizationError): void;
  /** A handler threw. */
  fault(error: WeirError): void;
}

/** How a link was come by. @internal */
export interface LinkOptions {
  /** Whether the connection is closed with the link. */
  readonly owned: boolean;
  /** Whether another connection can be had, should this one be closed. */
  readonly renewable: boolean;
  readonly inboxPrefix: string;
  /** Called when an owned connection was made again by itself. */
  readonly reconnected?: (() => void) | undefined;
}

interface StatusLike {
  readonly type: string;
  readonly error?: unknown;
  readonly data?: unknown;
  readonly server?: unknown;
}

/** The only part that touches a NATS connection: borrowed or owned, of v2 or v3. Nothing throws into it. @internal */
export class Link {
  /** Whether what is published gets to the server. The NATS clients drop silently what is written while it is false. */
  up: boolean;
  readonly owned: boolean;
  /** Told how the link does; set by the session that uses it. */
  hooks: LinkHooks | undefined;
  // private names, because `inspect` would show the connection's options, which hold secrets
  readonly #nc: NatsConnectionLike;
  readonly #lines: Lines | undefined;
  readonly #inboxPrefix: string;
  readonly #reconnected: (() => void) | undefined;
  readonly #subscriptions = new Set<LinkSubscription>();
  readonly #statuses: AsyncIterable<StatusLike> & { stop?(): void };
  readonly #watch: { link: Link | undefined };
  readonly #noReply: { reply?: string } = {};
  #withReply: { reply: string } = { reply: '' };

  /** @throws ConnectionError when the connection is closed or closing already. */
  constructor(nc: NatsConnectionLike, options: LinkOptions) {
    if (nc.isClosed() || nc.isDraining()) {
      throw new ConnectionError(
        `the NATS connection that was given is ${nc.isClosed() ? 'closed' : 'draining, about to close'}; give one that is open`,
        { broker: 'nats-streaming', retriable: options.renewable },
      );
    }
    this.#nc = nc;
    this.owned = options.owned;
    this.#lines = options.owned ? linesOf(nc) : undefined;
    this.#inboxPrefix = options.inboxPrefix;
    this.#reconnected = options.reconnected;
    // a client that looks for a server has no info of one
    this.up = nc.info !== undefined;
    // the connection can't forget who waits for its end: it keeps this box, not the link
    const watch: { link: Link | undefined } = { link: this };
    this.#watch = watch;
    this.#statuses = nc.status();
    void followStatuses(this.#statuses, watch);
    nc.closed().then(
      (error) => watch.link?.closedBy(error),
      (error: unknown) => watch.link?.closedBy(error),
    );
  }

  /** The largest payload in bytes that the server takes; undefined while there is no server. */
  get maxPayload(): number | undefined {
    return this.#nc.info?.max_payload;
  }

  /** A subject that nobody else uses. */
  inbox(): string {
    return `${this.#inboxPrefix}.${randomId()}`;
  }

  /**
   * Writes a message. Look at `up` before: while it is false, the message is lost.
   * @throws FrameTooLargeError above `maxPayload`, ConnectionError when the connection is closed
   */
  publish(subject: string, data: Uint8Array, reply?: string): void {
    if (this.#lines?.write(subject, data, reply) === true) return;
    try {
      if (reply === undefined) {
        this.#nc.publish(subject, data, this.#noReply);
      } else {
        // one object for all publishes with the same reply, which nearly all have
        if (this.#withReply.reply !== reply) this.#withReply = { reply };
        this.#nc.publish(subject, data, this.#withReply);
      }
    } catch (error) {
      throw natsError(error, `cannot publish ${data.length} bytes on ${subject}`);
    }
  }

  /**
   * @param denied - told when the server does not allow it; the subscription is over then
   * @throws ConnectionError when the connection is closed or closing
   */
  subscribe(subject: string, handler: MessageHandler, denied?: (error: AuthorizationError) => void): LinkSubscription {
    let open = true;
    const callback = (error: Error | null, message: NatsMessageLike): void => {
      if (!open) return;
      try {
        if (error) {
          this.refused(error, denied);
          return;
        }
        const data = message.data;
        handler(data, data.length === 0 ? (message.headers?.code ?? 0) : 0, message);
      } catch (thrown) {
        this.fault(thrown, subject);
      }
    };
    let made: { unsubscribe(): void };
    try {
      made = this.#nc.subscribe(subject, { callback });
    } catch (error) {
      throw natsError(error, `cannot subscribe to ${subject}`);
    }
    const subscription: LinkSubscription = {
      unsubscribe: () => {
        if (!open) return;
        open = false;
        this.#subscriptions.delete(subscription);
        try {
          made.unsubscribe();
        } catch {
          // a closed connection has no subscriptions left
        }
      },
    };
    this.#subscriptions.add(subscription);
    return subscription;
  }

  /** Resolves when the server has read all that was written; rejects when the link drops before. */
  async flush(): Promise<void> {
    this.#lines?.flush();
    await this.#nc.flush();
  }

  /** Drops all subscriptions and forgets the connection, which stays open for whom it belongs to. */
  release(): void {
    this.#lines?.flush();
    this.up = false;
    this.hooks = undefined;
    this.#watch.link = undefined;
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
    this.#statuses.stop?.();
  }

  /** `release`, and where the connection is owned also flushes and closes it. Resolves after `ms` at the latest. */
  async close(ms: number, clock: Clock): Promise<void> {
    const flushed = this.owned && this.up ? this.flush().catch(() => undefined) : undefined;
    // the UNSUBs go after what waits to be flushed, and are not waited for
    this.release();
    if (!this.owned) return;
    let cancel: (() => void) | undefined;
    const late = new Promise<void>((resolve) => {
      cancel = clock.after(ms, resolve);
    });
    if (flushed) await Promise.race([flushed, late]);
    await Promise.race([this.#nc.close().catch(() => undefined), late]);
    cancel?.();
  }

  /** @internal */
  heard(status: StatusLike): void {
    switch (status.type) {
      case 'disconnect':
        this.dropped(status.server ?? status.data);
        break;
      case 'reconnect':
        // two statuses that come as one are still a loss of all that was on the wire
        if (this.up) this.dropped(status.server ?? status.data);
        this.up = true;
        this.#reconnected?.();
        this.hooks?.up();
        break;
      case 'error': {
        const denied = deniedBy(status) ?? deniedBy(status.error);
        if (denied?.operation === 'publish') this.hooks?.denied(denied.subject, notAllowed(denied, status.error));
        break;
      }
    }
  }

  /** @internal */
  closedBy(error: unknown): void {
    const hooks = this.hooks;
    this.release();
    const cause =
      error instanceof Error
        ? natsError(error, 'the NATS connection was closed')
        : new ConnectionError('the NATS connection was closed', { broker: 'nats-streaming' });
    guard(() => hooks?.closed(cause));
  }

  private dropped(server: unknown): void {
    if (!this.up) return;
    this.up = false;
    const place = typeof server === 'string' ? ` to ${server}` : '';
    this.hooks?.down(new ConnectionError(`the NATS connection${place} dropped`, { broker: 'nats-streaming' }));
  }

  private refused(error: Error, denied: ((error: AuthorizationError) => void) | undefined): void {
    const what = deniedBy(error);
    if (!what) return;
    const refusal = notAllowed(what, error);
    if (denied) denied(refusal);
    else this.hooks?.denied(what.subject, refusal);
  }

  private fault(thrown: unknown, subject: string): void {
    const error =
      thrown instanceof WeirError
        ? thrown
        : new ProtocolError(`a message on ${subject} could not be handled and was dropped: ${String(thrown)}`, {
            broker: 'nats-streaming',
            cause: thrown,
          });
    guard(() => this.hooks?.fault(error));
  }
}

async function followStatuses(statuses: AsyncIterable<StatusLike>, watch: { link: Link | undefined }): Promise<void> {
  try {
    for await (const status of statuses) {
      guard(() => watch.link?.heard(status));
    }
  } catch {
    // the iterator ends with its connection, which `closed` tells of
  }
}

/** Nothing of ours throws inside a NATS callback: it would stop the reader of a connection that others share. */
function guard(call: () => void): void {
  try {
    call();
  } catch {
    // the hook has failed, and there is nobody else to tell
  }
}
