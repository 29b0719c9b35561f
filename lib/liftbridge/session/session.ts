import type { Cancel, Clock } from '../../core/clock.js';
import { ClosedError, type WeirError } from '../../core/errors.js';
import type { LogSessionHooks } from '../../core/log-handle.js';
import { Retries } from '../../core/retries.js';
import { Wellness } from '../../core/wellness.js';
import type { FetchMetadataResponse } from '../codec/metadata.js';
import { openChannel, type Channel } from '../connection/channel.js';
import type { PartitionMetadata, StreamInfo } from '../metadata.js';
import type { ResolvedOptions } from '../options.js';
import { Calls, type CallOptions } from './calls.js';
import { Main } from './main.js';
import { askPartition, tailOf, type PartitionTail } from './partition.js';
import { Patience } from './patience.js';
import { Pool } from './pool.js';
import { Routes } from './routes.js';
import { Topology, type LookUpOptions, type MetadataRequest } from './topology.js';

/** @internal */
export type { CallOptions } from './calls.js';
/** @internal */
export type { PartitionTail } from './partition.js';
/** @internal */
export type { LookUpOptions } from './topology.js';

/** What a {@link Session} is made of. @internal */
export interface SessionParts {
  readonly options: ResolvedOptions;
  readonly clock: Clock;
  readonly hooks: LogSessionHooks;
  /** Default: a real one. */
  readonly open?: typeof openChannel | undefined;
}

const broker = 'liftbridge';

/**
 * Which channels there are, and that they live: a main one for all that any broker can do, and those to the brokers that
 * lead what is read. One broker has one channel, be it both.
 * @internal
 */
export class Session {
  /** For those who have no signal of their own. */
  readonly patience: Patience;
  private readonly parts: SessionParts;
  private readonly mainChannel: Main;
  private readonly pool: Pool;
  private readonly topology: Topology;
  private readonly routes: Routes;
  private readonly calls: Calls;
  private readonly retries: Retries;
  private readonly wellness: Wellness;
  private ending: Promise<void> | undefined;

  constructor(parts: SessionParts) {
    const { options, clock, open = openChannel } = parts;
    this.parts = parts;
    this.wellness = new Wellness({ hooks: parts.hooks, logger: options.logger, up: () => this.mainChannel.up });
    this.pool = new Pool({
      options,
      clock,
      open,
      hooks: {
        lost: (channel, error) => {
          this.topology.forgetLedBy(channel.address);
          this.mainChannel.lost(channel, error);
        },
        leaving: (channel) => this.mainChannel.leaving(channel),
        isMain: (channel) => channel === this.mainChannel.channel,
        isKnown: (address) => this.topology.isKnown(address),
      },
    });
    this.mainChannel = new Main({
      options,
      clock,
      pool: this.pool,
      known: () => this.topology.addresses,
      hooks: {
        up: () => {
          this.learn();
          this.wellness.located();
        },
        down: (cause) => {
          this.wellness.interrupted(cause);
        },
        failed: (error) => {
          this.fail(error);
        },
      },
    });
    const main = this.mainChannel;
    this.topology = new Topology({ options, clock, main, pool: this.pool });
    this.routes = new Routes({ options, pool: this.pool, topology: this.topology });
    this.patience = new Patience({ options, clock, main });
    this.calls = new Calls({ options, clock, main, routes: this.routes });
    this.retries = new Retries({ broker, options, clock, epoch: () => main.epoch });
  }

  /** Whether the main channel is there. */
  get up(): boolean {
    return this.mainChannel.up;
  }

  /** Where calls go that may go to any broker; undefined while there is no connection. */
  get main(): Channel | undefined {
    return this.mainChannel.channel;
  }

  /** Begins to connect, unless it does or is. The hooks are called later. After `close`, nothing. */
  start(): void {
    this.mainChannel.start();
  }

  /**
   * A unary call to any broker. It waits for a connection, is made once more where that is lost (unless `repeat: false`), and
   * again while the broker refuses because its cluster is not ready.
   * @throws ConnectionError where nobody has started the session, or it was given up; BrokerTimeoutError, ClosedError, and what
   * the status says
   */
  call<T>(method: string, request: Uint8Array, options: CallOptions<T>): Promise<T> {
    return this.calls.toAny(method, request, options);
  }

  /**
   * A unary call to the leader of a partition, which is looked for again where it has moved.
   * @throws StreamNotFoundError, and what `call` throws
   */
  callLeader<T>(
    stream: string,
    partition: number,
    method: string,
    request: Uint8Array,
    options: CallOptions<T>,
  ): Promise<T> {
    return this.calls.toLeader(stream, partition, method, request, options);
  }

  /**
   * A channel to the leader of a partition. One attempt, which waits as long as there is no connection at all.
   * @throws StreamUnavailableError (retriable) while there is no leader, or the cluster does not tell of it; StreamNotFoundError
   * for no such stream or partition; ConnectionError, BrokerTimeoutError, AuthorizationError, ClosedError
   */
  async leader(stream: string, partition: number, options: LookUpOptions = {}): Promise<Channel> {
    this.checkOpen();
    return this.routes.leader(stream, partition, options);
  }

  /**
   * A channel to a broker that has an up-to-date copy of a partition: by chance one that does not lead it, or the leader where
   * there is no other. Otherwise as `leader`.
   */
  async replica(stream: string, partition: number, options: LookUpOptions = {}): Promise<Channel> {
    this.checkOpen();
    return this.routes.replica(stream, partition, options);
  }

  /** A channel to a broker by its id. @throws StreamUnavailableError (retriable) where the cluster does not tell of it */
  async broker(id: string, options: LookUpOptions = {}): Promise<Channel> {
    this.checkOpen();
    return this.routes.broker(id, options);
  }

  /**
   * What is known of a stream: remembered, unless `fresh`. Who asks at the same time gets the same answer.
   * @throws StreamNotFoundError, which takes a second in a cluster, because a broker may not have heard of a stream yet;
   * AuthorizationError, ConnectionError, BrokerTimeoutError, ClosedError
   */
  async stream(name: string, options: LookUpOptions = {}): Promise<StreamInfo> {
    this.checkOpen();
    return this.topology.stream(name, options);
  }

  /** What is remembered of a stream is wrong, or may be. */
  forgetStream(name: string): void {
    this.topology.forget(name);
  }

  /** Metadata of streams and consumer groups, as a broker gives them. @throws as `call` */
  async metadata(request: MetadataRequest, signal?: AbortSignal): Promise<FetchMetadataResponse> {
    this.checkOpen();
    await this.mainChannel.ready({ within: this.parts.options.requestTimeout, signal });
    return this.topology.fetch(request, signal);
  }

  /**
   * A partition, as its leader tells.
   * @throws StreamUnavailableError where it is paused, which has no leader; StreamNotFoundError, and what `call` throws
   */
  partition(stream: string, partition: number, signal?: AbortSignal): Promise<PartitionMetadata> {
    return askPartition(this.calls, this.topology, { stream, partition }, signal);
  }

  /** The end of a partition. @throws as `partition` */
  async tail(stream: string, partition: number, signal?: AbortSignal): Promise<PartitionTail> {
    const metadata = await this.partition(stream, partition, signal);
    const { created } = await this.stream(stream, { signal });
    return tailOf(metadata, created);
  }

  /** Somebody lost its channel and is being re-established. */
  suspended(who: object, cause: WeirError): void {
    this.wellness.suspended(who, cause);
  }

  /** It is established again, or wants to be no more. Harmless for who was not suspended. */
  resumed(who: object): void {
    this.wellness.resumed(who);
  }

  /**
   * Calls `attempt` until it resolves, waiting longer and longer as `reconnect` says; an error that is not retriable, and the
   * last of the attempts, goes to `failed`, once. So does the error by which the session is given up. After the cancel and
   * after `close`, nothing is called. Without `after`, the first attempt is made at once (in this turn), and connection errors
   * are tried again for `connectTimeout` only, unless `reconnect.initial`.
   * @param attempt - its signal is aborted when nobody waits for it any more
   * @param after - what ended it before: the first attempt comes after a wait (of at least 500 ms where the stream is
   * unavailable, because electing a leader takes time; of less only where `reconnect.maxDelay` is)
   */
  retry(
    attempt: (signal: AbortSignal) => Promise<void>,
    failed: (error: WeirError) => void,
    after?: WeirError,
  ): Cancel {
    if (this.wellness.closed) return () => undefined;
    return this.retries.add(attempt, failed, after);
  }

  /**
   * Ends everything: calls that are still open end with a ClosedError, then the connections say goodbye. Always resolves, after
   * `ms` at the latest. No hook is called any more.
   */
  close(ms: number): Promise<void> {
    this.ending ??= this.shut(ms);
    return this.ending;
  }

  private checkOpen(): void {
    if (this.wellness.closed) throw closed();
  }

  /** Learns of the other brokers, so that one of them can be the next. */
  private learn(): void {
    this.topology.refresh().catch((error: unknown) => {
      this.parts.options.logger.debug('the other brokers are not known', error);
    });
  }

  private fail(error: WeirError): void {
    const end = this.wellness.reset(() => {
      this.pool.drop(error);
      // who lost its channel just now tries again in vain
      return this.retries.doom();
    });
    this.mainChannel.rest();
    this.wellness.failed(error);
    end(error);
  }

  private async shut(ms: number): Promise<void> {
    const error = closed();
    // said before anybody is told, who might want to be connected again
    this.wellness.close();
    this.retries.cancelAll();
    this.mainChannel.close(error);
    this.topology.close(error);
    this.pool.drop(error);
    const { clock } = this.parts;
    await new Promise<void>((resolve) => {
      const cancel = clock.after(ms, () => {
        this.pool.destroy(error);
        resolve();
      });
      void this.pool.left().then(() => {
        cancel();
        resolve();
      });
    });
  }
}

function closed(): ClosedError {
  return new ClosedError('the handle was closed', { broker });
}
