import type { Broker, MessageFields, SinkOptions, SourceOptions } from '../core/broker.js';
import { carries } from '../core/carriage.js';
import { checkOptions, checkValue, type Shape } from '../core/check.js';
import { systemClock } from '../core/clock.js';
import { Durables } from '../core/durables.js';
import type { Receiver } from '../core/emission.js';
import type { WeirError } from '../core/errors.js';
import { BrokerHandle, type Source } from '../core/handle.js';
import type { Logger } from '../core/logger.js';
import { ProgressMemory } from '../core/progress.js';
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
import type { LiftbridgeHost, LiveSource } from './host.js';
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
/** Milliseconds for positions to be stored by a handle that is done with waiting, and for its goodbye. */
const lastWords = 2_000;

/** The handle, and what its rooms share. @internal */
export class LiftbridgeHandle extends BrokerHandle implements LiftbridgeHost, LiftbridgeAdmin {
  readonly [carries] = { key: true, headers: true };
  readonly clock = systemClock;
  readonly log: Logger;
  readonly durables = new Durables(broker);
  readonly progress = new ProgressMemory();
  readonly live = new Set<LiveSource>();
  readonly ending = new Set<Promise<void>>();
  outages = 0;
  readonly session: Session;
  readonly cursors: Cursors;
  private readonly outbox: Outbox;
  private readonly admin: Admin;

  constructor(readonly resolved: ResolvedOptions) {
    const { closeTimeout, logger } = resolved;
    super({
      broker,
      clock: systemClock,
      log: logger,
      closeTimeout,
      sourceShape: liftbridgeSourceShape,
      sinkShape: liftbridgeSinkShape,
    });
    this.log = logger;
    this.session = new Session({
      options: resolved,
      clock: this.clock,
      hooks: {
        located: () => {
          this.located();
        },
        connected: (again) => {
          this.story.set('connected');
          if (again) this.story.tell({ type: 'reconnected', session: 'renewed' });
        },
        interrupted: (cause) => {
          this.outages++;
          this.story.set('reconnecting', cause);
          this.story.tell({ type: 'disconnected', cause });
        },
        failed: (error) => {
          this.failed(error);
        },
      },
    });
    this.cursors = new Cursors(this.session);
    this.outbox = new Outbox(this);
    this.admin = new Admin({
      session: this.session,
      cursors: this.cursors,
      clock: this.clock,
      log: logger,
      requestTimeout: resolved.requestTimeout,
      connect: () => this.connect(),
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
    await this.connect();
    return publishToSubject(this.session, subject, value, options, this.resolved.ackTimeout);
  }

  wake(): void {
    // whoever comes while it reconnects waits for that
    if (this.story.state === 'idle') this.story.set('connecting');
    this.session.start();
  }

  protected get reachable(): boolean {
    return this.session.up;
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
    const { durables } = this;
    // a subscription that is in use refuses, and one that lingers ends, so that a late ack does not store it again
    const turn = { stopped: false, finish: () => undefined };
    await new Promise<void>((resolve) => {
      durables.claim(channel, cursor, turn, resolve);
    });
    try {
      await this.connect();
      const { partitions, created } = await this.session.stream(channel, { fresh: true });
      for (const partition of partitions.keys()) {
        await this.cursors.set(channel, partition, cursor, -1n);
        this.progress.remember(logOf(channel, partition, created), cursor, undefined);
      }
    } finally {
      durables.release(channel, cursor, turn);
    }
  }

  protected async hangUp(): Promise<void> {
    const { closeTimeout, requestTimeout } = this.resolved;
    const patience = Math.min(closeTimeout, requestTimeout, lastWords);
    await this.outbox.close(patience);
    if (this.session.up && this.ending.size > 0) await this.stored();
    await this.session.close(patience);
  }

  /** Resolves when the positions of what has ended are stored, or their time is over. */
  private stored(): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.clock.after(lastWords, resolve);
      void Promise.all(this.ending).then(() => {
        cancel();
        resolve();
      });
    });
  }

  private located(): void {
    this.connecting.made();
    for (const source of [...this.live]) source.located();
    this.outbox.located();
    this.publishers.pump();
  }

  private failed(error: WeirError): void {
    this.story.set('idle', error);
    this.connecting.failed(error);
    this.failAll(error);
  }
}
