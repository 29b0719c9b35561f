import { Observable, type OperatorFunction } from 'rxjs';
import type {
  ConfirmedReceipt,
  HotOptions,
  MessageFields,
  PublishOptions,
  Receipt,
  Sink,
  SinkOptions,
  SourceOptions,
} from './broker.js';
import type { Carriage, carries } from './carriage.js';
import { checkOptions, checkValue, codec, duration, instance, required, signal, text, type Shape } from './check.js';
import type { Clock } from './clock.js';
import { isWhole, type Decoder, type Encoder } from './codec.js';
import { Connecting } from './connecting.js';
import type { BaseDelivery, Delivery } from './delivery.js';
import type { Receiver } from './emission.js';
import { ClosedError, InvalidOptionError, type BrokerName, type WeirError } from './errors.js';
import { shareHot } from './hot.js';
import { load, type Load } from './load.js';
import type { Logger } from './logger.js';
import type { Maker } from './outgoing.js';
import { publishOnce } from './publish-once.js';
import { publishFromIterable, publishToOperator, type PublisherSource } from './publish-to.js';
import type { PublishPort } from './publisher.js';
import { Publishers } from './publishers.js';
import {
  defaultBuffer,
  defaultWindow,
  publishToShape,
  sinkShape,
  sourceShape,
  type SinkSettings,
  type SourceSettings,
} from './settings.js';
import { settleEach } from './settle-each.js';
import { PublishSink } from './sink.js';
import { Story } from './status.js';

const anyOptions = instance(
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  'an object with options',
);

/** What `publish` takes beside the message's fields. */
const publishShape: Shape = { codec: codec('encode'), signal: signal() };

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

/**
 * The shared face of all brokers: checks options, wires intakes and publishers to Observables and promises, closes.
 * A broker's own handle adds its sources, its port, and what connects and disconnects. Its public type is the `Broker`
 * interface, which has the overloads.
 * @typeParam C - what a source is asked for: the channel's name, but for brokers whose sources read several
 * @internal
 */
export abstract class BrokerHandle<C = string> {
  readonly story: Story;
  protected readonly publishers: Publishers;
  protected readonly connecting = new Connecting();
  abstract readonly [carries]: Carriage;
  private readonly sources = new Map<Source, Receiver>();
  private readonly sourceShape: Shape;
  private readonly hotShape: Shape;
  private readonly sinkShape: Shape;
  private closed: Promise<void> | undefined;
  private drained: (() => void) | undefined;
  /** Deliveries whose source ended at the broker, after `ackWait`, before they were settled and `close()` was done. */
  private left = 0;

  constructor(protected readonly options: HandleOptions) {
    this.story = new Story(options.log, options.broker, this);
    this.publishers = new Publishers({
      broker: options.broker,
      clock: options.clock,
      createPort: (channel, sinkOptions) => this.createPort(channel, sinkOptions),
      closed: (channel) => (this.closed === undefined ? undefined : this.closedError(`publishing to '${channel}'`)),
    });
    this.sourceShape = { ...sourceShape, ...options.sourceShape };
    this.hotShape = { ...this.sourceShape, linger: duration() };
    this.sinkShape = { ...sinkShape, ...options.sinkShape };
  }

  get status(): Story['status'] {
    return this.story.status;
  }

  get events(): Story['events'] {
    return this.story.events;
  }

  get [load](): Load {
    return { inFlight: this.unsettled, unconfirmed: this.publishers.pending };
  }

  // async, so that whatever is wrong with the call rejects
  async connect(options: { readonly signal?: AbortSignal | undefined } = {}): Promise<void> {
    checkOptions('connect()', options, { signal: signal() });
    if (this.closed !== undefined) throw this.closedError('connect()');
    if (this.reachable) return;
    const connected = this.connecting.wait(options.signal);
    if (options.signal?.aborted !== true) this.wake();
    await connected;
  }

  messages(
    channel: C,
    options: SourceOptions & { readonly codec?: Decoder<unknown> } = {},
  ): Observable<BaseDelivery<unknown>> {
    return this.observe(`messages(${this.named(channel)})`, channel, options, this.sourceShape);
  }

  values(channel: C, options: SourceOptions & { readonly codec?: Decoder<unknown> } = {}): Observable<unknown> {
    return settleEach(this.observe(`values(${this.named(channel)})`, channel, options, this.sourceShape));
  }

  hot(
    channel: C,
    options: SourceOptions & HotOptions & { readonly codec?: Decoder<unknown> } = {},
  ): Observable<Delivery<unknown>> {
    const source = this.observe(`hot(${this.named(channel)})`, channel, options, this.hotShape);
    return shareHot(source, options.linger ?? 0, this.options.clock);
  }

  // async for the same reason as connect
  async publish(
    channel: string,
    value: unknown,
    options: MessageFields & PublishOptions & { readonly codec?: Encoder<unknown> } = {},
  ): Promise<ConfirmedReceipt<unknown>> {
    const where = `publish(${quoted(channel)})`;
    if (this.closed !== undefined) throw this.closedError(where);
    this.checkChannel(where, channel);
    checkValue(where, 'options', options, anyOptions);
    const { codec: encoder, signal: aborter, ...fields } = options;
    const withFields = hasKeys(fields) ? fields : undefined;
    // the broker names all that it accepts, so that it is told of the other options as well
    if (withFields !== undefined) this.checkFields(where, withFields, publishShape);
    checkOptions(where, { codec: encoder, signal: aborter }, publishShape);
    const maker = this.maker(where, { codec: encoder });
    return publishOnce(this.publishers.forChannel(channel), maker, value, withFields, aborter);
  }

  sink(channel: string, options: SinkSettings = {}): Sink<unknown> {
    const where = `sink(${quoted(channel)})`;
    this.checkSink(where, channel, options, this.sinkShape);
    const publisher = this.publishers.open(channel, options, defaultBuffer);
    return new PublishSink(publisher, this.maker(where, options), () => {
      this.publishers.release(publisher);
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
    if (this.closed !== undefined) return this.closed;
    // set before anything ends: a subscriber that hears of the end may call close() too
    let done = (): void => undefined;
    this.closed = new Promise((resolve) => {
      done = resolve;
    });
    void this.shut().then(done);
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

  /** What a source is asked for, in the words of a message. */
  protected named(channel: C): string {
    return quoted(channel);
  }

  /** Refuses a channel that the broker cannot have. */
  protected abstract checkChannel(where: string, channel: unknown): void;
  /** The same for what a source is asked for. */
  protected checkSourceChannel(where: string, channel: C): void {
    this.checkChannel(where, channel);
  }

  /** Refuses combinations of source options that the shapes cannot tell. */
  protected abstract checkSource(where: string, options: SourceOptions): void;
  /** Refuses combinations of sink options that the shapes cannot tell. */
  protected checkSinkOptions(_where: string, _options: SinkSettings): void {
    // most brokers have none
  }
  /**
   * Refuses what the broker cannot carry beside the value.
   * @param others - options that were given beside the fields and may be meant by a name that is none of them
   */
  protected abstract checkFields(where: string, fields: MessageFields, others?: Shape): void;
  /** @param onEnd - called once, when the subscription is over at the broker too */
  protected abstract createSource(channel: C, settings: SourceSettings, receiver: Receiver, onEnd: () => void): Source;
  /** @param options - a sink's; empty for what `publish()` shares */
  protected abstract createPort(channel: string, options: SinkOptions): PublishPort;
  /** Connects, if nothing did yet; then `connecting` is told what came of it. */
  abstract wake(): void;
  /** Whether there is a connection. */
  protected abstract get reachable(): boolean;
  /** Drops a stored position. */
  protected abstract drop(
    channel: string,
    position: { readonly durable: string; readonly queue?: string | undefined },
  ): Promise<void>;
  /** The protocol's goodbye; what is written and unconfirmed is uncertain from here on. Never rejects. */
  protected abstract hangUp(): Promise<void>;

  /** No connection is to be had: whatever waits for one fails. */
  protected failAll(error: WeirError): void {
    this.publishers.failQueued(error);
    for (const receiver of [...this.sources.values()]) receiver.error(error);
  }

  private observe(where: string, channel: C, options: SourceOptions, shape: Shape): Observable<BaseDelivery<unknown>> {
    this.checkSourceChannel(where, channel);
    checkOptions(where, options, shape);
    this.checkSource(where, options);
    const settings: SourceSettings = { ...options, maxInFlight: options.maxInFlight ?? defaultWindow };
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
      const source = this.createSource(channel, settings, subscriber, () => {
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
    this.checkSinkOptions(where, options);
  }

  private maker(where: string, options: Pick<SinkSettings, 'codec' | 'message'>): Maker {
    return {
      broker: this.options.broker,
      codec: options.codec,
      message: options.message,
      whole: isWhole(options.codec),
      checkFields: ({ value: _value, ...fields }) => {
        this.checkFields(where, fields);
      },
    };
  }

  private publisherSource(channel: string, options: SinkSettings): PublisherSource {
    return {
      open: () => this.publishers.open(channel, options, Infinity),
      close: (publisher) => {
        publisher.stop(this.closedError(`publishing to '${channel}'`));
        this.publishers.release(publisher);
      },
    };
  }

  private async shut(): Promise<void> {
    const { clock, closeTimeout, log } = this.options;
    const settled = new Promise<void>((resolve) => {
      this.drained = resolve;
    });
    const error = this.closedError('publishing');
    this.connecting.failed(this.closedError('connect()'));
    for (const receiver of [...this.sources.values()]) receiver.complete();
    if (this.sources.size === 0) this.drained?.();
    const confirmed = this.publishers.drain(error);
    await new Promise<void>((resolve) => {
      const cancel = clock.after(closeTimeout, resolve);
      void Promise.all([settled, confirmed]).then(() => {
        cancel();
        resolve();
      });
    });
    this.tellAbandoned();
    this.publishers.stop(error);
    for (const source of [...this.sources.keys()]) source.abandon();
    try {
      await this.hangUp();
    } catch (error) {
      log.warn('close: the goodbye failed', error);
    }
    this.publishers.clear();
    this.story.set('closed');
  }

  private get unsettled(): number {
    let unsettled = 0;
    for (const source of this.sources.keys()) unsettled += source.unsettled;
    return unsettled;
  }

  private tellAbandoned(): void {
    const unsettled = this.left + this.unsettled;
    const unconfirmed = this.publishers.pending;
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
