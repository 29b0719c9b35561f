import { Backoff, type ReconnectPolicy } from './backoff.js';
import type { Cancel, Clock } from './clock.js';
import type { BrokerName, WeirError } from './errors.js';
import { asFault, gaveUp } from './gave-up.js';
import type { Logger } from './logger.js';

/** What of a handle's options they heed. @internal */
export interface RetriesOptions {
  /** Undefined: nothing is tried again. */
  readonly reconnect: ReconnectPolicy | undefined;
  /** ms */
  readonly connectTimeout: number;
  readonly logger: Logger;
}

/** What {@link Retries} are made of. @internal */
export interface RetriesParts {
  readonly broker: BrokerName;
  readonly options: RetriesOptions;
  readonly clock: Clock;
  /** Changes whenever the session's own connection is made again. */
  readonly epoch: () => number;
}

/** How long the election of a leader takes at least, in milliseconds. */
const electionTime = 500;

/** All that is being established, or established again, on the links of one session. @internal */
export class Retries {
  private readonly running = new Set<Retry>();

  constructor(private readonly parts: RetriesParts) {}

  /**
   * Calls `attempt` until it resolves, waiting longer and longer as `reconnect` says; an error that is not retriable, and the
   * last of the attempts, goes to `failed`, once. Without `after`, the first attempt is made at once (in this turn), and
   * connection errors are tried again for `connectTimeout` only, unless `reconnect.initial`. After the cancel nothing is called.
   * @param attempt - its signal is aborted when nobody waits for it any more
   * @param after - what ended it before: the first attempt comes after a wait (of at least 500 ms where the stream is
   * unavailable, because electing a leader takes time; of less only where `reconnect.maxDelay` is)
   */
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
      if (!this.isOver) this.refused(asFault(this.parts.broker, error));
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
      const end = reconnect
        ? gaveUp(this.parts.broker, 'it could not be established', this.backoff?.attempts ?? 0, error)
        : error;
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
