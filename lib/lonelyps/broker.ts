import { Subject, type Observable, type OperatorFunction } from 'rxjs';
import type { ConfirmedReceipt, MessageFields, PublishOptions, Receipt, Sink, SourceOptions } from '../core/broker.js';
import { carries } from '../core/carriage.js';
import { checkOptions, checkValue, codec, signal, type Shape } from '../core/check.js';
import { systemClock } from '../core/clock.js';
import type { Encoder } from '../core/codec.js';
import type { Receiver } from '../core/emission.js';
import { InvalidOptionError, type WeirError } from '../core/errors.js';
import { BrokerHandle, type Source } from '../core/handle.js';
import { lastWords } from '../core/log-handle.js';
import { publishOnce } from '../core/publish-once.js';
import type { PublishPort } from '../core/publisher.js';
import type { SinkSettings, SourceSettings } from '../core/settings.js';
import { topicText } from './codec/topic-text.js';
import type { LonelypsRequestHandler } from './connection/http.js';
import { Misses } from './misses.js';
import type { ResolvedOptions } from './options.js';
import type { Hashing, Platform } from './platform.js';
import { Readings } from './readings.js';
import {
  channelOf,
  checkChannel,
  describeChannel,
  topic,
  type LonelypsChannel,
  type LonelypsTopic,
} from './selection.js';
import type { SessionParts } from './session/parts.js';
import type { Session } from './session/session.js';
import { TopicPort, withBody, type SinkHost } from './sink/port.js';
import { Dispatcher } from './source/dispatcher.js';
import { lonelypsSourceShape, type LonelypsSourceOptions } from './source/options.js';
import { TopicSource, type TopicSourceHost } from './source/source.js';

const broker = 'lonelyps';
const noBytes = new Uint8Array(0);

/** A message on this channel was lost on its way to this handle, or may have been. */
export interface Missed {
  /** The topic; where a connection was lost, what was subscribed to: a topic or a glob. */
  readonly channel: string;
}

/** Makes the session for the transport that the options say. @internal */
export type MakeSession = (parts: SessionParts) => Session;

/** The handle, and what its rooms share. @internal */
export class LonelypsHandle extends BrokerHandle<LonelypsChannel> implements TopicSourceHost, SinkHost {
  readonly [carries] = { key: false, headers: false };
  readonly clock = systemClock;
  readonly session: Session;
  readonly dispatcher: Dispatcher;
  readonly linger: number;
  readonly missed: Observable<Missed>;
  private readonly losses = new Subject<Missed>();
  private readonly misses: Misses;
  private readonly readings = new Readings();

  constructor(
    readonly resolved: ResolvedOptions,
    private readonly platform: Platform,
    makeSession: MakeSession,
  ) {
    const { closeTimeout, logger, answerWithin } = resolved;
    super({ broker, clock: systemClock, log: logger, closeTimeout, sourceShape: lonelypsSourceShape });
    this.linger = closeTimeout;
    this.missed = this.losses.asObservable();
    this.misses = new Misses(this.clock, (channel) => {
      this.tellMissed(channel);
      this.dispatcher.missed(channel);
    });
    this.dispatcher = new Dispatcher({
      clock: this.clock,
      log: logger,
      answerWithin,
      onMiss: (channel) => {
        // whoever is slow loses many at once
        this.misses.add(channel);
      },
    });
    this.session = makeSession({
      options: resolved,
      platform,
      clock: this.clock,
      hooks: {
        located: () => {
          this.connecting.made();
          this.publishers.pump();
        },
        connected: (again) => {
          this.connected(again);
        },
        lapsed: () => {
          for (const channel of this.dispatcher.names()) this.tellMissed(channel);
          this.dispatcher.missedAll();
        },
        interrupted: (cause) => {
          this.story.set('reconnecting', cause);
          this.story.tell({ type: 'disconnected', cause });
        },
        failed: (error) => {
          this.failed(error);
        },
        arrived: (arrival) => {
          this.dispatcher.arrived(arrival);
        },
        missed: (bytes) => {
          this.misses.add(topicText(bytes));
          this.session.repair();
        },
        drained: () => {
          this.publishers.pump();
        },
        fault: (error) => {
          this.story.tell({ type: 'protocol', error });
        },
      },
    });
  }

  get hashing(): Hashing {
    return this.platform.hashing;
  }

  /** The handler for callbacks, to be mounted. */
  get handler(): LonelypsRequestHandler {
    const { handler } = this.session;
    if (handler !== undefined) return handler;
    throw new InvalidOptionError(
      'handler: this handle has none; make it with receive: { handler: true, host: … }, host being the URL that the broadcaster reaches it by',
      { broker },
    );
  }

  wake(): void {
    // whoever comes while it reconnects waits for that
    if (this.story.state === 'idle') this.story.set('connecting');
    this.session.start();
  }

  /** Takes whatever has bytes: a stream or a file is spooled first, because its length and hash go before it. */
  override async publish(
    given: LonelypsTopic,
    value: unknown,
    options: MessageFields & PublishOptions & { readonly codec?: Encoder<unknown> } = {},
  ): Promise<ConfirmedReceipt<unknown>> {
    const where = `publish(${describeChannel(given)})`;
    checkValue(where, 'channel', given, topic);
    const channel = channelOf(given);
    const isPlain = value instanceof Uint8Array || Object(options) !== options || options.codec !== undefined;
    if (isPlain) return super.publish(channel, value, options);
    if (this.story.state === 'closed') throw this.closedError(where);
    this.checkFields(where, options, { codec: codec('encode'), signal: signal() });
    await this.platform.load(this.resolved.transport);
    const { spoolSize } = this.resolved;
    const body = await this.readings.run(options.signal, (signal) =>
      this.platform.toBody(where, value, spoolSize, signal),
    );
    const maker = { broker, codec: { encode: () => noBytes }, checkFields: () => undefined } as const;
    try {
      return await publishOnce(this.publishers.forChannel(channel), maker, value, withBody(body), options.signal);
    } finally {
      body.discard();
    }
  }

  override close(): Promise<void> {
    // what is read to its end from here on is not accepted any more
    this.readings.end(this.closedError('publish()'));
    return super.close();
  }

  override sink(given: LonelypsTopic, options: SinkSettings = {}): Sink<unknown> {
    return super.sink(this.topicOf('sink', given), this.inOrder(options));
  }

  override publishTo(given: LonelypsTopic, options: SinkSettings = {}): OperatorFunction<unknown, Receipt<unknown>> {
    return super.publishTo(this.topicOf('publishTo', given), this.inOrder(options));
  }

  override publishFrom(
    given: LonelypsTopic,
    iterable: Iterable<unknown> | AsyncIterable<unknown>,
    options: SinkSettings = {},
  ): Observable<Receipt<unknown>> {
    return super.publishFrom(this.topicOf('publishFrom', given), iterable, this.inOrder(options));
  }

  protected override named(channel: LonelypsChannel): string {
    return describeChannel(channel);
  }

  protected checkChannel(where: string, channel: unknown): void {
    checkValue(where, 'channel', channel, topic);
  }

  protected override checkSourceChannel(where: string, channel: LonelypsChannel): void {
    checkChannel(where, channel);
  }

  protected checkSource(where: string, _options: SourceOptions): void {
    if (this.resolved.receive.kind !== 'none') return;
    throw new InvalidOptionError(
      `${where}: this handle only publishes; make it with receive: { listen: { host, port }, host }, { handler: true, host } or { websocket: true }`,
      { broker },
    );
  }

  protected checkFields(where: string, fields: MessageFields, others: Shape = {}): void {
    for (const name of ['key', 'headers', 'id'] as const) {
      if (fields[name] === undefined) continue;
      throw new InvalidOptionError(
        `${where}: lonelyps carries no ${name}; put it into the message's bytes, with a codec`,
        {
          broker,
        },
      );
    }
    const { key: _key, headers: _headers, id: _id, ...rest } = fields;
    checkOptions(where, rest, others);
  }

  protected createSource(
    channel: LonelypsChannel,
    settings: SourceSettings,
    receiver: Receiver,
    onEnd: () => void,
  ): Source {
    const own = settings as LonelypsSourceOptions;
    return new TopicSource(this, {
      where: `messages(${describeChannel(channel)})`,
      channel,
      settings,
      settles: (own.answer ?? this.resolved.answer) === 'settled',
      dedupe: (own.dedupe ?? this.resolved.dedupe)?.ms,
      onReceiving: own.onReceiving,
      receiver,
      onEnd,
    });
  }

  protected createPort(channel: string): PublishPort {
    return new TopicPort(this, channel, this.resolved.resend);
  }

  protected get reachable(): boolean {
    return this.session.up;
  }

  protected drop(): Promise<void> {
    return Promise.reject(
      new InvalidOptionError('forget(): lonelyps keeps no positions, so that there is none to drop', { broker }),
    );
  }

  protected async hangUp(): Promise<void> {
    await this.session.close(lastWords);
    this.misses.flush();
    this.losses.complete();
  }

  private topicOf(call: string, given: LonelypsTopic): string {
    checkValue(`${call}(${describeChannel(given)})`, 'channel', given, topic);
    return channelOf(given);
  }

  /** Requests side by side overtake each other, which nobody expects of a sink: it takes to be asked for them. */
  private inOrder(options: SinkSettings): SinkSettings {
    // what is no object is for the check to refuse
    if (this.resolved.transport === 'websocket' || Object(options) !== options) return options;
    if (options.maxInFlight !== undefined) return options;
    return { ...options, maxInFlight: 1 };
  }

  private connected(again: boolean): void {
    this.story.set('connected');
    if (again) this.story.tell({ type: 'reconnected', session: 'renewed' });
  }

  private failed(error: WeirError): void {
    this.story.set('idle', error);
    this.connecting.failed(error);
    this.failAll(error);
  }

  private tellMissed(channel: string): void {
    this.losses.next({ channel });
    this.story.tell({ type: 'missed', channel });
  }
}
