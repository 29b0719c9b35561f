import { Backoff } from '../../core/backoff.js';
import type { Cancel, Clock } from '../../core/clock.js';
import { Connecting } from '../../core/connecting.js';
import { BrokerTimeoutError, ClosedError, ConnectionError, type WeirError } from '../../core/errors.js';
import { asFault, gaveUp } from '../../core/gave-up.js';
import type { Connection, ConnectionEvents } from '../connection/connection.js';
import { addressOf } from '../connection/socket-failures.js';
import type { ResolvedOptions } from '../options.js';
import type { Dialer } from './dialer.js';

/** Who is told how the locator does. @internal */
export interface LocatorHooks {
  up(): void;
  /** It was lost and is being made again. */
  down(cause: WeirError): void;
  /** Given up, or never had. `start` may be called anew when this has returned. */
  failed(error: WeirError): void;
}

/** What a {@link Locator} is made of. @internal */
export interface LocatorParts {
  readonly options: ResolvedOptions;
  readonly clock: Clock;
  readonly dialer: Pick<Dialer, 'toSeed'>;
  readonly hooks: LocatorHooks;
}

/** How `call` uses the connection. @internal */
export interface CallOptions {
  /** Whether to ask once more where the connection was lost meanwhile: not for what is not idempotent. Default true. */
  readonly repeat?: boolean | undefined;
  /** How long to wait until there is a connection, in milliseconds. Default: for ever. */
  readonly within?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

const broker = 'rabbitmq-stream';

/**
 * The one connection of a session that serves questions and administration, to any node. It is made anew when lost.
 * @internal
 */
export class Locator {
  /** Counts the connections: 1 for the first. */
  epoch = 0;
  private state: 'idle' | 'connecting' | 'up' | 'waiting' | 'failing' | 'closed' = 'idle';
  private current: Connection | undefined;
  /** Whether there was a connection since the start. */
  private everUp = false;
  private last: WeirError | undefined;
  private aborter = new AbortController();
  private cancelRetry: Cancel | undefined;
  private readonly backoff: Backoff | undefined;
  private readonly waiting = new Connecting();

  constructor(private readonly parts: LocatorParts) {
    this.backoff = parts.options.reconnect && new Backoff(parts.options.reconnect);
  }

  /** The connection, where there is one. */
  get connection(): Connection | undefined {
    return this.current?.closed === false ? this.current : undefined;
  }

  get up(): boolean {
    return this.state === 'up';
  }

  /** Begins to connect, unless it does or is. The hooks are called later. */
  start(): void {
    if (this.state !== 'idle') return;
    this.everUp = false;
    this.last = undefined;
    this.backoff?.reset();
    this.attempt();
  }

  /**
   * Waits until there is a connection, and uses it.
   * @throws ConnectionError where nobody has started it, or it was given up; BrokerTimeoutError after `within`; ClosedError
   */
  async call<R>(use: (connection: Connection) => Promise<R>, options: CallOptions = {}): Promise<R> {
    const connection = await this.ready(options);
    try {
      return await use(connection);
    } catch (error) {
      const isLost = connection.closed && error instanceof ConnectionError;
      if (!isLost || options.repeat === false) throw error;
      return use(await this.ready(options));
    }
  }

  /** Ends it; resolves when the connection is closed. */
  async close(error: WeirError): Promise<void> {
    this.state = 'closed';
    this.quiet(error);
    this.waiting.failed(error);
    await this.current?.close();
  }

  /** Ends at once what `close` has not ended yet. */
  destroy(error: WeirError): void {
    this.current?.destroy(error);
  }

  private async ready({ within, signal }: CallOptions): Promise<Connection> {
    signal?.throwIfAborted();
    const there = this.connection;
    if (there) return there;
    switch (this.state) {
      case 'closed':
        throw new ClosedError('the handle was closed', { broker });
      case 'idle':
      case 'failing':
        throw this.last ?? new ConnectionError('there is no connection to RabbitMQ; connect first', { broker });
      default:
    }
    await this.wait(within, signal);
    return this.ready({ within, signal });
  }

  private async wait(within: number | undefined, signal: AbortSignal | undefined): Promise<void> {
    if (within === undefined) {
      await this.waiting.wait(signal);
      return;
    }
    const late = new AbortController();
    const abort = (): void => late.abort(signal?.reason);
    signal?.addEventListener('abort', abort, { once: true });
    const cancel = this.parts.clock.after(within, () => {
      late.abort(this.notWithin(within));
    });
    try {
      await this.waiting.wait(late.signal);
    } finally {
      cancel();
      signal?.removeEventListener('abort', abort);
    }
  }

  private attempt(): void {
    this.state = 'connecting';
    this.aborter = new AbortController();
    const { signal } = this.aborter;
    let lostBy: WeirError | undefined;
    const events = quietEvents((error) => {
      lostBy = error;
      if (this.state === 'up') this.lost(error);
    });
    this.parts.dialer.toSeed(events, signal).then(
      (connection) => {
        if (signal.aborted) void connection.close();
        else if (lostBy) this.refused(lostBy);
        else this.opened(connection);
      },
      (error: unknown) => {
        if (!signal.aborted) this.refused(asFault(broker, error));
      },
    );
  }

  private opened(connection: Connection): void {
    const { logger } = this.parts.options;
    this.current = connection;
    this.state = 'up';
    this.everUp = true;
    this.epoch++;
    this.backoff?.reset();
    logger.debug(`${connection.name} is connected to ${addressOf(connection.remote)}`);
    this.waiting.made();
    this.parts.hooks.up();
  }

  private lost(error: WeirError): void {
    this.current = undefined;
    this.last = error;
    if (!this.backoff) {
      this.fail(error);
      return;
    }
    this.state = 'waiting';
    this.parts.options.logger.warn('the locator connection was lost', error);
    this.parts.hooks.down(error);
    // a hook may have closed it
    if (this.state === 'waiting') this.later(error);
  }

  private refused(error: WeirError): void {
    this.last = error;
    const { reconnect } = this.parts.options;
    // something wrong came from an address at which all was right before: it may be right again
    const isFinal = !error.retriable && !(this.everUp && error.code === 'PROTOCOL');
    if (isFinal || !reconnect || (!this.everUp && !reconnect.initial)) this.fail(error);
    else this.later(error);
  }

  private later(error: WeirError): void {
    const wait = this.backoff?.next();
    if (wait === undefined) {
      this.fail(gaveUp(broker, 'RabbitMQ could not be connected to', this.backoff?.attempts ?? 0, error));
      return;
    }
    this.state = 'waiting';
    this.parts.options.logger.info(`connecting to RabbitMQ again in ${Math.round(wait)} ms`, error);
    this.cancelRetry = this.parts.clock.after(wait, () => {
      this.attempt();
    });
  }

  private fail(error: WeirError): void {
    this.parts.options.logger.error('RabbitMQ could not be connected to', error);
    // not idle yet: who hears of a call that failed can't start anew before `failed`
    this.state = 'failing';
    this.last = error;
    this.quiet(error);
    this.waiting.failed(error);
    this.parts.hooks.failed(error);
  }

  /** What was given up may be started again from here on. */
  rest(): void {
    if (this.state === 'failing') this.state = 'idle';
  }

  private quiet(reason: WeirError): void {
    this.cancelRetry?.();
    this.aborter.abort(reason);
  }

  private notWithin(ms: number): BrokerTimeoutError {
    const { seeds } = this.parts.options;
    return new BrokerTimeoutError(
      `there was no connection to RabbitMQ at ${seeds.map(addressOf).join(', ')} within ${ms} ms` +
        (this.last ? `: ${this.last.message}` : ''),
      { broker, cause: this.last },
    );
  }
}

/** A locator carries no publishers and subscriptions. */
function quietEvents(closed: (error: WeirError) => void): ConnectionEvents {
  const nothing = (): void => undefined;
  return {
    confirm: nothing,
    publishError: nothing,
    deliver: nothing,
    creditError: nothing,
    metadataUpdate: nothing,
    consumerUpdate: (_id, _active, reply) => {
      reply({ type: 'none' });
    },
    flushed: nothing,
    drained: nothing,
    closed,
  };
}
