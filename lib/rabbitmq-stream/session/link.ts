import { StreamUnavailableError, type WeirError } from '../../core/errors.js';
import { responseCodeName } from '../codec/response-codes.js';
import type { OffsetSpec } from '../codec/offset-spec.js';
import type { Connection, ConnectionEvents } from '../connection/connection.js';

/** What one publisher hears from its link. None of it may throw. @internal */
export interface PublisherHandlers {
  /** `count` publishing ids of 8 bytes each begin at `start`. The bytes are valid during the call only. */
  confirmed(bytes: Uint8Array, start: number, count: number): void;
  /** The broker did not store this message. */
  refused(id: number | bigint, code: number): void;
  /** The socket takes more again, after `connection.send` returned false. */
  drained(): void;
  /**
   * Once and last: the connection is gone (`ConnectionError`, `ProtocolError` …), the broker has removed the publisher
   * (`StreamUnavailableError`), or the session was closed (`ClosedError`). Its id is free, and there is nothing to clean up.
   */
  lost(error: WeirError): void;
}

/** What one subscription hears from its link. @internal */
export interface SubscriberHandlers {
  /** A chunk, from its magic byte to `end`. Unless `owned`, the bytes are valid during the call only. */
  deliver(bytes: Uint8Array, start: number, end: number, owned: boolean): void;
  /** After every read of the socket that brought something for this subscription: time to write the credits it earned. */
  flushed(): void;
  /** A single active consumer is made active or passive; `reply` is to be called once, soon. */
  update(active: boolean, reply: (spec: OffsetSpec) => void): void;
  /** The broker did not accept a credit. */
  refused(code: number): void;
  /** As for a publisher. */
  lost(error: WeirError): void;
}

/** What a data connection is used for; never for both, because a broker that is full stops reading all that comes on one. @internal */
export type LinkRole = 'producer' | 'consumer';

interface Publishing {
  readonly stream: string;
  readonly handlers: PublisherHandlers;
}

interface Subscribing {
  readonly stream: string;
  readonly handlers: SubscriberHandlers;
  /** Whether it got something since the last `flushed`. */
  touched: boolean;
}

/** How many publishers, or subscriptions, one connection carries; the wire has room for 256. @internal */
export const linkCapacity = 200;
const ids = 256;

/** Told by a link about itself. @internal */
export interface LinkHooks {
  /** Nobody is on it any more. */
  idle(link: Link): void;
  /** Its connection is gone. */
  closed(link: Link): void;
}

/**
 * A data connection to one node, shared by the publishers or the subscriptions on it: gives out their ids and hands on what
 * comes for each.
 * @internal
 */
export class Link {
  /** Places promised to callers who are about to take them. */
  claims = 0;
  private made: Connection | undefined;
  private gone: WeirError | undefined;
  private readonly publishers = new Places<Publishing>();
  private readonly subscribers = new Places<Subscribing>();
  private readonly touched: Subscribing[] = [];

  constructor(
    readonly role: LinkRole,
    private readonly hooks: LinkHooks,
  ) {}

  get connection(): Connection {
    if (this.made === undefined) throw new Error('a link was used before its connection was made');
    return this.made;
  }

  /** Whether it can take nobody any more. */
  get closed(): boolean {
    return this.gone !== undefined || this.made?.closed === true;
  }

  /** By what it was lost. */
  get loss(): WeirError | undefined {
    return this.gone;
  }

  /** How many are on it. */
  get count(): number {
    return this.publishers.count + this.subscribers.count;
  }

  /** Whether one more may come. */
  get hasRoom(): boolean {
    return !this.closed && this.count + this.claims < linkCapacity;
  }

  /**
   * Takes an id for a publisher of `stream`; declaring it on the wire is the caller's. Do it in the turn in which the link
   * was given out: nobody's place is kept for longer.
   * @throws the error by which the link was lost, where it is gone
   */
  addPublisher(stream: string, handlers: PublisherHandlers): number {
    return this.add(this.publishers, { stream, handlers });
  }

  /** Gives the id back; the broker must have confirmed its removal, unless it was never declared. Twice is fine. */
  removePublisher(id: number): void {
    this.remove(this.publishers, id);
  }

  /** The same for a subscription. Do it before Subscribe is written: a chunk may follow the answer in the same read. */
  addSubscriber(stream: string, handlers: SubscriberHandlers): number {
    return this.add(this.subscribers, { stream, handlers, touched: false });
  }

  /** Gives the id back; not before the answer to Unsubscribe, until which chunks still come. Twice is fine. */
  removeSubscriber(id: number): void {
    this.remove(this.subscribers, id);
  }

  /** Who opens the connection hands it over. */
  attach(connection: Connection): void {
    this.made = connection;
  }

  /** Tells all that are on it, once, and takes nobody any more. The connection is the caller's to close. */
  lose(error: WeirError): void {
    if (this.gone) return;
    this.gone = error;
    this.touched.length = 0;
    const all = [...this.publishers.clear(), ...this.subscribers.clear()];
    this.hooks.closed(this);
    for (const { handlers } of all) handlers.lost(error);
  }

  /** What its connection is to be opened with. */
  readonly events: ConnectionEvents = {
    confirm: (publisherId, bytes, start, count) => {
      this.publishers.at(publisherId)?.handlers.confirmed(bytes, start, count);
    },
    publishError: (publisherId, id, code) => {
      this.publishers.at(publisherId)?.handlers.refused(id, code);
    },
    deliver: (subscriptionId, bytes, start, end, owned) => {
      const subscriber = this.subscribers.at(subscriptionId);
      // chunks still come between Unsubscribe and its answer
      if (!subscriber) return;
      this.touch(subscriber);
      subscriber.handlers.deliver(bytes, start, end, owned);
    },
    creditError: (subscriptionId, code) => {
      this.subscribers.at(subscriptionId)?.handlers.refused(code);
    },
    consumerUpdate: (subscriptionId, active, reply) => {
      const subscriber = this.subscribers.at(subscriptionId);
      // the broker waits for an answer also where the subscription is just being ended
      if (!subscriber) {
        reply({ type: 'none' });
        return;
      }
      this.touch(subscriber);
      subscriber.handlers.update(active, reply);
    },
    metadataUpdate: (stream, code) => {
      this.removed(stream, code);
    },
    flushed: () => {
      for (let next = this.touched.pop(); next; next = this.touched.pop()) {
        next.touched = false;
        next.handlers.flushed();
      }
    },
    drained: () => {
      for (const { handlers } of this.publishers.all()) handlers.drained();
    },
    closed: (error) => {
      this.lose(error);
    },
  };

  private touch(subscriber: Subscribing): void {
    if (subscriber.touched) return;
    subscriber.touched = true;
    this.touched.push(subscriber);
  }

  private add<T>(places: Places<T>, entry: T): number {
    if (this.gone) throw this.gone;
    if (this.claims > 0) this.claims--;
    return places.add(entry);
  }

  private remove(places: Places<unknown>, id: number): void {
    if (places.remove(id)) this.vacate();
  }

  /** The broker has removed whatever was on this connection for the stream. */
  private removed(stream: string, code: number): void {
    const error = new StreamUnavailableError(
      `the stream '${stream}' was deleted, or its leader moved: RabbitMQ has removed what this connection had on it ` +
        `(${responseCodeName(code)}, ${code})`,
      { broker: 'rabbitmq-stream', detail: { code, name: responseCodeName(code), stream } },
    );
    const gone = [
      ...this.publishers.removeWhere((entry) => entry.stream === stream),
      ...this.subscribers.removeWhere((entry) => entry.stream === stream),
    ];
    for (const { handlers } of gone) handlers.lost(error);
    if (gone.length > 0) this.vacate();
  }

  private vacate(): void {
    if (this.count === 0 && !this.closed) this.hooks.idle(this);
  }
}

/** Things by an id of one byte. The ids go round, so that what comes late for one is not taken for its successor's. */
class Places<T> {
  count = 0;
  private readonly entries = new Array<T | undefined>(ids).fill(undefined);
  private next = 0;

  at(id: number): T | undefined {
    return this.entries[id];
  }

  all(): T[] {
    return this.entries.filter((entry) => entry !== undefined);
  }

  add(entry: T): number {
    for (let tries = 0; tries < ids; tries++) {
      const id = this.next;
      this.next = (id + 1) % ids;
      if (this.entries[id] !== undefined) continue;
      this.entries[id] = entry;
      this.count++;
      return id;
    }
    throw new Error('more were put on one link than it has room for');
  }

  remove(id: number): boolean {
    if (this.entries[id] === undefined) return false;
    this.entries[id] = undefined;
    this.count--;
    return true;
  }

  removeWhere(test: (entry: T) => boolean): T[] {
    const gone: T[] = [];
    for (let id = 0; id < ids; id++) {
      const entry = this.entries[id];
      if (entry === undefined || !test(entry)) continue;
      this.remove(id);
      gone.push(entry);
    }
    return gone;
  }

  clear(): T[] {
    return this.removeWhere(() => true);
  }
}
