import { Backoff } from '../../core/backoff.js';
import { bounded } from '../../core/bounded.js';
import type { Cancel, Clock } from '../../core/clock.js';
import { BrokerTimeoutError, type WeirError } from '../../core/errors.js';
import { asFault, gaveUp } from '../../core/gave-up.js';
import type { ResolvedOptions } from '../options.js';
import { untilAborted } from './until-aborted.js';

/** What {@link Connector} is made of. @internal */
export interface ConnectorParts<T> {
  readonly options: Pick<ResolvedOptions, 'reconnect' | 'logger'>;
  readonly clock: Clock;
  /**
   * Connects. Its signal is aborted when the time is over, or nobody waits for it any more.
   * @param gone - what was lost just now, where there are others: it is not tried
   * @param failed - to be told of an attempt that others follow, so that there is a reason when the time is over
   */
  readonly connect: (signal: AbortSignal, gone: T | undefined, failed: (error: WeirError) => void) => Promise<T>;
  /** ms for `connect`. */
  readonly limit: number;
  /** A link was made, and nobody waits for it any more. */
  readonly discard?: ((link: T) => void) | undefined;
  /** What took too long, for the error. */
  readonly names: string;
  readonly hooks: {
    up(link: T): void;
    /** It was lost and is being made again. */
    down(cause: WeirError): void;
    /** Given up, or never had. It may be started anew when this has returned. */
    failed(error: WeirError): void;
  };
}

const broker = 'lonelyps';
/** A broadcaster that accepts and goes away at once must not be called in a circle: so long a link has to last, in ms. */
const lasting = 1_000;

/** Makes the one link of a session, and makes it again when it is lost, as `reconnect` says. @internal */
export class Connector<T extends object> {
  private state: 'idle' | 'connecting' | 'up' | 'waiting' | 'failing' | 'closed' = 'idle';
  private current: T | undefined;
  private upSince = 0;
  /** Whether there was a link since the start. */
  private everUp = false;
  private aborter = new AbortController();
  private cancelRetry: Cancel | undefined;
  private readonly backoff: Backoff | undefined;

  constructor(private readonly parts: ConnectorParts<T>) {
    const { reconnect } = parts.options;
    this.backoff = reconnect && new Backoff(reconnect);
  }

  get link(): T | undefined {
    return this.current;
  }

  /** Begins to connect, unless it does or is. The hooks are called later. */
  start(): void {
    if (this.state !== 'idle') return;
    this.everUp = false;
    this.backoff?.reset();
    this.attempt(undefined);
  }

  /**
   * A link is gone.
   * @param others - whether another one can be made at once
   */
  lost(link: T, error: WeirError, others: boolean): void {
    if (this.state !== 'up' || link !== this.current) return;
    this.current = undefined;
    if (!this.backoff) {
      this.fail(error);
      return;
    }
    this.state = 'waiting';
    this.parts.options.logger.warn('the connection was lost', error);
    this.parts.hooks.down(error);
    // a hook may have closed it
    if (!this.isIn('waiting')) return;
    const hasLasted = this.parts.clock.now() - this.upSince >= lasting;
    if (hasLasted) this.backoff.reset();
    this.later(error, hasLasted && others ? link : undefined);
  }

  /** Ends with an error what there is, as if nothing could be connected to. */
  giveUp(error: WeirError): void {
    if (this.state !== 'idle' && this.state !== 'failing' && this.state !== 'closed') this.fail(error);
  }

  /** Makes no more, and calls no hook. */
  close(): void {
    this.state = 'closed';
    this.current = undefined;
    this.cancelRetry?.();
    this.aborter.abort();
  }

  private isIn(state: string): boolean {
    return this.state === state;
  }

  private attempt(gone: T | undefined): void {
    this.state = 'connecting';
    this.aborter = new AbortController();
    const { signal } = this.aborter;
    const { clock, connect, discard, names, limit: ms } = this.parts;
    let last: WeirError | undefined;
    const failed = (error: WeirError): void => {
      last = error;
    };
    const late = (): WeirError =>
      new BrokerTimeoutError(
        `no broadcaster at ${names} was connected to within ${ms} ms (connectTimeout); ` +
          (last === undefined ? 'check the addresses and the firewall' : `the last attempt: ${last.message}`),
        { broker, cause: last, detail: { timeout: ms } },
      );
    let connecting: Promise<T> | undefined;
    const connected = (bound: AbortSignal): Promise<T> => {
      connecting = connect(bound, gone, failed);
      return untilAborted(bound, connecting);
    };
    bounded({ clock, ms, late, signal }, connected).then(
      (link) => {
        if (signal.aborted) discard?.(link);
        else this.opened(link);
      },
      (error: unknown) => {
        // what was given up may succeed all the same
        connecting?.then(discard, () => undefined);
        if (!signal.aborted) this.refused(asFault(broker, error));
      },
    );
  }

  private opened(link: T): void {
    this.current = link;
    this.state = 'up';
    this.everUp = true;
    this.upSince = this.parts.clock.now();
    this.parts.hooks.up(link);
  }

  private refused(error: WeirError): void {
    const { reconnect } = this.parts.options;
    // what once was accepted may be accepted again
    const isFinal = !this.everUp && !error.retriable;
    if (isFinal || !reconnect || (!this.everUp && !reconnect.initial)) this.fail(error);
    else this.later(error, undefined);
  }

  /** @param gone - tries the others at once */
  private later(error: WeirError, gone: T | undefined): void {
    const wait = this.backoff?.next();
    if (wait === undefined) {
      this.fail(gaveUp(broker, 'no broadcaster could be connected to', this.backoff?.attempts ?? 0, error));
      return;
    }
    if (gone !== undefined) {
      this.attempt(gone);
      return;
    }
    this.state = 'waiting';
    this.parts.options.logger.info(`connecting again in ${Math.round(wait)} ms`, error);
    this.cancelRetry = this.parts.clock.after(wait, () => {
      this.attempt(undefined);
    });
  }

  private fail(error: WeirError): void {
    this.parts.options.logger.error('there is no connection, and none will be made', error);
    // not idle yet: who hears of it cannot start anew before the hook is done
    this.state = 'failing';
    this.current = undefined;
    this.cancelRetry?.();
    this.aborter.abort();
    this.parts.hooks.failed(error);
    if (this.isIn('failing')) this.state = 'idle';
  }
}
