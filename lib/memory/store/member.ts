import type { Cancel, Clock } from '../../core/clock.js';
import type { Group } from './group.js';
import type { Deliver, Membership, SubscribeRequest } from './membership.js';
import type { StoredMessage } from './message.js';
import { UnackedList, type Unacked } from './unacked.js';

/** One who is served from a position: its window, its unacked messages, and the one timer that brings them again. @internal */
export class Member implements Membership {
  active = true;
  paused = false;
  readonly held = new UnackedList();
  readonly maxInFlight: number;
  private readonly ackWait: number;
  private timer: Cancel | undefined;

  constructor(
    private readonly group: Group,
    request: SubscribeRequest,
    private readonly deliver: Deliver,
    private readonly clock: Clock,
  ) {
    this.maxInFlight = request.maxInFlight;
    this.ackWait = request.ackWait;
  }

  get position(): bigint {
    return BigInt(this.group.position);
  }

  get unacked(): number {
    return this.held.length;
  }

  get full(): boolean {
    return this.held.length >= this.maxInFlight;
  }

  ack(offset: number | bigint): void {
    if (this.active) this.group.ack(Number(offset));
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
    if (this.active) this.group.wake();
  }

  redeliverUnacked(): void {
    if (!this.active) return;
    this.giveBack(Infinity);
    this.group.wake();
  }

  close(): void {
    if (!this.active) return;
    this.end();
    this.giveBack(Infinity);
    this.group.leave(this);
  }

  /** Nothing comes any more; what it has is left to the caller. */
  end(): void {
    this.active = false;
    this.timer?.();
    this.timer = undefined;
  }

  send(entry: Unacked, message: StoredMessage, now: number): void {
    entry.member = this;
    entry.due = now + this.ackWait;
    this.held.push(entry);
    this.deliver(message, entry.redeliveries);
  }

  /**
   * Has a timer running while something is unacked, and none else. A timer that fires before anything is due is armed
   * anew then: cheaper than to move it with each ack.
   */
  watch(now: number): void {
    const { first } = this.held;
    if (first === undefined) {
      this.timer?.();
      this.timer = undefined;
    } else if (this.active) {
      this.timer ??= this.clock.after(Math.max(0, first.due - now), this.expire);
    }
  }

  private readonly expire = (): void => {
    this.timer = undefined;
    this.giveBack(this.clock.now());
    this.group.wake();
  };

  /** Gives back what is due by that time, for whoever comes next. */
  private giveBack(by: number): void {
    for (let entry = this.held.first; entry !== undefined && entry.due <= by; entry = this.held.first) {
      this.held.remove(entry);
      entry.member = undefined;
      this.group.returned(entry);
    }
  }
}
