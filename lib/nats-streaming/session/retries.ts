import { Backoff, reconnectDefaults } from '../../core/backoff.js';
import { ConnectionError } from '../../core/errors.js';
import type { WeirError } from '../../core/errors.js';
import type { ResolvedOptions } from '../options.js';

/** What follows an attempt that failed: a wait and another, or the end. @internal */
export type Next =
  { readonly wait: number } | { readonly wait?: undefined; readonly end: WeirError; readonly replaced: boolean };

/** How often a client that was registered before is refused its own id before it gives it up. */
const maxRefusals = 3;
/** The server takes 500 ms to see that an owner is dead, and refuses everybody meanwhile. */
const refusalPause = 1000;

/** Decides whether a session tries again, and when. @internal */
export class Retries {
  /** Whether nothing was registered since the start. */
  first = true;
  /** The last that went wrong. */
  last: WeirError | undefined = undefined;
  readonly backoff: Backoff;
  private refusals = 0;

  constructor(private readonly options: ResolvedOptions) {
    // without `reconnect`, a few pings find out whether a link that came back by itself brought the session back
    this.backoff = new Backoff(options.reconnect ?? { ...reconnectDefaults, maxAttempts: 8 });
  }

  /** Whether the error is the end, however often one tries. */
  isFinal(error: WeirError): boolean {
    if (!this.options.reconnect) return true;
    // a wrong answer comes from a wrong address, unless right ones came from there before
    return !error.retriable && (this.first || error.code !== 'PROTOCOL');
  }

  after(error: WeirError): Next {
    this.last = error;
    if (this.first) {
      if (this.options.reconnect?.initial !== true || this.isFinal(error)) return { end: error, replaced: false };
    } else if (error.code === 'IN_USE') {
      // the old heartbeat inbox is gone, so it is another process that answers for this id
      if (++this.refusals >= maxRefusals || !this.options.reconnect) return { end: error, replaced: true };
      return { wait: Math.max(refusalPause, this.backoff.next() ?? 0) };
    } else if (this.isFinal(error)) {
      return { end: error, replaced: false };
    }
    const wait = this.backoff.next();
    return wait === undefined ? { end: this.gaveUp(), replaced: false } : { wait };
  }

  succeeded(): void {
    this.first = false;
    this.refusals = 0;
    this.backoff.reset();
  }

  /** For another start. */
  reset(): void {
    this.succeeded();
    this.first = true;
    this.last = undefined;
  }

  /** The attempts are used up. */
  gaveUp(): WeirError {
    const { attempts } = this.backoff;
    return new ConnectionError(
      `the NATS Streaming cluster '${this.options.clusterId}' could not be reached again in ${attempts} attempts; ` +
        `the last: ${this.last?.message ?? 'no answer'}`,
      { broker: 'nats-streaming', cause: this.last, retriable: false },
    );
  }
}
