import { expect } from 'chai';
import type { Cancel } from '../../../lib/core/clock.js';
import { BrokerTimeoutError, ConnectionError, type WeirError } from '../../../lib/core/errors.js';
import { unlessAborted } from '../../../lib/core/pause.js';
import type { FetchMetadataResponse, PartitionMetadata } from '../../../lib/liftbridge/codec/metadata.js';
import { addressText, type Address } from '../../../lib/liftbridge/connection/address.js';
import type { Call, CallHandlers } from '../../../lib/liftbridge/connection/call.js';
import type { Channel, ChannelOptions, openChannel, UnaryOptions } from '../../../lib/liftbridge/connection/channel.js';
import { statusError } from '../../../lib/liftbridge/connection/failures.js';
import { grpcStatusName } from '../../../lib/liftbridge/codec/grpc-status.js';
import { resolveOptions, type LiftbridgeOptions } from '../../../lib/liftbridge/options.js';
import type { LogSessionHooks } from '../../../lib/core/log-handle.js';
import { Session } from '../../../lib/liftbridge/session/session.js';
import { ManualClock, settled } from '../../support/manual-clock.js';

export { ManualClock, settled };

/** What a fake broker answers with instead of an answer: a gRPC status. */
export class Refusal {
  constructor(
    readonly code: number,
    readonly message: string,
  ) {}
}

/** The way to a fake broker. */
export class FakeChannel implements Channel {
  up = true;
  calls = 0;
  received = 0;
  limit = Infinity;
  /** The methods that were asked for, and the requests. */
  readonly asked: { readonly method: string; readonly request: Uint8Array; readonly deadline: boolean | undefined }[] =
    [];
  probes = 0;
  /** Whether it was closed in an orderly way. */
  closed = false;
  /** What it was destroyed by. */
  destroyed: WeirError | undefined;
  /** While set, closing waits for it. */
  holdClose: Promise<void> | undefined;
  pending = 0;
  private readonly listeners = new Set<(error: WeirError) => void>();
  private readonly goodbyes = new Set<() => void>();

  constructor(
    private readonly cluster: FakeCluster,
    readonly address: Address,
    readonly options: ChannelOptions,
  ) {}

  get at(): string {
    return addressText(this.address);
  }

  async unary<T>(method: string, request: Uint8Array, options: UnaryOptions<T>): Promise<T> {
    const { asked, timeout, signal, fail, deadline } = options;
    if (!this.up) throw this.cluster.lost;
    this.asked.push({ method, request, deadline });
    this.pending++;
    const late = new AbortController();
    const cancel = this.cluster.clock.after(timeout, () => {
      late.abort(new BrokerTimeoutError(`cannot ${asked} at ${this.at}: no answer within ${timeout} ms`));
    });
    const gone = this.onLost((error) => late.abort(error));
    const abort = (): void => late.abort(signal?.reason);
    signal?.addEventListener('abort', abort, { once: true });
    try {
      signal?.throwIfAborted();
      const answer = await unlessAborted(Promise.resolve(this.cluster.answer(method, this, request)), late.signal);
      if (!(answer instanceof Refusal)) return answer as T;
      const status = { code: answer.code, name: grpcStatusName(answer.code), message: answer.message };
      throw fail?.(status) ?? statusError(status, asked, this.address);
    } finally {
      this.pending--;
      cancel();
      gone();
      signal?.removeEventListener('abort', abort);
    }
  }

  call(_method: string, _handlers: CallHandlers): Call {
    throw new Error('sessions open no streaming calls');
  }

  onLost(listener: (error: WeirError) => void): Cancel {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  onGoodbye(listener: () => void): Cancel {
    this.goodbyes.add(listener);
    return () => this.goodbyes.delete(listener);
  }

  /** It takes no more calls. */
  sayGoodbye(): void {
    this.up = false;
    for (const listener of [...this.goodbyes]) listener();
  }

  async probe(timeout: number): Promise<boolean> {
    this.probes++;
    if (!this.cluster.hanging.has(this.at)) return true;
    await new Promise<void>((resolve) => this.cluster.clock.after(timeout, resolve));
    this.drop(new ConnectionError(`the broker at ${this.at} did not answer within ${timeout} ms`));
    return false;
  }

  async close(): Promise<void> {
    this.up = false;
    this.closed = true;
    await this.holdClose;
  }

  destroy(error: WeirError): void {
    this.destroyed = error;
    this.drop(error);
  }

  /** Loses it. */
  drop(error: WeirError = this.cluster.lost): void {
    if (!this.up) return;
    this.up = false;
    for (const listener of [...this.listeners]) listener(error);
  }

  /** How often a method was asked for. */
  count(method: string): number {
    return this.asked.filter((each) => each.method === method).length;
  }
}

type Answer = (channel: FakeChannel, request: Uint8Array) => unknown;

/** Brokers that can be connected to, without any network. Answers come decoded. */
export class FakeCluster {
  readonly clock = new ManualClock();
  readonly lost = new ConnectionError('the connection was lost', { broker: 'liftbridge' });
  /** What metadata tell of; by id. */
  readonly brokers = new Map<string, Address>();
  /** The leaders of the partitions of a stream, as ids; all brokers have a copy. */
  readonly streams = new Map<string, { leaders: string[]; paused?: boolean; subject?: string }>();
  readonly answers = new Map<string, Answer>();
  /** Every channel that was made. */
  readonly channels: FakeChannel[] = [];
  /** Every address that was dialed. */
  readonly dialed: string[] = [];
  /** What dialing an address comes to. */
  readonly doors = new Map<string, () => WeirError | Promise<void>>();
  /** How many calls a channel takes that is made from here on. */
  limit = Infinity;
  /** Brokers that do not answer. */
  readonly hanging = new Set<string>();

  constructor() {
    this.answers.set('FetchMetadata', () => this.metadata());
  }

  readonly open: typeof openChannel = async (address, options, signal) => {
    signal?.throwIfAborted();
    const at = addressText(address);
    this.dialed.push(at);
    const door = this.doors.get(at)?.();
    if (door instanceof Error) throw door;
    if (door) await unlessAborted(door, signal);
    const channel = new FakeChannel(this, address, options);
    channel.limit = this.limit;
    this.channels.push(channel);
    return channel;
  };

  answer(method: string, channel: FakeChannel, request: Uint8Array): unknown {
    if (this.hanging.has(channel.at)) return new Promise(() => undefined);
    const answer = this.answers.get(method);
    if (!answer) throw new Error(`no answer to ${method}`);
    return answer(channel, request);
  }

  /** The same for all: all streams, whatever was asked for. */
  metadata(): FetchMetadataResponse {
    const ids = [...this.brokers.keys()];
    return {
      brokers: [...this.brokers].map(([id, address]) => ({ id, ...address, partitionCount: 0, leaderCount: 0 })),
      streams: [...this.streams].map(([name, { leaders, paused = false, subject = name }]) => ({
        name,
        subject,
        error: 0,
        creationTimestamp: 7n,
        partitions: new Map(leaders.map((leader, id) => [id, partition(id, leader, ids, paused)])),
      })),
      groups: [],
    };
  }

  /** The open channels to an address. */
  to(at: string): FakeChannel {
    return this.channels.find((channel) => channel.up && channel.at === at) as FakeChannel;
  }

  refuse(at: string, error: WeirError = refused(at)): void {
    this.doors.set(at, () => error);
  }

  accept(at: string): void {
    this.doors.delete(at);
  }

  /** Dialing waits until the time is over. */
  swallow(at: string): void {
    this.doors.set(at, () => new Promise<void>(() => undefined));
  }

  /** It is gone: nobody listens there, and who was connected is not. */
  kill(at: string): void {
    this.refuse(at);
    this.to(at)?.drop();
  }
}

function partition(id: number, leader: string, replicas: string[], paused: boolean): PartitionMetadata {
  return {
    id,
    leader,
    replicas,
    isr: replicas,
    highWatermark: -1n,
    newestOffset: -1n,
    paused,
    readonly: false,
    messagesReceivedTimestamps: undefined,
    pauseTimestamps: undefined,
    readonlyTimestamps: undefined,
  };
}

export function refused(at: string): ConnectionError {
  return new ConnectionError(`nobody listens at ${at}`, { detail: { code: 'ECONNREFUSED' } });
}

/** A session over a fake cluster, whose hooks are written down. */
export class Watched {
  readonly cluster: FakeCluster;
  readonly clock: ManualClock;
  /** `located`, `connected false`, `interrupted`, `failed CONNECTION`. */
  readonly story: string[] = [];
  readonly errors: WeirError[] = [];
  readonly session: Session;
  /** Is called by each hook. */
  onHook: ((hook: keyof LogSessionHooks) => void) | undefined;

  constructor(options: LiftbridgeOptions = { brokers: 'a' }, cluster = new FakeCluster()) {
    this.cluster = cluster;
    this.clock = cluster.clock;
    const note = (hook: keyof LogSessionHooks, word?: string, error?: WeirError): void => {
      this.story.push(word === undefined ? hook : `${hook} ${word}`);
      if (error) this.errors.push(error);
      this.onHook?.(hook);
    };
    this.session = new Session({
      options: resolveOptions(options),
      clock: this.clock,
      open: cluster.open,
      hooks: {
        located: () => note('located'),
        connected: (again) => note('connected', String(again)),
        interrupted: (cause) => note('interrupted', undefined, cause),
        failed: (error) => note('failed', error.code, error),
      },
    });
  }

  /** Three brokers, n1 to n3, at a, b and c, of which the handle is told a. */
  static ofThree(options: LiftbridgeOptions = { brokers: 'a' }): Watched {
    const watched = new Watched(options);
    for (const [index, host] of ['a', 'b', 'c'].entries()) {
      watched.cluster.brokers.set(`n${index + 1}`, { host, port: 9292 });
    }
    return watched;
  }

  async started(): Promise<this> {
    this.session.start();
    await settled();
    expect(this.story.at(-1)).to.equal('connected false');
    return this;
  }

  async close(): Promise<void> {
    const closing = this.session.close(100);
    await this.clock.pass(100);
    await closing;
    expect(this.clock.size, 'timers left').to.equal(0);
  }
}

/** The error with which a promise rejects. */
export async function failureOf(promise: Promise<unknown>): Promise<WeirError> {
  try {
    await promise;
  } catch (error) {
    return error as WeirError;
  }
  throw new Error('it did not reject');
}
