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
}

/** A source of texts. */
export type TextOptions = Omit<SourceOptions, 'start'> & { readonly start?: SourceOptions['start'] | null };

/** What a spec has at hand: handles that are closed for it, channels that nobody else has, and the common moves. */
export class World {
  private readonly handles: Broker[] = [];

  constructor(
    readonly can: Capabilities,
    private readonly setup: ContractSetup,
  ) {}

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

  /** Publishes `1`, `2` … up to `count`, as many at a time as the window takes. */
  async fill(broker: Broker, channel: string, count: number): Promise<void> {
    await Promise.all(numbers(count).map((value) => broker.publish(channel, value, { codec: text })));
  }

  /** The texts of a channel, from its earliest message on if not told otherwise; `start: null` leaves the start out. */
  texts(
    broker: Broker,
    channel: string,
    { start = earliest(), ...options }: TextOptions = {},
  ): Observable<Delivery<string>> {
    return broker.messages(channel, { ...options, ...(start !== null && { start }), codec: text });
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
   * then had the time: for specs of what must not come.
   */
  async fence(channel: string, count: number): Promise<void> {
    const broker = this.broker();
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
