import type { Backoff } from '../../core/backoff.js';
import type { Clock } from '../../core/clock.js';
import { ConnectionError } from '../../core/errors.js';

/** A NATS client that sleeps can't be woken by its `close`, so it never sleeps longer. */
const longestSleep = 500;

/**
 * Paces the reconnects of a NATS client by a {@link Backoff}. The client asks before each sleep and before each attempt, and
 * compares the answer with the time since its last attempt.
 * @internal
 */
export class ReconnectDelays {
  private attemptAt: number;
  /** When the next attempt is due; undefined while one is under way. */
  private due: number | undefined = undefined;
  private connectedOnce = false;

  constructor(
    private readonly backoff: Backoff,
    private readonly clock: Clock,
  ) {
    this.attemptAt = clock.now();
  }

  /** @throws ConnectionError when the attempts are used up, which closes the connection. */
  next(): number {
    const now = this.clock.now();
    if (!this.connectedOnce) {
      this.attemptAt = now;
      return 0;
    }
    if (this.due === undefined) {
      const delay = this.backoff.next();
      if (delay === undefined) {
        const tried = `${this.backoff.attempts} ${this.backoff.attempts === 1 ? 'attempt' : 'attempts'}`;
        throw new ConnectionError(
          `the NATS connection was not made again in ${tried}, all that reconnect.maxAttempts allows`,
          {
            broker: 'nats-streaming',
            retriable: false,
          },
        );
      }
      this.due = now + delay;
    }
    const left = this.due - now;
    if (left > 0) return now - this.attemptAt + Math.min(left, longestSleep);
    this.due = undefined;
    this.attemptAt = now;
    return 0;
  }

  /** After a success. */
  reset(): void {
    this.connectedOnce = true;
    this.due = undefined;
    this.backoff.reset();
  }
}
