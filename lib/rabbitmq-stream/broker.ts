import type { Broker, MessageFields, SinkOptions, SourceOptions } from '../core/broker.js';
import { carries } from '../core/carriage.js';
import { checkOptions, checkValue, type Shape } from '../core/check.js';
import type { Receiver } from '../core/emission.js';
import { InvalidOptionError, StreamNotFoundError } from '../core/errors.js';
import type { Source } from '../core/handle.js';
import { lastWords, LogHandle } from '../core/log-handle.js';
import type { PublishPort } from '../core/publisher.js';
import type { SinkSettings, SourceSettings } from '../core/settings.js';
import { Admin, type RabbitMqStreamAdmin, type StreamStats } from './admin.js';
import {
  streamName,
  type CreateStreamOptions,
  type CreateSuperStreamOptions,
  type DeleteStreamOptions,
} from './admin-options.js';
import type { RabbitMqStreamDelivery } from './delivery.js';
import { fieldsShape, type RabbitMqStreamFields } from './fields.js';
import type { RabbitHost } from './host.js';
import type { ResolvedOptions } from './options.js';
import { Session } from './session/session.js';
import { checkSinkCombinations, rabbitMqStreamSinkShape, type RabbitMqStreamSinkOptions } from './sink/options.js';
import { Outbox } from './sink/outbox.js';
import { checkCombination, sourceShape, type RabbitMqStreamSourceOptions } from './source/options.js';
import { RabbitSource } from './source/source.js';

/** The types of RabbitMQ Streams. */
export interface RabbitMqStreamTypes {
  readonly delivery: RabbitMqStreamDeliveryKind;
  readonly source: RabbitMqStreamSourceOptions;
  readonly fields: RabbitMqStreamFields;
  readonly sink: RabbitMqStreamSinkOptions;
}

/** From a value's type to the type of its delivery. */
export interface RabbitMqStreamDeliveryKind {
  readonly T: unknown;
  readonly type: RabbitMqStreamDelivery<this['T']>;
}

/** A handle on RabbitMQ Streams. */
export interface RabbitMqStreamBroker extends Broker<RabbitMqStreamTypes>, RabbitMqStreamAdmin {}

const broker = 'rabbitmq-stream';

/** The handle, and what its rooms share. @internal */
export class RabbitHandle extends LogHandle implements RabbitHost, RabbitMqStreamAdmin {
  readonly [carries] = { key: false, headers: true };
  readonly session: Session;
  private readonly outbox: Outbox;
  private readonly admin: Admin;

  constructor(private readonly resolved: ResolvedOptions) {
    const { closeTimeout, logger } = resolved;
    super({ broker, log: logger, closeTimeout, sourceShape, sinkShape: rabbitMqStreamSinkShape });
    this.session = new Session({
      options: resolved,
      clock: this.clock,
      hooks: this.hooks,
    });
    this.outbox = new Outbox({
      session: this.session,
      clock: this.clock,
      wake: () => {
        this.wake();
      },
    });
    this.admin = new Admin({
      session: this.session,
      clock: this.clock,
      patience: resolved.connectTimeout,
      connect: () => this.connect(),
    });
  }

  createStream(name: string, options?: CreateStreamOptions): Promise<void> {
    return this.admin.createStream(name, options);
  }

  deleteStream(name: string, options?: DeleteStreamOptions): Promise<void> {
    return this.admin.deleteStream(name, options);
  }

  streamExists(name: string): Promise<boolean> {
    return this.admin.streamExists(name);
  }

  streamStats(name: string): Promise<StreamStats> {
    return this.admin.streamStats(name);
  }

  createSuperStream(name: string, options: CreateSuperStreamOptions): Promise<void> {
    return this.admin.createSuperStream(name, options);
  }

  deleteSuperStream(name: string, options?: DeleteStreamOptions): Promise<void> {
    return this.admin.deleteSuperStream(name, options);
  }

  partitions(name: string): Promise<readonly string[]> {
    return this.admin.partitions(name);
  }

  storeOffset(reference: string, stream: string, offset: number | bigint): Promise<void> {
    return this.admin.storeOffset(reference, stream, offset);
  }

  queryOffset(reference: string, stream: string): Promise<bigint> {
    return this.admin.queryOffset(reference, stream);
  }

  lag(reference: string, stream: string): Promise<bigint> {
    return this.admin.lag(reference, stream);
  }

  lastPublishingId(producer: string, stream: string): Promise<bigint> {
    return this.admin.lastPublishingId(producer, stream);
  }

  protected checkChannel(where: string, channel: unknown): void {
    checkValue(where, 'channel', channel, streamName);
  }

  protected checkSource(where: string, options: SourceOptions): void {
    checkCombination(where, options);
  }

  protected override checkSinkOptions(where: string, options: SinkSettings): void {
    checkSinkCombinations(where, options);
  }

  protected checkFields(where: string, fields: MessageFields, others?: Shape): void {
    const { key, ...own } = fields;
    if (key !== undefined) {
      throw new InvalidOptionError(
        `${where}: key is not accepted, because messages of RabbitMQ streams have none; put it into headers or properties, ` +
          'or route a super stream by it',
        { broker },
      );
    }
    checkOptions(where, own, others === undefined ? fieldsShape : { ...fieldsShape, ...others });
  }

  protected createSource(channel: string, settings: SourceSettings, receiver: Receiver, onEnd: () => void): Source {
    return new RabbitSource(this, { channel, settings, receiver, onEnd });
  }

  protected createPort(channel: string, options: SinkOptions): PublishPort {
    return this.outbox.port(channel, options);
  }

  protected async drop(
    channel: string,
    position: { readonly durable: string; readonly queue?: string | undefined },
  ): Promise<void> {
    const reference = position.queue ?? position.durable;
    await this.holding(channel, reference, async () => {
      for (const stream of await this.streamsOf(channel)) {
        await this.admin.forget(reference, stream);
        this.progress.remember(stream, reference, undefined);
      }
    });
  }

  protected async hangUp(): Promise<void> {
    const { closeTimeout, requestTimeout } = this.resolved;
    this.outbox.close();
    await this.stored();
    await this.session.close(Math.min(closeTimeout, requestTimeout, lastWords));
  }

  /** The stream, or the partitions of the super stream, by that name. */
  private async streamsOf(channel: string): Promise<readonly string[]> {
    if (await this.admin.streamExists(channel)) return [channel];
    try {
      return await this.admin.partitions(channel);
    } catch (error) {
      if (!(error instanceof StreamNotFoundError)) throw error;
      throw new StreamNotFoundError(`forget('${channel}'): there is no stream or super stream of that name`, {
        broker,
        cause: error,
      });
    }
  }
}
