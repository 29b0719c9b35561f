import { Backoff } from '../../core/backoff.js';
import { bounded } from '../../core/bounded.js';
import type { Cancel, Clock } from '../../core/clock.js';
import { Connecting } from '../../core/connecting.js';
import { BrokerTimeoutError, ClosedError, ConnectionError, type WeirError } from '../../core/errors.js';
import { asFault, gaveUp } from '../../core/gave-up.js';
import { addressText, type Address } from '../connection/address.js';
import type { Channel } from '../connection/channel.js';
import type { ResolvedOptions } from '../options.js';
import { isSame, shuffled } from './addresses.js';
import { firstOf } from './first-of.js';
import { noneOf } from './none-of.js';
import type { Pool } from './pool.js';

/** Who is told how the main channel does. @internal */
export interface MainHooks {
  up(): void;
  /** It was lost and is being made again. */
  down(cause: WeirError): void;
  /** Given up, or never had. `start` may be called anew when this has returned, and `rest` was called. */
  failed(error: WeirError): void;
}

/** What a {@link Main} is made of. @internal */
export interface MainParts {
  readonly options: ResolvedOptions;
  readonly clock: Clock;
  readonly pool: Pick<Pool, 'get' | 'channels'>;
  /** Where brokers are, beside the seeds. */
  readonly known: () => readonly Address[];
  readonly hooks: MainHooks;
}

/** How `ready` waits. @internal */
export interface ReadyOptions {
  /** How long to wait until there is a connection, in milliseconds. Default: for ever. */
  readonly within?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

const broker = 'liftbridge';
/** A broker that accepts and goes away at once must not be called in a circle: so long a channel has to last, in ms. */
const lasting = 1000;

/** The one channel for all that any broker can answer. It is made anew, to another broker if there is one, when lost. @internal */
export class Main {
  /** Counts the channels: 1 for the first. */
  epoch = 0;
  private state: 'idle' | 'connecting' | 'up' | 'waiting' | 'failing' | 'closed' = 'idle';
  private current: Channel | undefined;
  private upSince = 0;
  /** Whether there was a channel since the start. */
  private everUp = false;
  private last: WeirError | undefined;
  private aborter = new AbortController();
  private cancelRetry: Cancel | undefined;
  private readonly backoff: Backoff | undefined;
  private readonly waiting = new Connecting();

  constructor(private readonly parts: MainParts) {
    this.backoff = parts.options.reconnect && new Backoff(parts.options.reconnect);
  }

  /** The channel, where there is one. */
  get channel(): Channel | undefined {
    return this.current?.up === true ? this.current : undefined;
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
    this.attempt(undefined);
  }

  /**
   * Waits until there is a channel.
   * @throws ConnectionError where nobody has started it, or it was given up; BrokerTimeoutError after `within`; ClosedError
   */
  async ready({ within, signal }: ReadyOptions = {}): Promise<Channel> {
    signal?.throwIfAborted();
    const there = this.there();
    if (there) return there;
    const late = (): WeirError => this.notWithin(within ?? 0);
    return bounded({ clock: this.parts.clock, ms: within, late, signal }, async (bound) => {
      for (;;) {
        await this.waiting.wait(bound);
        const made = this.there();
        if (made) return made;
      }
    });
  }

  /** A channel is gone. */
  lost(channel: Channel, error: WeirError): void {
    if (this.state !== 'up' || channel !== this.current) return;
    this.current = undefined;
    this.last = error;
    if (!this.backoff) {
      this.fail(error);
      return;
    }
    this.state = 'waiting';
    this.parts.options.logger.warn(`the connection to ${addressText(channel.address)} was lost`, error);
    this.parts.hooks.down(error);
    // a hook may have closed it
    if (this.state === 'waiting') this.again(error, channel.address);
  }

  /** A channel takes no more calls: whoever waits to make one must not wait for those that are open on it. */
  leaving(channel: Channel): void {
    this.lost(channel, saysGoodbye(channel));
  }

  /** Ends it. Channels are the pool's to close. */
  close(error: WeirError): void {
    this.state = 'closed';
    this.current = undefined;
    this.quiet(error);
    this.waiting.failed(error);
  }

  /** What was given up may be started again from here on. */
  rest(): void {
    if (this.state === 'failing') this.state = 'idle';
  }

  /** The channel; undefined while it is worth waiting for one. */
  private there(): Channel | undefined {
    const { channel } = this;
    if (channel) return channel;
    switch (this.state) {
      case 'closed':
        throw new ClosedError('the handle was closed', { broker });
      case 'idle':
      case 'failing':
        throw this.last ?? new ConnectionError('there is no connection to Liftbridge; connect first', { broker });
      case 'up':
        this.leaving(this.current as Channel);
        return this.there();
      default:
        return undefined;
    }
  }

  /** @param but - where not to try at this time */
  private attempt(but: Address | undefined): void {
    this.state = 'connecting';
    this.aborter = new AbortController();
    const { signal } = this.aborter;
    this.connect(this.candidates(but), signal).then(
      (channel) => {
        if (signal.aborted) return;
        if (channel.up) this.opened(channel);
        else this.refused(saysGoodbye(channel));
      },
      (error: unknown) => {
        if (!signal.aborted) this.refused(asFault(broker, error));
      },
    );
  }

  /** Where to try, the best first: what is connected already, the seeds, and what is known of the cluster beside them. */
  private candidates(but: Address | undefined): Address[] {
    const { options, pool, known } = this.parts;
    const connected = pool.channels.map(({ address }) => address);
    const all = [...shuffled(connected), ...shuffled(options.seeds), ...shuffled(known())];
    return all.filter((each, index) => {
      const isFirst = all.findIndex((other) => isSame(each, other)) === index;
      return isFirst && !(but && isSame(each, but));
    });
  }

  /** One that answers is enough; one that does not must not hold up the others. */
  private async connect(addresses: readonly Address[], signal: AbortSignal): Promise<Channel> {
    const { options, clock, pool } = this.parts;
    const { connectTimeout } = options;
    const stagger = Math.min(1000, connectTimeout / addresses.length);
    const failed = new Map<Address, unknown>();
    const attempts = addresses.map((address) => async (abort: AbortSignal) => {
      try {
        return await pool.get(address, abort);
      } catch (error) {
        failed.set(address, error);
        throw error;
      }
    });
    // with one, its own timeout says more
    const ms = addresses.length > 1 ? connectTimeout : undefined;
    const late = (): WeirError => noneOf(addresses, [...failed.values()], ` within ${connectTimeout} ms`);
    try {
      return await bounded({ clock, ms, late, signal }, (bound) =>
        firstOf(attempts, { clock, stagger, signal: bound }),
      );
    } catch (error) {
      if (!(error instanceof AggregateError)) throw error;
      throw noneOf(addresses, error.errors, '');
    }
  }

  private opened(channel: Channel): void {
    this.current = channel;
    this.state = 'up';
    this.everUp = true;
    this.upSince = this.parts.clock.now();
    this.epoch++;
    this.waiting.made();
    this.parts.hooks.up();
  }

  private refused(error: WeirError): void {
    this.last = error;
    const { reconnect } = this.parts.options;
    // what once was accepted may be accepted again
    const isFinal = !this.everUp && !error.retriable;
    if (isFinal || !reconnect || (!this.everUp && !reconnect.initial)) this.fail(error);
    else this.later(error, undefined);
  }

  /** After a loss: at once where there are others, because they were not what was lost. */
  private again(error: WeirError, gone: Address): void {
    const hasLasted = this.parts.clock.now() - this.upSince >= lasting;
    if (hasLasted) this.backoff?.reset();
    this.later(error, hasLasted && this.candidates(gone).length > 0 ? gone : undefined);
  }

  /** @param gone - tries the others at once */
  private later(error: WeirError, gone: Address | undefined): void {
    const wait = this.backoff?.next();
    if (wait === undefined) {
      this.fail(gaveUp(broker, 'Liftbridge could not be connected to', this.backoff?.attempts ?? 0, error));
      return;
    }
    if (gone) {
      this.attempt(gone);
      return;
    }
    this.state = 'waiting';
    this.parts.options.logger.info(`connecting to Liftbridge again in ${Math.round(wait)} ms`, error);
    this.cancelRetry = this.parts.clock.after(wait, () => {
      this.attempt(undefined);
    });
  }

  private fail(error: WeirError): void {
    this.parts.options.logger.error('Liftbridge could not be connected to', error);
    // not idle yet: who hears of a call that failed can't start anew before `failed`
    this.state = 'failing';
    this.current = undefined;
    this.last = error;
    this.quiet(error);
    this.waiting.failed(error);
    this.parts.hooks.failed(error);
  }

  private quiet(reason: WeirError): void {
    this.cancelRetry?.();
    this.aborter.abort(reason);
  }

  /** That there was no connection for so long, and why, as far as that is known. */
  notWithin(ms: number): BrokerTimeoutError {
    const { seeds } = this.parts.options;
    return new BrokerTimeoutError(
      `there was no connection to Liftbridge at ${seeds.map(addressText).join(', ')} within ${ms} ms` +
        (this.last ? `: ${this.last.message}` : ''),
      { broker, cause: this.last },
    );
  }
}

function saysGoodbye({ address }: Channel): ConnectionError {
  return new ConnectionError(`the broker at ${addressText(address)} ends its connections`, { broker });
}
