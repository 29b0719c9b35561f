import type { Broker, MessageFields, SinkOptions, SourceOptions } from '../core/broker.js';
import { carries } from '../core/carriage.js';
import { checkOptions, checkValue, either, instance, kinds, text, type Shape } from '../core/check.js';
import type { Clock } from '../core/clock.js';
import { Durables } from '../core/durables.js';
import type { Receiver } from '../core/emission.js';
import { InvalidOptionError, type WeirError } from '../core/errors.js';
import { BrokerHandle, type Source } from '../core/handle.js';
import type { PublishPort } from '../core/publisher.js';
import type { SourceSettings } from '../core/settings.js';
import { MemoryConnection } from './connection/connection.js';
import type { MemoryDelivery } from './delivery.js';
import { Faults, type MemoryFaults } from './faults.js';
import { resolveHandleOptions, type MemoryHandleOptions, type ResolvedMemoryOptions } from './options.js';
import { MemoryOutbox } from './sink/outbox.js';
import { MemorySource, type MemoryHost } from './source/source.js';
import type { MemoryServer } from './store/server.js';

/** Milliseconds until an unsettled delivery comes again, where `ackWait` does not say. */
const defaultAckWait = 30_000;

/** The types of the memory broker. */
export interface MemoryTypes {
  readonly delivery: MemoryDeliveryKind;
  readonly source: SourceOptions;
  readonly fields: MessageFields;
  readonly sink: SinkOptions;
}

/** From a value's type to the type of its delivery. */
export interface MemoryDeliveryKind {
  readonly T: unknown;
  readonly type: MemoryDelivery<this['T']>;
}

/** A handle on a store in this process. */
export interface MemoryBroker extends Broker<MemoryTypes> {
  /** Faults on demand, of this handle. */
  readonly faults: MemoryFaults;
  /** Another handle on the same store, as another process would have it. */
  handle(options?: MemoryHandleOptions): MemoryBroker;
}

const sourceShape: Shape = {
  start: kinds('newOnly', 'latest', 'earliest', 'fromOffset', 'fromTime', 'fromAgo'),
  until: kinds('untilNow', 'untilOffset', 'untilTime'),
};

const isBytes = instance((value) => value instanceof Uint8Array, 'a Uint8Array');
const isHeaders = instance((value) => typeof value === 'object' && value !== null, 'a Map or an object');
const isBigint = instance((value) => typeof value === 'bigint', 'a bigint');

const fieldsShape: Shape = {
  key: either(isBytes, text({ empty: true })),
  headers: isHeaders,
  id: either(text(), isBigint),
};

/** What the handles on one store share. @internal */
export interface SharedStore {
  readonly server: MemoryServer;
  readonly handles: Set<MemoryHandle>;
}

/** The handle, and what its rooms share. @internal */
export class MemoryHandle extends BrokerHandle implements MemoryHost {
  readonly [carries] = { key: true, headers: true };
  readonly clock: Clock;
  readonly durables = new Durables('memory');
  readonly live = new Set<MemorySource>();
  readonly connection: MemoryConnection;
  readonly faults: Faults;
  private readonly outbox: MemoryOutbox;

  constructor(
    options: ResolvedMemoryOptions,
    private readonly store: SharedStore,
  ) {
    const { clock, closeTimeout, logger } = options;
    super({ broker: 'memory', clock, log: logger, closeTimeout, sourceShape });
    this.clock = clock;
    store.handles.add(this);
    this.connection = new MemoryConnection(options, {
      connected: (again) => {
        this.connected(again);
      },
      interrupted: (cause) => {
        this.interrupted(cause);
      },
      failed: (error) => {
        this.failed(error);
      },
    });
    this.faults = new Faults({
      drop: (ms) => {
        this.connection.drop(ms);
      },
      restore: () => {
        this.connection.restore();
      },
      wipe: (channel) => {
        store.server.wipe(channel);
        for (const handle of store.handles) handle.wiped(channel);
      },
    });
    this.outbox = new MemoryOutbox(this);
  }

  get server(): MemoryServer {
    return this.store.server;
  }

  handle(options: MemoryHandleOptions = {}): MemoryHandle {
    return new MemoryHandle(resolveHandleOptions(options, this.clock), this.store);
  }

  protected get reachable(): boolean {
    return this.connection.up;
  }

  wake(): void {
    // whoever comes while it reconnects waits for that
    if (this.story.state === 'idle') this.story.set('connecting');
    this.connection.start();
  }

  protected checkChannel(where: string, channel: unknown): void {
    checkValue(where, 'channel', channel, text({ problem: wildcardProblem }));
  }

  protected checkSource(where: string, { durable, queue }: SourceOptions): void {
    // as on NATS Streaming, so that what works here works there
    if (durable !== undefined && queue !== undefined && durable.includes(':')) {
      throw new InvalidOptionError(`${where}: durable must not contain ':' where queue is given; got '${durable}'`, {
        broker: 'memory',
      });
    }
  }

  protected checkFields(where: string, fields: MessageFields, others?: Shape): void {
    checkOptions(where, fields, others === undefined ? fieldsShape : { ...fieldsShape, ...others });
  }

  protected createSource(channel: string, settings: SourceSettings, receiver: Receiver, onEnd: () => void): Source {
    const ackWait = settings.ackWait ?? defaultAckWait;
    return new MemorySource(this, { channel, settings, ackWait, receiver, onEnd });
  }

  protected createPort(channel: string): PublishPort {
    return this.outbox.port(channel);
  }

  protected async drop(
    channel: string,
    position: { readonly durable: string; readonly queue?: string | undefined },
  ): Promise<void> {
    await this.connect();
    this.server.forget(this.server, channel, position);
    if (position.queue !== undefined) return;
    // the position was everybody's, and so is its end
    for (const handle of this.store.handles) handle.durables.forget(channel, position.durable);
  }

  protected hangUp(): Promise<void> {
    this.store.handles.delete(this);
    this.connection.close();
    this.outbox.lost('the handle was closed', undefined);
    return Promise.resolve();
  }

  private wiped(channel: string | undefined): void {
    for (const source of [...this.live]) if (channel === undefined || source.channel === channel) source.wiped();
    this.durables.reset(channel);
  }

  private connected(again: boolean): void {
    this.story.set('connected');
    this.connecting.made();
    if (again) this.story.tell({ type: 'reconnected', session: 'kept' });
    for (const source of [...this.live]) source.connected();
    this.publishers.pump();
  }

  private interrupted(cause: WeirError): void {
    this.story.set('reconnecting', cause);
    this.story.tell({ type: 'disconnected', cause });
    for (const source of this.live) source.interrupted();
    this.outbox.lost('the connection dropped', cause);
  }

  private failed(error: WeirError): void {
    this.story.set('idle', error);
    this.connecting.failed(error);
    this.failAll(error);
  }
}

/** Brokers with wildcards have them in subscriptions only to a pattern; a channel here is one name. */
function wildcardProblem(channel: string): string | undefined {
  if (/[*>]/.test(channel)) return 'it holds a wildcard, and one channel is asked for';
  return /[\s\p{Cc}]/u.test(channel) ? 'it holds white space or a control character' : undefined;
}
