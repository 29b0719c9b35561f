import type { Clock } from '../../core/clock.js';
import type { MessageLog } from './log.js';
import type { Member } from './member.js';
import type { StartingPoint } from './starting-point.js';
import { Task, type Turns } from './turns.js';
import { Unacked } from './unacked.js';

/** How many messages a group sends before another gets its turn. */
export const quantum = 1024;

/**
 * A position in a log and those who are served from it: the members of a queue group, or the one member of any other
 * subscription. Without members it is the memory of a durable.
 * @internal
 */
export class Group extends Task {
  readonly members: Member[] = [];
  /** The offset of the next first delivery. */
  private next: number;
  private readonly notBefore: number;
  /** Sent and not acked, in the order of first deliveries, which is that of offsets. */
  private readonly pending = new Map<number, Unacked>();
  /** What has to be sent again; the lowest offset last, once sorted. */
  private readonly again: Unacked[] = [];
  private sorted = true;
  private running = false;
  private turn = 0;

  constructor(
    private readonly log: MessageLog,
    start: StartingPoint,
    private readonly turns: Turns,
    private readonly clock: Clock,
    private readonly onEmpty: (group: Group) => void,
  ) {
    super();
    this.next = start.next;
    this.notBefore = start.notBefore;
  }

  /** The lowest offset that has yet to come or to be acked. */
  get position(): number {
    for (const offset of this.pending.keys()) if (offset >= this.log.first) return offset;
    return Math.max(this.next, this.log.first);
  }

  get unacked(): number {
    return this.pending.size;
  }

  join(member: Member): void {
    this.members.push(member);
    this.wake();
  }

  leave(member: Member): void {
    this.members.splice(this.members.indexOf(member), 1);
    if (this.members.length > 0) this.wake();
    else this.onEmpty(this);
  }

  /** Everybody out, without a word. */
  disband(): void {
    for (const member of this.members) member.end();
    this.members.length = 0;
  }

  ack(offset: number): void {
    const entry = this.pending.get(offset);
    if (entry === undefined) return;
    const { member } = entry;
    this.drop(entry);
    // the last ack ends the timer; another matters only to what waits for room
    if (this.next < this.log.next || member === undefined || member.held.length === 0) this.wake();
  }

  /** A member could not get it acked, or left. */
  returned(entry: Unacked): void {
    this.again.push(entry);
    this.sorted = false;
  }

  /** There may be something to do. While it runs it sees that for itself. */
  wake(): void {
    if (!this.running) this.turns.add(this);
  }

  run(): void {
    const now = this.clock.now();
    this.log.expire(now);
    let exhausted = false;
    this.running = true;
    try {
      let budget = quantum;
      while (budget > 0 && this.sendOne(now)) budget--;
      exhausted = budget === 0;
    } catch (error) {
      exhausted = true;
      throw error;
    } finally {
      this.running = false;
      for (const member of this.members) member.watch(now);
      if (exhausted) this.wake();
    }
  }

  /** Sends what is due again before anything else. Returns whether there was something that could be sent. */
  private sendOne(now: number): boolean {
    const { log } = this;
    for (let entry = this.lowestAgain(); entry !== undefined; entry = this.lowestAgain()) {
      const message = log.get(entry.offset);
      if (entry.acked || message === undefined) {
        // what retention removed held its place in the window until now, because its receiver may be at work on it
        this.again.pop();
        if (!entry.acked) this.drop(entry);
        continue;
      }
      const member = this.choose(false) ?? this.choose(true);
      if (member === undefined) return false;
      this.again.pop();
      entry.redeliveries++;
      member.send(entry, message, now);
      return true;
    }
    this.skip();
    const message = log.get(this.next);
    if (message === undefined) return false;
    const member = this.choose(false);
    if (member === undefined) return false;
    const entry = new Unacked(this.next++);
    this.pending.set(entry.offset, entry);
    member.send(entry, message, now);
    return true;
  }

  private lowestAgain(): Unacked | undefined {
    const { again } = this;
    if (again.length === 0) return undefined;
    if (!this.sorted) {
      again.sort((a, b) => b.offset - a.offset);
      this.sorted = true;
    }
    return again[again.length - 1];
  }

  /** Passes over what retention has removed and what is too old for the start. */
  private skip(): void {
    const { log } = this;
    if (this.next < log.first) this.next = log.first;
    if (this.notBefore === -Infinity) return;
    for (let message = log.get(this.next); message !== undefined && message.time < this.notBefore;) {
      message = log.get(++this.next);
    }
  }

  /** The one with the least at hand; among equals the one whose turn it is. Redeliveries go beyond the window if they must. */
  private choose(beyondWindow: boolean): Member | undefined {
    const { members } = this;
    const count = members.length;
    let chosen: Member | undefined;
    let at = 0;
    for (let i = 0; i < count; i++) {
      const index = (this.turn + i) % count;
      const member = members[index]!;
      if (member.paused || (!beyondWindow && member.full)) continue;
      if (chosen === undefined || member.held.length < chosen.held.length) {
        chosen = member;
        at = index;
      }
    }
    if (chosen !== undefined) this.turn = at + 1;
    return chosen;
  }

  private drop(entry: Unacked): void {
    this.pending.delete(entry.offset);
    entry.acked = true;
    entry.member?.held.remove(entry);
    entry.member = undefined;
  }
}
