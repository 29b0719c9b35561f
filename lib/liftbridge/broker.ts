import type { Broker, MessageFields, SinkOptions, SourceOptions } from '../core/broker.js';
import { carries } from '../core/carriage.js';
import { checkOptions, checkValue, type Shape } from '../core/check.js';
import type { Receiver } from '../core/emission.js';
import type { Source } from '../core/handle.js';
import { lastWords, LogHandle } from '../core/log-handle.js';
import type { PublishPort } from '../core/publisher.js';
import type { SinkSettings, SourceSettings } from '../core/settings.js';
import { Admin, type LiftbridgeAdmin } from './admin.js';
import type {
  CreateStreamOptions,
  FetchCursorOptions,
  DeleteStreamOptions,
  MetadataOptions,
  PauseStreamOptions,
  SetCursorOptions,
  SetStreamReadonlyOptions,
} from './admin-options.js';
import { Cursors } from './cursors.js';
import type { LiftbridgeDelivery } from './delivery.js';
import { checkFieldCombinations, fieldsShape, type LiftbridgeFields } from './fields.js';
import { Neighbours } from './group/neighbours.js';
import { Standings } from './source/standings.js';
import type { LiftbridgeHost } from './host.js';
import type { ClusterMetadata, PartitionMetadata } from './metadata.js';
import { streamName } from './names.js';
import type { ResolvedOptions } from './options.js';
import { cursorOf, logOf } from './positions.js';
import { Session } from './session/session.js';
import { checkSinkCombinations, liftbridgeSinkShape, type LiftbridgeSinkOptions } from './sink/options.js';
import { Outbox } from './sink/outbox.js';
import { publishToSubject, type PublishToSubjectOptions, type SubjectReceipt } from './sink/publish-to-subject.js';
import { checkSourceCombinations, liftbridgeSourceShape, type LiftbridgeSourceOptions } from './source/options.js';
import { LiftbridgeSource } from './source/source.js';

/** The types of Liftbridge. */
export interface LiftbridgeTypes {
  readonly delivery: LiftbridgeDeliveryKind;
  readonly source: LiftbridgeSourceOptions;
  readonly fields: LiftbridgeFields;
  readonly sink: LiftbridgeSinkOptions;
}

/** From a value's type to the type of its delivery. */
export interface LiftbridgeDeliveryKind {
  readonly T: unknown;
  readonly type: LiftbridgeDelivery<this['T']>;
}

/** A handle on Liftbridge. */
export interface LiftbridgeBroker extends Broker<LiftbridgeTypes>, LiftbridgeAdmin {
  /**
   * Publishes to a NATS subject, whatever streams are bound to it: each of them stores the message, and the first ack that
   * comes is the receipt.
   * @returns undefined with `ackPolicy: 'none'`
   * @throws PublishUncertainError where no stream answers within `ackTimeout`: none is bound, or its partition is paused or
   * read-only; OffsetMismatchError, FrameTooLargeError and PublishError where a stream refuses it
   */
  publishToSubject(
    subject: string,
    value: Uint8Array,
    options?: PublishToSubjectOptions,
  ): Promise<SubjectReceipt | undefined>;
}

const broker = 'liftbridge';

/** The handle, and what its rooms share. @internal */
export class LiftbridgeHandle extends LogHandle implements LiftbridgeHost, LiftbridgeAdmin {
  readonly [carries] = { key: true, headers: true };
  readonly session: Session;
  readonly cursors: Cursors;
  readonly neighbours = new Neighbours();
  readonly standings = new Standings();
  private readonly outbox: Outbox;
  private readonly admin: Admin;

  constructor(readonly resolved: ResolvedOptions) {
    const { closeTimeout, logger } = resolved;
    super({
      broker,
      log: logger,
      closeTimeout,
      sourceShape: liftbridgeSourceShape,
      sinkShape: liftbridgeSinkShape,
    });
    this.session = new Session({
      options: resolved,
      clock: this.clock,
      hooks: this.hooks,
    });
    this.cursors = new Cursors(this.session);
    this.outbox = new Outbox(this);
    this.admin = new Admin({
      session: this.session,
      cursors: this.cursors,
      clock: this.clock,
      log: logger,
      requestTimeout: resolved.requestTimeout,
      connect: (signal) => this.connect({ signal }),
    });
  }

  createStream(options: CreateStreamOptions): Promise<void> {
    return this.admin.createStream(options);
  }

  deleteStream(name: string, options?: DeleteStreamOptions): Promise<void> {
    return this.admin.deleteStream(name, options);
  }

  pauseStream(name: string, options?: PauseStreamOptions): Promise<void> {
    return this.admin.pauseStream(name, options);
  }

  setStreamReadonly(name: string, options?: SetStreamReadonlyOptions): Promise<void> {
    return this.admin.setStreamReadonly(name, options);
  }

  metadata(options?: MetadataOptions): Promise<ClusterMetadata> {
    return this.admin.metadata(options);
  }

  partitionMetadata(stream: string, partition?: number): Promise<PartitionMetadata> {
    return this.admin.partitionMetadata(stream, partition);
  }

  setCursor(options: SetCursorOptions): Promise<void> {
    return this.admin.setCursor(options);
  }

  fetchCursor(options: FetchCursorOptions): Promise<bigint | undefined> {
    return this.admin.fetchCursor(options);
  }

  async publishToSubject(
    subject: string,
    value: Uint8Array,
    options?: PublishToSubjectOptions,
  ): Promise<SubjectReceipt | undefined> {
    if (this.story.state === 'closed') throw this.closedError(`publishToSubject('${subject}')`);
    await this.session.patience.connected((signal) => this.connect({ signal }));
    return publishToSubject(this.session, subject, value, options, this.resolved.ackTimeout);
  }

  protected checkChannel(where: string, channel: unknown): void {
    checkValue(where, 'channel', channel, streamName);
  }

  protected checkSource(where: string, options: SourceOptions): void {
    checkSourceCombinations(where, options);
  }

  protected override checkSinkOptions(where: string, options: SinkSettings): void {
    checkSinkCombinations(where, options);
  }

  protected checkFields(where: string, fields: MessageFields, others?: Shape): void {
    checkOptions(where, fields, others === undefined ? fieldsShape : { ...fieldsShape, ...others });
    checkFieldCombinations(where, fields as LiftbridgeFields);
  }

  protected createSource(channel: string, settings: SourceSettings, receiver: Receiver, onEnd: () => void): Source {
    return new LiftbridgeSource(this, { channel, settings, receiver, onEnd });
  }

  protected createPort(channel: string, options: SinkOptions): PublishPort {
    return this.outbox.port(channel, options);
  }

  protected async drop(
    channel: string,
    position: { readonly durable: string; readonly queue?: string | undefined },
  ): Promise<void> {
    const { durable, queue } = position;
    const cursor = cursorOf({ durable, queue })!;
    await this.holding(channel, cursor, async () => {
      const { patience } = this.session;
      await patience.connected((signal) => this.connect({ signal }));
      const { partitions, created } = await patience.take(`find the partitions of '${channel}'`, (signal) =>
        this.session.stream(channel, { fresh: true, signal }),
      );
      for (const partition of partitions.keys()) {
        await patience.take(`drop the cursor '${cursor}' of partition ${partition} of '${channel}'`, (signal) =>
          this.cursors.set(channel, partition, cursor, -1n, signal),
        );
        const log = logOf(channel, partition, created);
        this.progress.remember(log, cursor, undefined);
        this.standings.forget(log, cursor);
      }
    });
  }

  protected async hangUp(): Promise<void> {
    const { closeTimeout, requestTimeout } = this.resolved;
    const patience = Math.min(closeTimeout, requestTimeout, lastWords);
    // side by side: they are different calls, and one that gets no answer must not take the other's time
    await Promise.all([this.outbox.close(patience), this.stored()]);
    await this.session.close(patience);
  }

  protected override located(): void {
    super.located();
    this.outbox.located();
  }
}
