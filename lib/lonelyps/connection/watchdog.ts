import type { Cancel, Clock } from '../../core/clock.js';

/** @internal */
export interface WatchdogParts {
  readonly clock: Clock;
  /** ms of silence until a sign of life is asked for; 0 for never. */
  readonly interval: number;
  /** ms that the answer may take. */
  readonly timeout: number;
  /** Asks; undefined where the platform cannot. */
  readonly ping: (() => void) | undefined;
  /**
   * Where nothing can be asked for, the broadcaster is silent for too long only while it owes an answer: ms beyond interval
   * and timeout that it may take with it; undefined while it owes none.
   */
  owed(): number | undefined;
  /** Nothing came for so many ms, although it should have. Once. */
  silent(ms: number): void;
}

/**
 * Notices a connection that is dead though nobody said so: a cable that was pulled, a proxy that stopped forwarding. A
 * timer runs all the time; a sign of life costs no more than a look at the clock.
 * @internal
 */
export class Watchdog {
  private heard: number;
  private owedSince = 0;
  private cancel: Cancel | undefined;

  constructor(private readonly parts: WatchdogParts) {
    this.heard = parts.clock.now();
    if (parts.interval > 0) this.wait(parts.interval);
  }

  /** Something came. */
  alive(): void {
    this.heard = this.parts.clock.now();
  }

  /** The broadcaster owes an answer from here on, after it owed none. */
  owes(): void {
    this.owedSince = this.parts.clock.now();
  }

  stop(): void {
    this.cancel?.();
    this.cancel = undefined;
  }

  private wait(ms: number): void {
    this.cancel = this.parts.clock.after(ms, () => (this.parts.ping ? this.check(this.parts.ping) : this.lookAtOwed()));
  }

  private check(ping: () => void): void {
    const { clock, interval, timeout } = this.parts;
    const rest = this.heard + interval - clock.now();
    if (rest > 0) {
      this.wait(rest);
      return;
    }
    const asked = this.heard;
    ping();
    this.cancel = clock.after(timeout, () => {
      if (this.heard === asked) this.parts.silent(clock.now() - asked);
      else this.wait(Math.max(1, this.heard + interval - clock.now()));
    });
  }

  private lookAtOwed(): void {
    const { clock, interval, timeout } = this.parts;
    const patience = this.parts.owed();
    const silence = clock.now() - Math.max(this.heard, this.owedSince);
    if (patience !== undefined && silence >= interval + timeout + patience) this.parts.silent(silence);
    else this.wait(interval);
  }
}
