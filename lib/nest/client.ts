import type { ReadPacket, WritePacket } from '@nestjs/microservices';
import { distinctUntilChanged, map, Subscription, type Observable } from 'rxjs';
import { json } from '../codec/json.js';
import type { AnyBroker, Broker, BrokerEvent, BrokerTypes, ConfirmedReceipt, Status } from '../core/broker.js';
import { checkOptions, codec, either, flag, func, instance, required, text, type Shape } from '../core/check.js';
import type { Codec, Decoder } from '../core/codec.js';
import { ClosedError, InvalidOptionError } from '../core/errors.js';
import { BrokerRecord } from './broker-record.js';
import { baseClass, nestMicroservices } from './packages.js';
import { encodePacket, hasHeaders, type OutgoingPacket, type ReplyPacket } from './packets.js';
import { channelOf, isBare } from './patterns.js';
import { ReplyInbox } from './reply-inbox.js';
import { isBroker } from './server.js';

/** What {@link BrokerClient} takes. */
export interface BrokerClientOptions<K extends BrokerTypes = AnyBroker> {
  /** The handle to publish by. */
  readonly broker: Broker<K>;
  /**
   * Whether `close()` closes the broker too. Give false for a handle that others use or close, such as one of
   * `BrokerModule` or a server's.
   * @defaultValue true
   */
  readonly owns?: boolean | undefined;
  /**
   * Makes bytes of what is sent, and values of the answers where `replyCodec` does not.
   * @defaultValue json()
   */
  readonly codec?: Codec<never, unknown> | undefined;
  /** Makes values of the answers. Default: `codec`. */
  readonly replyCodec?: Decoder<unknown> | undefined;
  /**
   * The channel that answers come on, or a function that makes one; asked for with the first request. Clients may share
   * one. RabbitMQ and Liftbridge need one that exists.
   * @defaultValue a name of this client's own
   */
  readonly replyChannel?: string | (() => string | Promise<string>) | undefined;
}

/** What a {@link BrokerClient} tells by `on`. */
export interface BrokerClientEvents {
  /** How the broker's handle stands; the current state comes at once. */
  status: (status: Status) => void;
  /** What happened beside the messages. */
  event: (event: BrokerEvent) => void;
}

/** What Nest's client hands over; before Nest 12 there is no metadata. */
interface Sent {
  readonly pattern: unknown;
  readonly data: unknown;
  readonly metadata?: Record<string, string> | undefined;
}

const shape: Shape<BrokerClientOptions> = {
  broker: required(instance(isBroker, 'the handle of a broker')),
  owns: flag(),
  codec: codec('encode', 'decode'),
  replyCodec: codec('decode'),
  replyChannel: either(text(), func()),
};

/**
 * Sends events and requests through a broker. The `customClass` of Nest's `ClientsModule`, or a provider as it is.
 *
 * `emit` publishes at once, and emits the receipt when the broker has confirmed. `send` asks with each subscription and
 * emits the answers; a time limit is an operator's work: `client.send('sum', [1, 2]).pipe(timeout(5_000))`.
 */
export class BrokerClient<K extends BrokerTypes = AnyBroker> extends baseClass(() => nestMicroservices().ClientProxy) {
  private readonly options: BrokerClientOptions<K>;
  private readonly broker: Broker;
  private readonly codec: Codec<unknown>;
  private readonly withHeaders: boolean;
  private readonly told = new Subscription();
  private readonly waiting = new Map<string, (packet: WritePacket) => void>();
  private readonly token = `${crypto.randomUUID().slice(0, 13)}.`;
  private inbox: Promise<ReplyInbox> | undefined;
  private count = 0;
  private isClosed = false;

  /** @throws InvalidOptionError, and UnsupportedError where `@nestjs/microservices` is not installed */
  constructor(options: BrokerClientOptions<K>) {
    super();
    checkOptions('new BrokerClient()', options, shape as unknown as Shape);
    this.options = options;
    this.broker = options.broker;
    this.codec = (options.codec as Codec<unknown> | undefined) ?? json<unknown>();
    this.withHeaders = hasHeaders(options.broker);
  }

  /** The state of the broker's handle, as its own `status` has it. */
  override get status(): Observable<Status['state']> {
    return this.broker.status.pipe(
      map(({ state }) => state),
      distinctUntilChanged(),
    );
  }

  /** Connects, unless it is connected. Sending does it too. */
  override async connect(): Promise<void> {
    if (this.isClosed) throw new ClosedError('the client is closed');
    await this.broker.connect();
  }

  /** Fails what waits for an answer, and closes the broker if it is the client's own. */
  override async close(): Promise<void> {
    if (this.isClosed) return;
    this.isClosed = true;
    const { inbox } = this;
    this.inbox = undefined;
    this.fail(new ClosedError('the client was closed before the answer came'));
    this.told.unsubscribe();
    await inbox?.then(
      (open) => open.close(),
      () => undefined,
    );
    if (this.options.owns ?? true) await this.broker.close();
  }

  /** The broker's handle. */
  override unwrap<T = Broker<K>>(): T {
    return this.broker as T;
  }

  /** Calls back whenever it happens, until the client is closed. */
  override on<E extends keyof BrokerClientEvents>(event: E, callback: BrokerClientEvents[E]): void {
    if (event === 'status') this.told.add(this.broker.status.subscribe(callback as BrokerClientEvents['status']));
    else if (event === 'event') this.told.add(this.broker.events.subscribe(callback as BrokerClientEvents['event']));
    else throw new InvalidOptionError(`on('${String(event)}'): the events are status and event`);
  }

  /** Publishes an event. For Nest, which calls it in `emit`. */
  protected override dispatchEvent<T = ConfirmedReceipt<Uint8Array>>(packet: ReadPacket): Promise<T> {
    return this.put(packet) as Promise<T>;
  }

  /** Publishes a request, and calls back with each part of the answer. For Nest, which calls it in `send`. */
  protected override publish(packet: ReadPacket, callback: (packet: WritePacket) => void): () => void {
    const id = `${this.token}${(++this.count).toString(36)}`;
    this.waiting.set(id, callback);
    this.ask(packet, id).catch((err: unknown) => {
      this.waiting.delete(id);
      callback({ err });
    });
    return () => {
      this.waiting.delete(id);
    };
  }

  private async ask(packet: ReadPacket, id: string): Promise<void> {
    const opened = (this.inbox ??= this.openInbox());
    let inbox: ReplyInbox;
    try {
      inbox = await opened;
      await inbox.ready;
    } catch (error) {
      // the next request opens another
      if (this.inbox === opened) this.inbox = undefined;
      throw error;
    }
    // unsubscribed meanwhile: what nobody waits for is not asked
    if (this.waiting.has(id)) await this.put(packet, { id, replyTo: inbox.channel });
  }

  private async put(packet: ReadPacket, request?: OutgoingPacket['request']): Promise<ConfirmedReceipt<Uint8Array>> {
    const { pattern, data, metadata } = packet as Sent;
    const channel = channelOf(pattern);
    const sent = data instanceof BrokerRecord ? (data as BrokerRecord<unknown>) : undefined;
    const outgoing = {
      data: sent === undefined ? data : sent.data,
      fields: sent?.fields,
      pattern,
      routed: !isBare(pattern),
      request,
      metadata,
    };
    const { bytes, fields } = encodePacket(outgoing, this.codec, this.withHeaders);
    return this.broker.publish(channel, bytes, fields);
  }

  private async openInbox(): Promise<ReplyInbox> {
    const { replyChannel } = this.options;
    const named = typeof replyChannel === 'function' ? await replyChannel() : replyChannel;
    const channel = named ?? `rx-weir.replies.${this.token.slice(0, -1)}`;
    if (this.isClosed) throw new ClosedError('the client is closed');
    const decoder = this.options.replyCodec ?? this.codec;
    const receive = (packet: ReplyPacket): void => {
      this.receive(packet);
    };
    return new ReplyInbox(this.broker, channel, this.token, decoder, receive, (error) => {
      this.inbox = undefined;
      this.fail(error);
    });
  }

  private receive({ id, ...packet }: ReplyPacket): void {
    const callback = this.waiting.get(id);
    if (callback === undefined) return;
    if (packet.isDisposed === true || 'err' in packet) this.waiting.delete(id);
    callback(packet as WritePacket);
  }

  private fail(err: unknown): void {
    const callbacks = [...this.waiting.values()];
    this.waiting.clear();
    for (const callback of callbacks) callback({ err });
  }
}
