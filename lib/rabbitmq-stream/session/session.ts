import type { Cancel, Clock } from '../../core/clock.js';
import { ClosedError, StreamUnavailableError, type WeirError } from '../../core/errors.js';
import type { LogSessionHooks } from '../../core/log-handle.js';
import { Retries } from '../../core/retries.js';
import { Wellness } from '../../core/wellness.js';
import { openConnection } from '../connection/connection.js';
import type { Address, ResolvedOptions } from '../options.js';
import { Dialer, shuffled } from './dialer.js';
import type { Link, LinkRole } from './link.js';
import { Locator } from './locator.js';
import { Pool } from './pool.js';
import { findPartitions, findPlacement, findRoute, type Placement } from './topology.js';

/** @internal */
export type { Placement } from './topology.js';
/** @internal */
export type { Link, PublisherHandlers, SubscriberHandlers } from './link.js';

/** What a {@link Session} is made of. @internal */
export interface SessionParts {
  readonly options: ResolvedOptions;
  readonly clock: Clock;
  readonly hooks: LogSessionHooks;
  /** Default: a real one. */
  readonly open?: typeof openConnection | undefined;
}

const broker = 'rabbitmq-stream';

/**
 * Which connections there are, and that they live: one that locates and administers, and those on which publishers and
 * subscriptions are, to the nodes that have their streams.
 * @internal
 */
export class Session {
  readonly locator: Locator;
  private readonly parts: SessionParts;
  private readonly pool: Pool;
  private readonly retries: Retries;
  private readonly wellness: Wellness;
  private ending: Promise<void> | undefined;

  constructor(parts: SessionParts) {
    const { options, clock, open = openConnection } = parts;
    const dialer = new Dialer({ options, clock, open });
    this.parts = parts;
    this.wellness = new Wellness({ hooks: parts.hooks, logger: options.logger, up: () => this.locator.up });
    this.pool = new Pool({ options, clock, dialer });
    this.retries = new Retries({ broker, options, clock, epoch: () => this.locator.epoch });
    this.locator = new Locator({
      options,
      clock,
      dialer,
      hooks: {
        up: () => {
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
  }

  /** Whether the locator connection is there. */
  get up(): boolean {
    return this.locator.up;
  }

  /** Begins to connect, unless it does or is. The hooks are called later. After `close`, nothing. */
  start(): void {
    this.locator.start();
  }

  /**
   * Where a stream lives.
   * @throws StreamNotFoundError, StreamUnavailableError, AuthorizationError, and what `locator.call` throws
   */
  placement(stream: string, signal?: AbortSignal): Promise<Placement> {
    return this.locator.call((connection) => findPlacement(connection, stream), { signal });
  }

  /** The streams of a super stream, in their order. @throws StreamNotFoundError, and what `locator.call` throws */
  partitions(superStream: string, signal?: AbortSignal): Promise<readonly string[]> {
    return this.locator.call((connection) => findPartitions(connection, superStream), { signal });
  }

  /**
   * The streams that a routing key leads to; often one, possibly none.
   * @throws StreamNotFoundError, and what `locator.call` throws
   */
  route(superStream: string, key: string, signal?: AbortSignal): Promise<readonly string[]> {
    return this.locator.call((connection) => findRoute(connection, superStream, key), { signal });
  }

  /**
   * A link for a publisher of `stream`: to its leader. One attempt. Take a place on it in the same turn (`addPublisher`): it
   * is kept no longer, and a link that carries nobody is closed a second later.
   * @throws StreamUnavailableError (retriable) while there is no leader; StreamNotFoundError; ConnectionError (retriable unless
   * it can never work), and what `locator.call` throws
   */
  async producerLink(stream: string, signal?: AbortSignal): Promise<Link> {
    const { leader } = await this.placement(stream, signal);
    return this.link('producer', stream, leader ? [leader] : [], signal);
  }

  /**
   * A link for a subscription of `stream`: to one of its replicas, or to the leader where there is none, or where `leader` asks
   * for it. Otherwise as `producerLink`.
   */
  async consumerLink(
    stream: string,
    signal?: AbortSignal,
    options: { readonly leader?: boolean | undefined } = {},
  ): Promise<Link> {
    const { leader, replicas } = await this.placement(stream, signal);
    const members = [...(options.leader === true ? [] : shuffled(replicas)), ...(leader ? [leader] : [])];
    return this.link('consumer', stream, members, signal);
  }

  /** Somebody lost its link and is being re-established. */
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
   * @param after - what ended it before, as `lost` told it: the first attempt comes after a wait (of at least 500 ms where the
   * broker has removed it, because electing a leader takes time; of less only where `reconnect.maxDelay` is)
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
   * Ends everything: who is still on a link is told `lost` with a ClosedError, then the connections say goodbye. Always resolves,
   * after `ms` at the latest. No hook is called any more.
   */
  close(ms: number): Promise<void> {
    this.ending ??= this.shut(ms);
    return this.ending;
  }

  private async link(
    role: LinkRole,
    stream: string,
    members: readonly Address[],
    signal: AbortSignal | undefined,
  ): Promise<Link> {
    if (this.wellness.closed) throw closed();
    const { options } = this.parts;
    if (members.length === 0) {
      throw new StreamUnavailableError(`the stream '${stream}' has no leader at the moment; it is being elected`, {
        broker,
        detail: { stream },
      });
    }
    // whoever decides where a connection leads is asked for any of them
    if (options.loadBalancer || options.resolveAddress) return this.pool.get(role, members, signal);
    let last: unknown;
    for (const member of members) {
      try {
        return await this.pool.get(role, [member], signal);
      } catch (error) {
        if (signal?.aborted === true || this.wellness.closed) throw error;
        last = error;
      }
    }
    throw last;
  }

  private fail(error: WeirError): void {
    const end = this.wellness.reset(() => {
      this.pool.drop(error);
      // who lost its link just now tries again in vain
      return this.retries.doom();
    });
    this.locator.rest();
    this.wellness.failed(error);
    end(error);
  }

  private async shut(ms: number): Promise<void> {
    const error = closed();
    // said before anybody is told, who might want to be connected again
    this.wellness.close();
    this.retries.cancelAll();
    const located = this.locator.close(error);
    this.pool.drop(error);
    const { clock } = this.parts;
    await new Promise<void>((resolve) => {
      const cancel = clock.after(ms, () => {
        this.pool.destroy(error);
        this.locator.destroy(error);
        resolve();
      });
      void Promise.allSettled([located, this.pool.left()]).then(() => {
        cancel();
        resolve();
      });
    });
  }
}

function closed(): ClosedError {
  return new ClosedError('the handle was closed', { broker });
}
