import type { Cancel, Clock } from '../../core/clock.js';
import type { Arrival } from '../connection/http.js';
import { HeldBody } from '../held-body.js';

/** A source that a message is offered to. @internal */
export interface Taker {
  /** Takes it now or keeps it at the door, and says so to the offering: {@link Offering.taken}, `waits`, `passed`. */
  offer(offering: Offering): void;
  /** It waited at the door for too long: the source is to forget it. */
  turnedAway(offering: Offering): void;
}

/** @internal */
export interface OfferingParts {
  readonly clock: Clock;
  /** ms for which the broadcaster may be kept waiting for an answer. */
  readonly answerWithin: number;
  /** A source did not get it. */
  readonly onMiss: (channel: string) => void;
}

/**
 * One message on its way to all sources that want it, and the answer that the broadcaster waits for: given when each source
 * has it (or, where it asked for that, has settled it), at the latest after `answerWithin`.
 * @internal
 */
export class Offering {
  readonly held: HeldBody;
  /** Sources of which the answer still waits, and one more while it is offered around. */
  private open = 1;
  private takers = 0;
  private losers = 0;
  /** Those of the takers who are to settle it first. */
  private settling = 0;
  private readonly waiting = new Set<Taker>();
  private cancelTimer: Cancel | undefined;
  private answered = false;

  constructor(
    private readonly parts: OfferingParts,
    private readonly arrival: Arrival,
    readonly channel: string,
  ) {
    // held until it is answered too
    this.held = new HeldBody(arrival.body).hold();
  }

  get topic(): Uint8Array {
    return this.arrival.topic;
  }

  /** Offers it around. */
  to(takers: Iterable<Taker>): void {
    for (const taker of takers) {
      this.open++;
      taker.offer(this);
    }
    this.close();
    if (this.answered) return;
    this.cancelTimer = this.parts.clock.after(this.parts.answerWithin, () => {
      this.expire();
    });
  }

  /** A source has it in its window. @param settles - the answer waits for {@link settled} too */
  taken(taker: Taker, settles: boolean): void {
    this.waiting.delete(taker);
    this.takers++;
    if (settles) this.settling++;
    else this.close();
  }

  /** A source that took it is done with it. */
  settled(really: boolean): void {
    if (this.answered) return;
    this.settling--;
    if (!really) this.lost(1);
    this.close();
  }

  /** It has to wait at the door of a source. */
  waits(taker: Taker): void {
    this.waiting.add(taker);
  }

  /** A source does not want it: it has had it already, or has ended. */
  passed(taker: Taker, had: boolean): void {
    this.waiting.delete(taker);
    if (had) this.takers++;
    this.close();
  }

  private close(): void {
    if (--this.open === 0) this.answer();
  }

  private expire(): void {
    const misses = this.waiting.size + this.settling;
    this.losers += this.waiting.size;
    this.lost(this.settling);
    for (const taker of this.waiting) taker.turnedAway(this);
    this.waiting.clear();
    this.answer();
    if (misses > 0) this.parts.onMiss(this.channel);
  }

  /** So many of the takers have not settled it. */
  private lost(takers: number): void {
    this.takers -= takers;
    this.losers += takers;
  }

  private answer(): void {
    if (this.answered) return;
    this.answered = true;
    this.cancelTimer?.();
    if (this.takers > 0) this.arrival.accept(1);
    else if (this.losers > 0) this.arrival.refuse();
    else this.arrival.accept(0);
    this.held.drop();
  }
}
