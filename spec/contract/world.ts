import type { Observable } from 'rxjs';
import { text } from '../../lib/codec/text.js';
import type { Broker, ConfirmedReceipt, MessageFields, SourceOptions } from '../../lib/core/broker.js';
import type { Codec } from '../../lib/core/codec.js';
import type { Delivery } from '../../lib/core/delivery.js';
import { earliest } from '../../lib/core/starts.js';
import { unique } from '../support/names.js';
import { until } from '../support/wait.js';
import type { Capabilities } from './capabilities.js';
import { Tap } from './tap.js';

/** What a spec may want of a handle. */
export interface HandleWishes {
  /** The client's name, for brokers whose clients have one; the same name is the same client. Default: one of its own. */
  readonly client?: string | undefined;
  /** ms; default 100, so that what a spec leaves unsettled holds nobody up. */
  readonly closeTimeout?: number | undefined;
}

/** How a broker is had. */
export interface ContractSetup {
  /** Before all specs. */
  readonly start?: () => Promise<void>;
  /** After all specs. */
  readonly stop?: () => Promise<void>;
  /** A channel that nobody else has, for brokers that do not make one by its first use. Default: a name of its own. */
  readonly channel?: () => string;
  /** A handle of its own, without any I/O so far. */
  readonly broker: (wishes: { readonly client: string; readonly closeTimeout: number }) => Broker;
  /** Resolves when the broker knows what a handle is subscribed to; for brokers without replay, which pass over the others. */
  readonly subscribed?: (broker: Broker) => Promise<void>;
}

/** What came on a channel. */
export type Reader = Pick<Tap<Delivery<string>>, 'first' | 'at'>;

/** A source of texts. */
export type TextOptions = Omit<SourceOptions, 'start'> & { readonly start?: SourceOptions['start'] | null };

/** What a spec has at hand: handles that are closed for it, channels that nobody else has, and the common moves. */
export class World {
  /** Where to begin to get all that {@link primed} publishes. */
  readonly start: SourceOptions['start'];
  private readonly handles: Broker[] = [];

  constructor(
    readonly can: Capabilities,
    private readonly setup: ContractSetup,
  ) {
    this.start = can.replay ? earliest() : undefined;
  }

  /** Another handle, which is closed after the specs of the theme. */
  broker({ client = unique('client'), closeTimeout = 100 }: HandleWishes = {}): Broker {
    const broker = this.setup.broker({ client, closeTimeout });
    this.handles.push(broker);
    return broker;
  }

  channel(): string {
    return this.setup.channel?.() ?? unique('contract');
  }

  async close(): Promise<void> {
    await Promise.all(this.handles.splice(0).map((broker) => broker.close()));
  }

  /** Publishes texts, each after the one before was confirmed. */
  async put(broker: Broker, channel: string, ...texts: string[]): Promise<ConfirmedReceipt<string>[]> {
    const receipts: ConfirmedReceipt<string>[] = [];
    for (const value of texts) receipts.push(await broker.publish(channel, value, { codec: text }));
    return receipts;
  }

  /** Publishes `1`, `2` … up to `count` in this order, as many at a time as the window takes. */
  async fill(broker: Broker, channel: string, count: number): Promise<void> {
    if (this.can.orderedPublishing === false) await this.put(broker, channel, ...numbers(count));
    else await this.pour(broker, channel, count);
  }

  /** The same, in any order where the broker keeps none. */
  async pour(broker: Broker, channel: string, count: number): Promise<void> {
    await Promise.all(numbers(count).map((value) => broker.publish(channel, value, { codec: text })));
  }

  /** Publishes more than a reader takes: a broker that keeps nothing lets the publisher wait for the reader, the spec not. */
  async flood(publishing: Promise<void>): Promise<void> {
    if (this.can.replay) await publishing;
    // the end of the spec may overtake it; the reader misses what is lost before
    else publishing.catch(() => undefined);
  }

  /** So many, or fewer where each message goes all the way to its readers before it is confirmed. */
  many(count: number): number {
    return this.can.replay ? count : Math.ceil(count / 4);
  }

  /**
   * Gives a subscription what it is to read: published before it begins, or as soon as it is there where there is no
   * replay. Resolves with what `subscribe` gives.
   * @param broker - the handle that it subscribes with
   */
  async primed<T>(broker: Broker, subscribe: () => T | Promise<T>, publish: () => Promise<unknown>): Promise<T> {
    if (this.can.replay) {
      await publish();
      return subscribe();
    }
    const subscription = subscribe();
    await this.subscribed(broker);
    await publish();
    return subscription;
  }

  /**
   * What is published to a channel from here on, to be read at the end of the spec: by a subscription that begins then, or
   * now where there is no replay.
   */
  async reader(broker: Broker, channel: string): Promise<Reader> {
    let tap = this.can.replay ? undefined : this.ackingTap(broker, channel);
    await this.subscribed(broker);
    const begun = (): Tap<Delivery<string>> => (tap ??= this.ackingTap(broker, channel));
    return {
      first: (count) => begun().first(count),
      at: (index) => begun().at(index),
    };
  }

  /** Resolves when the broker knows what this handle is subscribed to, where it matters: without replay. */
  async subscribed(broker: Broker): Promise<void> {
    if (!this.can.replay) await this.setup.subscribed?.(broker);
  }

  /** Values that were published side by side: in the order of their numbers where they may have overtaken each other. */
  inOrder(values: readonly string[]): readonly string[] {
    return this.can.orderedPublishing === false ? [...values].sort((a, b) => Number(a) - Number(b)) : values;
  }

  /** The texts of a channel, from its earliest message on if not told otherwise; `start: null` leaves the start out. */
  texts(
    broker: Broker,
    channel: string,
    { start = this.start, ...options }: TextOptions = {},
  ): Observable<Delivery<string>> {
    return broker.messages(channel, { ...options, ...(start && { start }), codec: text });
  }

  /** Listens to the texts of a channel. */
  tap(
    broker: Broker,
    channel: string,
    options: TextOptions = {},
    then?: (delivery: Delivery<string>, tap: Tap<Delivery<string>>) => void,
  ): Tap<Delivery<string>> {
    return new Tap(this.texts(broker, channel, options), then);
  }

  /** Listens and acks all at once. */
  ackingTap(broker: Broker, channel: string, options: TextOptions = {}): Tap<Delivery<string>> {
    return this.tap(broker, channel, options, (delivery) => {
      delivery.ack();
    });
  }

  /** The headers of a delivery, bytes as text where the broker has no other. */
  headersOf(delivery: Delivery<unknown>): [string, unknown][] {
    const entries = [...delivery.headers];
    if (this.can.headers !== 'bytes') return entries;
    return entries.map(([name, value]) => [name, new TextDecoder().decode(value as Uint8Array)]);
  }

  /**
   * Publishes a message at a time until the tap has got one that it had not: a subscription is made in the background,
   * and no broker tells when it is there.
   */
  async untilLive(
    broker: Broker,
    channel: string,
    tap: { readonly all: readonly unknown[] },
    fields: MessageFields = {},
  ): Promise<void> {
    const before = tap.all.length;
    let probes = 0;
    await until(
      async () => {
        await broker.publish(channel, `probe ${++probes}`, { ...fields, codec: text as Codec<string> });
        return tap.all.length > before;
      },
      { every: 5, message: 'the subscription to be there' },
    );
  }

  /**
   * Resolves when another subscriber of the channel has got `count` messages, so that whoever else was to get them by
   * then had the time: for specs of what must not come. Without replay, another message has gone its way meanwhile.
   */
  async fence(channel: string, count: number): Promise<void> {
    const broker = this.broker();
    if (!this.can.replay) {
      const other = this.channel();
      await (
        await this.primed(
          broker,
          () => this.ackingTap(broker, other),
          () => this.fill(broker, other, 1),
        )
      ).first(1);
      return;
    }
    const tap = this.ackingTap(broker, channel);
    await tap.first(count);
    tap.unsubscribe();
  }
}

/** `1`, `2` … up to `count`. */
export function numbers(count: number, from = 1): string[] {
  return Array.from({ length: count }, (_, index) => String(from + index));
}

/** The values of deliveries. */
export function valuesOf<T>(deliveries: readonly Delivery<T>[]): T[] {
  return deliveries.map(({ value }) => value);
}
