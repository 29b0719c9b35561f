import type { Broker, MessageFields, SinkOptions, SourceOptions } from '../core/broker.js';
import { carries } from '../core/carriage.js';
import { checkOptions, checkValue, duration, kinds, text, type Shape } from '../core/check.js';
import { systemClock, type Cancel, type Clock } from '../core/clock.js';
import { Durables } from '../core/durables.js';
import type { Receiver } from '../core/emission.js';
import { InvalidOptionError, type WeirError } from '../core/errors.js';
import { BrokerHandle, type Source } from '../core/handle.js';
import type { PublishPort } from '../core/publisher.js';
import type { SourceSettings } from '../core/settings.js';
import type {
  Earliest,
  FromAgo,
  FromOffset,
  FromTime,
  Latest,
  NewOnly,
  UntilOffset,
  UntilTime,
} from '../core/starts.js';
import { channelProblem } from './codec/subjects.js';
import type { Connector } from './connection/connection.js';
import type { NatsStreamingDelivery } from './delivery.js';
import type { NatsStreamingFields } from './fields.js';
import type { LiveSource, StanHost } from './host.js';
import type { ResolvedOptions } from './options.js';
import { Session } from './session/session.js';
import { Outbox } from './sink/outbox.js';
import { forgetDurable } from './source/forget.js';
import { Orphans } from './source/orphans.js';
import { defaultAckWait, StanSource } from './source/source.js';

/** Where a subscription of NATS Streaming can begin. */
export type NatsStreamingStart = NewOnly | Latest | Earliest | FromOffset | FromTime | FromAgo;
/** Where it can end. The protocol does not tell what the last message is, so that there is no `untilNow()`. */
export type NatsStreamingUntil = UntilOffset | UntilTime;

/** What a source of NATS Streaming takes. `ackWait` is rounded up to whole seconds; default 30 000. */
export type NatsStreamingSourceOptions = SourceOptions<NatsStreamingStart, NatsStreamingUntil>;

/** The types of NATS Streaming. */
export interface NatsStreamingTypes {
  readonly delivery: NatsStreamingDeliveryKind;
  readonly source: NatsStreamingSourceOptions;
  readonly fields: NatsStreamingFields;
  readonly sink: SinkOptions;
}

/** From a value's type to the type of its delivery. */
export interface NatsStreamingDeliveryKind {
  readonly T: unknown;
  readonly type: NatsStreamingDelivery<this['T']>;
}

/** A handle on NATS Streaming: one client id in one cluster. */
export interface NatsStreamingBroker extends Broker<NatsStreamingTypes> {
  readonly clusterId: string;
  readonly clientId: string;
}

const sourceShape: Shape = {
  start: kinds('newOnly', 'latest', 'earliest', 'fromOffset', 'fromTime', 'fromAgo'),
  until: kinds('untilOffset', 'untilTime'),
  // the wire has 31 bits for whole seconds
  ackWait: duration({ min: 1, max: (2 ** 31 - 1) * 1000 }),
};

const fieldsShape: Shape = {
  id: text(),
  replyTo: text(),
};

/** The handle, and what its rooms share. @internal */
export class StanBroker extends BrokerHandle implements StanHost {
  readonly [carries] = { key: false, headers: false };
  readonly clusterId: string;
  readonly clientId: string;
  readonly session: Session;
  readonly durables = new Durables('nats-streaming');
  readonly live = new Set<LiveSource>();
  readonly orphans: Orphans;
  renewals = 0;
  private readonly outbox: Outbox;

  constructor(
    readonly resolved: ResolvedOptions,
    connector: Connector,
    readonly clock: Clock = systemClock,
  ) {
    super({
      broker: 'nats-streaming',
      clock,
      log: resolved.logger,
      closeTimeout: resolved.closeTimeout,
      sourceShape,
    });
    this.clusterId = resolved.clusterId;
    this.clientId = resolved.clientId;
    this.session = new Session({
      options: resolved,
      connector,
      clock,
      hooks: {
        connected: (how) => {
          this.connected(how);
        },
        interrupted: (cause) => {
          this.interrupted(cause);
        },
        dropped: (cause) => {
          this.dropped(cause);
        },
        lost: (cause, endAcks) => {
          this.lost(cause, endAcks);
        },
        failed: (error) => {
          this.failed(error);
        },
        replaced: (reason) => {
          this.story.tell({ type: 'replaced', reason });
        },
        pubAck: (data) => {
          this.outbox.acked(data);
        },
        lateAck: (data) => {
          this.outbox.ackedLate(data);
        },
        denied: (subject, error) => {
          this.denied(subject, error);
        },
        fault: (error) => {
          this.story.tell({ type: 'protocol', error });
        },
      },
    });
    this.orphans = new Orphans(this);
    this.outbox = new Outbox(this);
  }

  protected get reachable(): boolean {
    return this.session.connected;
  }

  wake(): void {
    // whoever comes while it reconnects waits for that
    if (this.story.state === 'idle') this.story.set('connecting');
    this.session.start();
  }

  write(subject: string, bytes: Uint8Array): void {
    if (!this.session.connected) return;
    try {
      this.session.link.publish(subject, bytes);
    } catch {
      // the connection was closed in this turn; the session finds out and says so
    }
  }

  protected checkChannel(where: string, channel: unknown): void {
    checkValue(where, 'channel', channel, text({ problem: channelProblem }));
  }

  protected checkSource(where: string, options: SourceOptions): void {
    const { durable, queue } = options;
    if (durable !== undefined && queue !== undefined && durable.includes(':')) {
      throw new InvalidOptionError(
        `${where}: durable must not contain ':' where queue is given, because the server joins the two with it; got '${durable}'`,
        { broker: 'nats-streaming' },
      );
    }
  }

  protected checkFields(where: string, fields: MessageFields, others?: Shape): void {
    const { key, headers, ...own } = fields;
    const carried = key !== undefined ? 'key' : headers !== undefined ? 'headers' : undefined;
    if (carried !== undefined) {
      throw new InvalidOptionError(
        `${where}: NATS Streaming carries no ${carried}; put it into the message's bytes, with a codec`,
        {
          broker: 'nats-streaming',
        },
      );
    }
    checkOptions(where, own, others === undefined ? fieldsShape : { ...fieldsShape, ...others });
  }

  protected createSource(channel: string, settings: SourceSettings, receiver: Receiver, onEnd: () => void): Source {
    const ackWait = settings.ackWait ?? defaultAckWait;
    return new StanSource(this, { channel, settings, ackWait, receiver, onEnd });
  }

  protected createPort(channel: string): PublishPort {
    return this.outbox.port(channel);
  }

  protected drop(
    channel: string,
    position: { readonly durable: string; readonly queue?: string | undefined },
  ): Promise<void> {
    return forgetDurable(this, channel, position, () => this.connect());
  }

  protected async hangUp(): Promise<void> {
    const { closeTimeout, connectTimeout } = this.resolved;
    this.orphans.clear();
    await this.session.close(Math.min(closeTimeout, connectTimeout));
    this.orphans.clear();
    this.outbox.close();
  }

  private connected(how: 'first' | 'kept' | 'renewed'): void {
    this.story.set('connected');
    this.connecting.made();
    this.orphans.connected();
    if (how !== 'first') this.story.tell({ type: 'reconnected', session: how });
    for (const source of [...this.live]) source.connected(how === 'kept');
    this.outbox.connected(how === 'kept');
    this.publishers.pump();
  }

  private interrupted(cause: WeirError): void {
    this.story.set('reconnecting', cause);
    this.story.tell({ type: 'disconnected', cause });
    for (const source of this.live) source.interrupted();
  }

  /** While the server is only silent, what it sent may still come, and so may its acks; what a drop swallowed does not. */
  private dropped(cause: WeirError): void {
    for (const source of this.live) source.interrupted();
    this.outbox.lost('the connection dropped', cause);
  }

  private lost(cause: WeirError, endAcks: Cancel | undefined): void {
    this.renewals++;
    this.story.set('reconnecting', cause);
    this.orphans.lost();
    for (const source of [...this.live]) source.lost();
    this.outbox.forgotten(cause, endAcks);
  }

  private failed(error: WeirError): void {
    this.story.set('idle', error);
    this.connecting.failed(error);
    this.orphans.clear();
    for (const source of [...this.live]) source.lost();
    this.outbox.gone('the connection could not be made again', error);
    this.failAll(error);
  }

  private denied(subject: string, error: WeirError): void {
    const prefix = this.session.epoch > 0 ? `${this.session.subjects.pubPrefix}.` : undefined;
    if (prefix !== undefined && subject.startsWith(prefix)) this.outbox.denied(subject.slice(prefix.length), error);
    else this.story.tell({ type: 'protocol', error });
  }
}
