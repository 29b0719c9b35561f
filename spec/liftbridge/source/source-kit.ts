import type { Observable } from 'rxjs';
import { reconnectPolicy } from '../../../lib/core/backoff.js';
import { carries } from '../../../lib/core/carriage.js';
import type { BrokerEvent } from '../../../lib/core/broker.js';
import { ConnectionError, StreamNotFoundError, type WeirError } from '../../../lib/core/errors.js';
import type { Receiver } from '../../../lib/core/emission.js';
import type { Source } from '../../../lib/core/handle.js';
import { LogHandle } from '../../../lib/core/log-handle.js';
import { silent } from '../../../lib/core/logger.js';
import type { OffsetKey } from '../../../lib/core/offset.js';
import { unlessAborted } from '../../../lib/core/pause.js';
import { Retries } from '../../../lib/core/retries.js';
import type { SourceSettings } from '../../../lib/core/settings.js';
import type { LiftbridgeDelivery } from '../../../lib/liftbridge/delivery.js';
import { Neighbours } from '../../../lib/liftbridge/group/neighbours.js';
import { Standings } from '../../../lib/liftbridge/source/standings.js';
import type { LiftbridgeHost } from '../../../lib/liftbridge/host.js';
import type { CallHandlers } from '../../../lib/liftbridge/connection/call.js';
import { statusError } from '../../../lib/liftbridge/connection/failures.js';
import { resolveOptions } from '../../../lib/liftbridge/options.js';
import type { PartitionTail } from '../../../lib/liftbridge/session/session.js';
import { liftbridgeSourceShape, type LiftbridgeSourceOptions } from '../../../lib/liftbridge/source/options.js';
import { LiftbridgeSource } from '../../../lib/liftbridge/source/source.js';
import { ManualClock, settled } from '../../support/manual-clock.js';
import { theirDecode, theirEncode } from '../codec/oracle.js';
import { FakeLog, FakeSubscribe, type Asked } from './fake-log.js';

export { settled };

/** What a source asks of its handle, one after the other. */
export type Step = 'stream' | 'leader' | 'tail' | 'fetch' | 'store' | 'join' | 'leave' | 'assignment';

/** The text with which the group's coordinator refuses an old epoch. */
const staleEpoch = 'client-provided group epoch differs from broker group epoch';

const address = { host: 'n1', port: 9292 };

/**
 * A handle whose sources read logs that are a few fields, on a clock that is moved by hand. Each step of a source can be
 * held, or come to an error.
 */
export class SourceBench extends LogHandle {
  readonly [carries] = { key: true, headers: true };
  override readonly clock = new ManualClock();
  readonly resolved = resolveOptions({ reconnect: { initialDelay: 10, maxDelay: 10, jitter: 0 } });
  readonly neighbours = new Neighbours();
  readonly standings = new Standings();
  readonly logs: FakeLog[];
  /** Every Subscribe call, those that only look or knock as well. */
  readonly calls: FakeSubscribe[] = [];
  /** What was asked for, but for Subscribe calls. */
  readonly asked: Step[] = [];
  readonly told: BrokerEvent[] = [];
  /** The cursor of each partition, and what was stored in it one after the other. */
  readonly positions = new Map<number, bigint>();
  readonly stores: (readonly [partition: number, offset: bigint])[] = [];
  /** When the stream was made. */
  created = 1n;
  exists = true;
  paused = false;
  /** Whether calls are left to the spec. */
  manual = false;
  /** What the coordinator of the group deals out to this member. */
  readonly group = { epoch: 1n, partitions: [] as number[], timeout: 10_000 };
  /** The ids of all that have joined, in their order. */
  readonly members: string[] = [];
  /** Which of the members each partition is dealt to; undefined: all to whoever asks. */
  dealt: number[] | undefined;
  readonly suspended = new Set<object>();
  forgotten = 0;
  private readonly gates = new Map<Step, { opened: Promise<void>; open: () => void }>();
  private readonly troubles: { step: Step; error: unknown }[] = [];
  private readonly retries: Retries;

  /** @param partitions - how many the stream has */
  constructor(partitions = 1) {
    super({ broker: 'liftbridge', log: silent, closeTimeout: 0, sourceShape: liftbridgeSourceShape });
    this.logs = Array.from({ length: partitions }, (_, partition) => new FakeLog(partition));
    this.retries = new Retries({
      broker: 'liftbridge',
      options: { reconnect: reconnectPolicy(this.resolved.reconnect), connectTimeout: 10_000, logger: silent },
      clock: this.clock,
      epoch: () => 1,
    });
    this.story.events.subscribe((event) => this.told.push(event));
  }

  /** The log of partition 0. */
  get log0(): FakeLog {
    return this.logs[0]!;
  }

  read(options: LiftbridgeSourceOptions & { readonly codec?: unknown } = {}): Reading {
    return new Reading(this.messages('orders', options as never) as never);
  }

  /** From here on, the step waits until the gate is opened. */
  hold(step: Step): () => Promise<void> {
    let open = (): void => undefined;
    const opened = new Promise<void>((resolve) => {
      open = resolve;
    });
    this.gates.set(step, { opened, open });
    return async () => {
      this.gates.delete(step);
      open();
      await settled();
    };
  }

  /** The next such step comes to that. */
  trouble(step: Step, error: unknown): void {
    this.troubles.push({ step, error });
  }

  /** The calls that are open now. */
  get open(): FakeSubscribe[] {
    return this.calls.filter(({ open }) => open);
  }

  /** The last call. */
  get last(): FakeSubscribe {
    return this.calls.at(-1)!;
  }

  /** The link is lost: all calls end. */
  async lose(): Promise<void> {
    for (const call of this.open) call.end(14, 'Connection dropped', new ConnectionError('the link was lost'));
    await settled();
  }

  /** Ends the calls with a status, and lets what follows from it happen. */
  async end(code: number, message = ''): Promise<void> {
    for (const call of this.open) call.end(code, message);
    await settled();
  }

  async append(...values: string[]): Promise<void> {
    this.log0.append(...values);
    await settled();
  }

  /** Another member reads a partition. */
  rival(partition: number, epoch: bigint): void {
    this.logs[partition]!.taken(epoch);
  }

  types(): string[] {
    return this.told.map(({ type }) => type);
  }

  // the handle

  readonly cursors = {
    fetch: async (_stream: string, partition: number, _id: string, signal?: AbortSignal) => {
      await this.step('fetch', signal);
      const stored = this.positions.get(partition);
      return stored === undefined ? undefined : Number(stored);
    },
    set: async (_stream: string, partition: number, _id: string, offset: bigint, signal?: AbortSignal) => {
      await this.step('store', signal);
      this.positions.set(partition, offset);
      this.stores.push([partition, offset]);
    },
  };

  readonly session = {
    up: true,
    start: (): void => undefined,
    stream: async (name: string, { signal }: { signal?: AbortSignal } = {}) => {
      await this.step('stream', signal);
      if (!this.exists) throw new StreamNotFoundError(`there is no stream '${name}'`);
      const partitions = new Map(this.logs.map(({ partition }) => [partition, { paused: this.paused }]));
      return { name, created: this.created, partitions, count: this.logs.length };
    },
    leader: (_stream: string, partition: number, options: { signal?: AbortSignal } = {}) =>
      this.channel(partition, options.signal),
    replica: (_stream: string, partition: number, options: { signal?: AbortSignal } = {}) =>
      this.channel(partition, options.signal),
    tail: async (stream: string, partition: number, signal?: AbortSignal): Promise<PartitionTail> => {
      await this.step('tail', signal);
      if (!this.exists) throw new StreamNotFoundError(`there is no stream '${stream}'`);
      const newest: OffsetKey | undefined = this.logs[partition]!.newest;
      return { newest, highWatermark: newest, latest: 0n, created: this.created };
    },
    forgetStream: (): void => {
      this.forgotten++;
    },
    retry: (
      attempt: (signal: AbortSignal) => Promise<void>,
      failed: (error: WeirError) => void,
      after?: WeirError,
    ): (() => void) => this.retries.add(attempt, failed, after),
    suspended: (who: object): void => {
      this.suspended.add(who);
    },
    resumed: (who: object): void => {
      this.suspended.delete(who);
    },
    call: async (method: string, request: Uint8Array, { decode, signal }: CallLike) => {
      await this.step(method === 'JoinConsumerGroup' ? 'join' : 'leave', signal);
      const { epoch, timeout } = this.group;
      const ns = BigInt(timeout) * 1_000_000n;
      if (method !== 'JoinConsumerGroup') return decode(new Uint8Array());
      this.members.push(String(theirDecode('JoinConsumerGroupRequest', request)['consumerId']));
      const joined = { coordinator: 'n1', epoch, consumerTimeout: ns, coordinatorTimeout: ns };
      return decode(theirEncode('JoinConsumerGroupResponse', joined));
    },
    metadata: () =>
      Promise.resolve({
        brokers: [],
        streams: [{ name: 'orders', error: 0 }],
        groups: [{ groupId: 'g', error: 0, coordinator: 'n1', epoch: this.group.epoch }],
      }),
    broker: () => Promise.resolve({ unary: this.assignment }),
  };

  protected createSource(channel: string, settings: SourceSettings, receiver: Receiver, onEnd: () => void): Source {
    const host = this as unknown as LiftbridgeHost;
    return new LiftbridgeSource(host, { channel, settings, receiver, onEnd });
  }

  protected override checkChannel(): void {
    // all are good
  }

  protected override checkSource(): void {
    // as above
  }

  protected override checkFields(): void {
    // nothing is published
  }

  protected override createPort(): never {
    throw new Error('nothing is published');
  }

  protected override drop(): Promise<void> {
    return Promise.resolve();
  }

  protected override hangUp(): Promise<void> {
    return Promise.resolve();
  }

  private readonly assignment = async (_method: string, request: Uint8Array, options: CallLike): Promise<unknown> => {
    await this.step('assignment', options.signal);
    const { epoch } = this.group;
    const asked = theirDecode('FetchConsumerGroupAssignmentsRequest', request);
    if (asked['epoch'] !== epoch) {
      const status = { code: 9, name: 'FAILED_PRECONDITION', message: staleEpoch };
      throw options.fail!(status) ?? statusError(status, 'ask', address);
    }
    const { dealt, members } = this;
    const partitions = dealt?.flatMap((to, at) => (members[to] === asked['consumerId'] ? at : []));
    const assignments = [{ stream: 'orders', partitions: partitions ?? this.group.partitions }];
    return options.decode(theirEncode('FetchConsumerGroupAssignmentsResponse', { epoch, assignments }));
  };

  private async channel(partition: number, signal: AbortSignal | undefined): Promise<unknown> {
    await this.step('leader', signal);
    return {
      address,
      up: true,
      destroy: () => undefined,
      call: (_method: string, handlers: CallHandlers, request: Uint8Array) => {
        const log = this.logs[partition]!;
        const call = new FakeSubscribe(log, handlers, theirDecode('SubscribeRequest', request) as unknown as Asked);
        this.calls.push(call);
        if (!this.manual) queueMicrotask(() => call.serve());
        return call;
      },
    };
  }

  private async step(step: Step, signal: AbortSignal | undefined): Promise<void> {
    this.asked.push(step);
    const gate = this.gates.get(step);
    if (gate) await unlessAborted(gate.opened, signal);
    const at = this.troubles.findIndex((each) => each.step === step);
    if (at >= 0) throw this.troubles.splice(at, 1)[0]!.error;
  }
}

interface CallLike {
  readonly decode: (bytes: Uint8Array) => unknown;
  readonly fail?: (status: { code: number; name: string; message: string }) => WeirError | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A subscriber that writes down what it gets. */
export class Reading {
  readonly all: LiftbridgeDelivery<unknown>[] = [];
  error: unknown;
  completed = false;
  /** Called with each delivery. */
  onNext: (delivery: LiftbridgeDelivery<unknown>) => void = () => undefined;
  private readonly subscription: { unsubscribe(): void };

  constructor(source: Observable<LiftbridgeDelivery<unknown>>) {
    this.subscription = source.subscribe({
      next: (delivery) => {
        this.all.push(delivery);
        this.onNext(delivery);
      },
      error: (error: unknown) => {
        this.error = error;
      },
      complete: () => {
        this.completed = true;
      },
    });
  }

  /** The offsets that came, of a partition where one is given. */
  offsets(partition?: number): number[] {
    return this.all
      .filter((each) => partition === undefined || each.partition === partition)
      .map((d) => Number(d.offset));
  }

  /** The values that came since the last look. */
  values(): string[] {
    return this.all.map(({ value }) => Buffer.from(value as Uint8Array).toString());
  }

  ackAll(): void {
    for (const delivery of this.all) delivery.ack();
  }

  unsubscribe(): void {
    this.subscription.unsubscribe();
  }
}
