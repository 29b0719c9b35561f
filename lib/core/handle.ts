import { Observable, type OperatorFunction } from 'rxjs';
import { autoAck } from '../operators/auto-ack.js';
import type {
  ConfirmedReceipt,
  HotOptions,
  MessageFields,
  Outgoing,
  PublishOptions,
  PublishToOptions,
  Receipt,
  Sink,
  SinkOptions,
  SourceOptions,
} from './broker.js';
import {
  checkOptions,
  codec,
  count,
  duration,
  either,
  flag,
  func,
  oneOf,
  required,
  signal,
  text,
  type Shape,
} from './check.js';
import type { Clock } from './clock.js';
import type { Decoder, Encoder } from './codec.js';
import type { BaseDelivery, Delivery } from './delivery.js';
import { ClosedError, InvalidOptionError, type BrokerName, type WeirError } from './errors.js';
import { shareHot } from './hot.js';
import type { Receiver } from './intake.js';
import type { Logger } from './logger.js';
import { offer, type Maker } from './outgoing.js';
import { publishFromIterable, publishToOperator, type PublisherSource } from './publish-to.js';
import { Publisher, type Entry, type PublishPort, type ReceiptListener } from './publisher.js';
import { PublishSink } from './sink.js';
import { Story } from './status.js';

/** What a source was asked for, with the defaults filled in. @internal */
export interface SourceSettings extends SourceOptions {
  readonly maxInFlight: number;
  readonly codec?: Decoder<unknown> | undefined;
}

/** One subscriber's subscription at the broker. @internal */
export interface Source {
  /** Deliveries emitted and not settled. */
  readonly unsettled: number;
  /** Begins; may emit at once. */
  start(): void;
  /** Emits no more; ends at the broker when all that was emitted is settled, or its time is over. */
  stop(): void;
  /** Ends at the broker at once. */
  abandon(): void;
}

/** @internal */
export interface HandleOptions {
  readonly broker: BrokerName;
  readonly clock: Clock;
  readonly log: Logger;
  /** ms */
  readonly closeTimeout: number;
  /** The checkers of the broker's own source options, and those in which it differs. */
  readonly sourceShape: Shape;
  readonly sinkShape?: Shape;
}

/** What a broker carries beside a message's bytes. @internal */
export interface Carriage {
  readonly key: boolean;
  readonly headers: boolean;
}

/** Under which a handle tells its {@link Carriage} to `bridgeTo`. @internal */
export const carries: unique symbol = Symbol.for('rx-weir.broker.carries') as never;

const commonSource: Shape = {
  durable: text(),
  queue: text(),
  maxInFlight: count(),
  ackWait: duration({ min: 1 }),
  codec: codec('decode'),
  onDecodeError: either(oneOf('error', 'skip'), func()),
  signal: signal(),
};

const commonSink: Shape = {
  codec: codec('encode'),
  message: func(),
  maxInFlight: count(),
  buffer: count({ min: 0, infinity: true }),
  overflow: oneOf('error', 'drop-newest', 'drop-oldest'),
  resend: flag(),
};

const publishToShape: Shape = { onError: oneOf('emit', 'throw') };

/** The idle publishers of `publish()` that are kept, one a channel. */
const maxIdlePublishers = 256;

type SinkSettings = SinkOptions &
  PublishToOptions & {
    readonly codec?: Encoder<unknown> | undefined;
    readonly message?: ((value: unknown) => Outgoing<unknown>) | undefined;
  };

/** One publish() call that waits for its receipt. */
class Promised implements ReceiptListener {
  constructor(
    private readonly resolve: (receipt: ConfirmedReceipt<unknown>) => void,
    private readonly reject: (error: unknown) => void,
  ) {}

  receipt(receipt: Receipt<unknown>): void {
    if (receipt.ok) this.resolve(receipt);
    else this.reject(receipt.error);
  }
}

/**
 * The shared face of all brokers: checks options, wires intakes and publishers to Observables and promises, closes.
 * A broker's own handle adds its sources, its port, and what connects and disconnects. Its public type is the `Broker`
 * interface, which has the overloads.
 * @internal
 */
export abstract class BrokerHandle {
  readonly story: Story;
  protected readonly publishers = new Set<Publisher>();
  abstract readonly [carries]: Carriage;
  private readonly sources = new Map<Source, Receiver>();
  private readonly direct = new Map<string, Publisher>();
  private readonly sourceShape: Shape;
  private readonly hotShape: Shape;
  private readonly sinkShape: Shape;
  private closed: Promise<void> | undefined;
  private drained: (() => void) | undefined;
  /** Deliveries whose source ended at the broker, after `ackWait`, before they were settled and `close()` was done. */
  private left = 0;

  constructor(protected readonly options: HandleOptions) {
    this.story = new Story(options.log);
    this.sourceShape = { ...commonSource, ...options.sourceShape };
    this.hotShape = { ...this.sourceShape, linger: duration() };
    this.sinkShape = { ...commonSink, ...options.sinkShape };
  }

  get status(): Story['status'] {
    return this.story.status;
  }

  get events(): Story['events'] {
    return this.story.events;
  }

  connect(options: { readonly signal?: AbortSignal | undefined } = {}): Promise<void> {
    checkOptions('connect()', options, { signal: signal() });
    if (this.closed !== undefined) return Promise.reject(this.closedError('connect()'));
    return this.dial(options.signal);
  }

  messages(
    channel: string,
    options: SourceOptions & { readonly codec?: Decoder<unknown> } = {},
  ): Observable<BaseDelivery<unknown>> {
    return this.observe(`messages(${quoted(channel)})`, channel, options, this.sourceShape);
  }

  values(channel: string, options: SourceOptions & { readonly codec?: Decoder<unknown> } = {}): Observable<unknown> {
    return this.observe(`values(${quoted(channel)})`, channel, options, this.sourceShape).pipe(autoAck());
  }

  hot(
    channel: string,
    options: SourceOptions & HotOptions & { readonly codec?: Decoder<unknown> } = {},
  ): Observable<Delivery<unknown>> {
    const source = this.observe(`hot(${quoted(channel)})`, channel, options, this.hotShape);
    return shareHot(source, options.linger ?? 0, this.options.clock);
  }

  publish(
    channel: string,
    value: unknown,
    options: MessageFields & PublishOptions & { readonly codec?: Encoder<unknown> } = {},
  ): Promise<ConfirmedReceipt<unknown>> {
    return new Promise((resolve, reject) => {
      const where = `publish(${quoted(channel)})`;
      if (this.closed !== undefined) throw this.closedError(where);
      this.checkChannel(where, channel);
      const { codec: encoder, signal: aborter, ...fields } = options;
      const maker = this.maker(where, { codec: encoder });
      checkOptions(where, { codec: encoder, signal: aborter }, { codec: codec('encode'), signal: signal() });
      aborter?.throwIfAborted();
      const publisher = this.directPublisher(channel);
      const withFields = hasKeys(fields) ? fields : undefined;
      if (withFields !== undefined) maker.checkFields(withFields);
      if (aborter === undefined) {
        offer(publisher, maker, value, withFields, new Promised(resolve, reject));
        return;
      }
      const abort = (): void => {
        if (entry !== undefined) publisher.withdraw(entry);
        reject(aborter.reason as Error);
      };
      const done =
        <A>(call: (argument: A) => void) =>
        (argument: A): void => {
          aborter.removeEventListener('abort', abort);
          call(argument);
        };
      aborter.addEventListener('abort', abort, { once: true });
      const entry: Entry | undefined = offer(
        publisher,
        maker,
        value,
        withFields,
        new Promised(done(resolve), done(reject)),
      );
    });
  }

  sink(channel: string, options: SinkSettings = {}): Sink<unknown> {
    const where = `sink(${quoted(channel)})`;
    this.checkSink(where, channel, options, this.sinkShape);
    const publisher = this.openPublisher(channel, options, 10_000);
    return new PublishSink(publisher, this.maker(where, options), () => {
      this.closePublisher(publisher);
    });
  }

  publishTo(channel: string, options: SinkSettings = {}): OperatorFunction<unknown, Receipt<unknown>> {
    const where = `publishTo(${quoted(channel)})`;
    this.checkSink(where, channel, options, { ...this.sinkShape, ...publishToShape });
    return publishToOperator(
      this.publisherSource(channel, options),
      this.maker(where, options),
      options.onError ?? 'emit',
    );
  }

  publishFrom(
    channel: string,
    iterable: Iterable<unknown> | AsyncIterable<unknown>,
    options: SinkSettings = {},
  ): Observable<Receipt<unknown>> {
    const where = `publishFrom(${quoted(channel)})`;
    this.checkSink(where, channel, options, { ...this.sinkShape, ...publishToShape });
    if (
      Object(iterable) !== iterable ||
      !(Symbol.iterator in Object(iterable) || Symbol.asyncIterator in Object(iterable))
    ) {
      throw new InvalidOptionError(`${where}: the second argument must be an iterable or an async iterable of values`, {
        broker: this.options.broker,
      });
    }
    const maker = this.maker(where, options);
    return publishFromIterable(this.publisherSource(channel, options), maker, options.onError ?? 'emit', iterable);
  }

  async forget(
    channel: string,
    position: { readonly durable: string; readonly queue?: string | undefined },
  ): Promise<void> {
    const where = `forget(${quoted(channel)})`;
    if (this.closed !== undefined) throw this.closedError(where);
    this.checkChannel(where, channel);
    checkOptions(where, position, { durable: required(text()), queue: text() });
    await this.drop(channel, position);
  }

  close(): Promise<void> {
    this.closed ??= this.shut();
    return this.closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** What `inspect` and `console.log` show: nothing that could hold a secret. */
  toJSON(): Record<string, unknown> {
    return { broker: this.options.broker, state: this.story.state };
  }

  [Symbol.for('nodejs.util.inspect.custom')](): Record<string, unknown> {
    return this.toJSON();
  }

  /** Refuses a channel that the broker cannot have. */
  protected abstract checkChannel(where: string, channel: unknown): void;
  /** Refuses combinations of source options that the shapes cannot tell. */
  protected abstract checkSource(where: string, options: SourceOptions): void;
  /** Refuses what the broker cannot carry beside the value. */
  protected abstract checkFields(where: string, fields: MessageFields): void;
  /** @param onEnd - called once, when the subscription is over at the broker too */
  protected abstract createSource(
    channel: string,
    settings: SourceSettings,
    receiver: Receiver,
    onEnd: () => void,
  ): Source;
  protected abstract createPort(channel: string): PublishPort;
  /** Connects, or rejects with why not. */
  protected abstract dial(signal: AbortSignal | undefined): Promise<void>;
  /** Drops a stored position. */
  protected abstract drop(
    channel: string,
    position: { readonly durable: string; readonly queue?: string | undefined },
  ): Promise<void>;
  /** The protocol's goodbye; what is written and unconfirmed is uncertain from here on. Never rejects. */
  protected abstract hangUp(): Promise<void>;

  /** The port can write again: everything that waited goes out. */
  protected pumpAll(): void {
    for (const publisher of this.publishers) publisher.pump();
  }

  /** No connection is to be had: whatever waits for one fails. */
  protected failAll(error: WeirError): void {
    for (const publisher of [...this.publishers]) publisher.failQueued(error);
    for (const receiver of [...this.sources.values()]) receiver.error(error);
  }

  private observe(
    where: string,
    channel: string,
    options: SourceOptions,
    shape: Shape,
  ): Observable<BaseDelivery<unknown>> {
    this.checkChannel(where, channel);
    checkOptions(where, options, shape);
    this.checkSource(where, options);
    const settings: SourceSettings = { ...options, maxInFlight: options.maxInFlight ?? 1024 };
    return new Observable((subscriber) => {
      if (this.closed !== undefined) {
        subscriber.error(this.closedError(where));
        return;
      }
      const { signal: aborter } = settings;
      if (aborter?.aborted === true) {
        subscriber.complete();
        return;
      }
      const source = this.createSource(channel, settings, subscriber as Receiver, () => {
        this.sources.delete(source);
        if (this.closed !== undefined) this.left += source.unsettled;
        if (this.sources.size === 0) this.drained?.();
      });
      this.sources.set(source, subscriber);
      subscriber.add(() => {
        source.stop();
      });
      if (aborter !== undefined) {
        const complete = (): void => {
          subscriber.complete();
        };
        aborter.addEventListener('abort', complete, { once: true });
        subscriber.add(() => {
          aborter.removeEventListener('abort', complete);
        });
      }
      source.start();
    });
  }

  private checkSink(where: string, channel: string, options: SinkSettings, shape: Shape): void {
    this.checkChannel(where, channel);
    checkOptions(where, options, shape);
  }

  private maker(where: string, options: Pick<SinkSettings, 'codec' | 'message'>): Maker {
    return {
      broker: this.options.broker,
      codec: options.codec,
      message: options.message,
      checkFields: (fields) => {
        this.checkFields(where, fields);
      },
    };
  }

  private publisherSource(channel: string, options: SinkSettings): PublisherSource {
    return {
      open: () => this.openPublisher(channel, options, Infinity),
      close: (publisher) => {
        publisher.stop(this.closedError(`publishing to '${channel}'`));
        this.closePublisher(publisher);
      },
    };
  }

  private openPublisher(channel: string, options: SinkOptions, buffer: number): Publisher {
    const publisher = new Publisher(
      this.createPort(channel),
      {
        broker: this.options.broker,
        channel,
        maxInFlight: options.maxInFlight ?? 1024,
        buffer: options.buffer ?? buffer,
        overflow: options.overflow ?? 'error',
        resend: options.resend ?? false,
      },
      this.options.clock,
    );
    if (this.closed === undefined) this.publishers.add(publisher);
    else publisher.stop(this.closedError(`publishing to '${channel}'`));
    return publisher;
  }

  private closePublisher(publisher: Publisher): void {
    publisher.whenFlushed(() => {
      this.publishers.delete(publisher);
    });
  }

  private directPublisher(channel: string): Publisher {
    let publisher = this.direct.get(channel);
    if (publisher === undefined) {
      if (this.direct.size >= maxIdlePublishers) this.dropIdle();
      publisher = this.openPublisher(channel, {}, 10_000);
      this.direct.set(channel, publisher);
    }
    return publisher;
  }

  private dropIdle(): void {
    for (const [channel, publisher] of this.direct) {
      if (publisher.pending > 0) continue;
      this.direct.delete(channel);
      this.publishers.delete(publisher);
    }
  }

  private async shut(): Promise<void> {
    const { clock, closeTimeout, log } = this.options;
    const settled = new Promise<void>((resolve) => {
      this.drained = resolve;
    });
    const error = this.closedError('publishing');
    for (const receiver of [...this.sources.values()]) receiver.complete();
    if (this.sources.size === 0) this.drained?.();
    for (const publisher of [...this.publishers]) publisher.closing(error);
    const confirmed = [...this.publishers].map((publisher) => publisher.flush());
    await new Promise<void>((resolve) => {
      const cancel = clock.after(closeTimeout, resolve);
      void Promise.all([settled, ...confirmed]).then(() => {
        cancel();
        resolve();
      });
    });
    this.tellAbandoned();
    for (const publisher of [...this.publishers]) publisher.stop(error);
    for (const source of [...this.sources.keys()]) source.abandon();
    try {
      await this.hangUp();
    } catch (error) {
      log.warn('close: the goodbye failed', error);
    }
    this.publishers.clear();
    this.direct.clear();
    this.story.set('closed');
  }

  private tellAbandoned(): void {
    let unsettled = this.left;
    let unconfirmed = 0;
    for (const source of this.sources.keys()) unsettled += source.unsettled;
    for (const publisher of this.publishers) unconfirmed += publisher.pending;
    if (unsettled + unconfirmed > 0) this.story.tell({ type: 'abandoned', unsettled, unconfirmed });
  }

  protected closedError(what: string): ClosedError {
    const { broker } = this.options;
    return new ClosedError(`${what}: this ${broker} handle was closed; make another one`, { broker });
  }
}

function quoted(channel: unknown): string {
  return typeof channel === 'string' ? `'${channel}'` : String(channel);
}

function hasKeys(fields: object): boolean {
  for (const _ in fields) return true;
  return false;
}
