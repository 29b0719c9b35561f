import { Backoff } from '../../core/backoff.js';
import type { Cancel, Clock } from '../../core/clock.js';
import type { WeirError } from '../../core/errors.js';
import type { ResolvedOptions } from '../options.js';
import { asWeirError, gaveUp } from './gave-up.js';

/** What {@link Retries} are made of. @internal */
export interface RetriesParts {
  readonly options: ResolvedOptions;
  readonly clock: Clock;
  /** Changes with every locator connection. */
  readonly epoch: () => number;
}

/** How long the election of a leader takes at least, in milliseconds. */
const electionTime = 500;

/** All that is being established, or established again, on the links of one session. @internal */
export class Retries {
  private readonly running = new Set<Retry>();

  constructor(private readonly parts: RetriesParts) {}

  /** See `Session.retry`. */
  add(
    attempt: (signal: AbortSignal) => Promise<void>,
    failed: (error: WeirError) => void,
    after: WeirError | undefined,
  ): Cancel {
    const retry = new Retry(this.parts, attempt, (error) => {
      this.running.delete(retry);
      if (error) failed(error);
    });
    this.running.add(retry);
    retry.start(after);
    return () => {
      this.running.delete(retry);
      retry.cancel();
    };
  }

  /** Those that run. A call of what it gives lets those that still do fail. */
  doom(): (error: WeirError) => void {
    const doomed = [...this.running];
    return (error) => {
      for (const retry of doomed) retry.end(error);
    };
  }

  cancelAll(): void {
    for (const retry of this.running) retry.cancel();
    this.running.clear();
  }
}

class Retry {
  private readonly aborter = new AbortController();
  private readonly backoff: Backoff | undefined;
  private cancelTimer: Cancel | undefined;
  private isOver = false;
  private after: WeirError | undefined;
  /** The first of the connection errors that came since the locator was made last: when, and how often it was made. */
  private failing: { readonly since: number; readonly epoch: number } | undefined;

  /** @param done - called once, with an error or without, unless cancelled */
  constructor(
    private readonly parts: RetriesParts,
    private readonly attempt: (signal: AbortSignal) => Promise<void>,
    private readonly done: (error?: WeirError) => void,
  ) {
    this.backoff = parts.options.reconnect && new Backoff(parts.options.reconnect);
  }

  start(after: WeirError | undefined): void {
    this.after = after;
    if (after) this.later(after, after.code === 'STREAM_UNAVAILABLE' ? electionTime : 0);
    else void this.run();
  }

  end(error?: WeirError): void {
    if (this.isOver) return;
    this.cancel();
    this.done(error);
  }

  cancel(): void {
    this.isOver = true;
    this.cancelTimer?.();
    this.aborter.abort();
  }

  private async run(): Promise<void> {
    try {
      await this.attempt(this.aborter.signal);
    } catch (error) {
      if (!this.isOver) this.refused(asWeirError(error));
      return;
    }
    this.end();
  }

  private refused(error: WeirError): void {
    if (!error.retriable || this.isTooLate(error)) this.end(error);
    else this.later(error, 0);
  }

  /** What was never established is held to the time that a connection may take, as the first connect is. */
  private isTooLate(error: WeirError): boolean {
    const { options, clock, epoch } = this.parts;
    if (this.after || options.reconnect?.initial === true) return false;
    if (error.code !== 'CONNECTION' && error.code !== 'TIMEOUT') return false;
    // a broker that was away altogether meanwhile is not held to it
    if (this.failing?.epoch !== epoch()) this.failing = { since: clock.now(), epoch: epoch() };
    return clock.now() - this.failing.since >= options.connectTimeout;
  }

  private later(error: WeirError, least: number): void {
    const { options, clock } = this.parts;
    const { reconnect } = options;
    const wait = this.backoff?.next();
    if (!reconnect || wait === undefined) {
      const end = reconnect ? gaveUp('it could not be established', this.backoff?.attempts ?? 0, error) : error;
      // never in the turn of the call, whose cancel the caller does not have yet
      this.cancelTimer = clock.after(0, () => {
        this.end(end);
      });
      return;
    }
    const ms = Math.max(wait, Math.min(least, reconnect.maxDelay));
    options.logger.info(`trying again in ${Math.round(ms)} ms`, error);
    this.cancelTimer = clock.after(ms, () => {
      void this.run();
    });
  }
}
