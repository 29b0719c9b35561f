import type { Member } from './member.js';

/** A message that was sent and is not acked. It knows the offset alone: retention may remove the message meanwhile. @internal */
export class Unacked {
  /** How often it was sent, the first time not counted. */
  redeliveries = 0;
  /** Who has it; undefined while it waits to be sent again, and after it was acked. */
  member: Member | undefined = undefined;
  /** When it comes again. */
  due = 0;
  acked = false;
  previous: Unacked | undefined = undefined;
  next: Unacked | undefined = undefined;

  constructor(readonly offset: number) {}
}

/**
 * What one member has, in the order of sending, which is the order of falling due. Linked through the entries
 * themselves, so that an ack in any order costs a few writes.
 * @internal
 */
export class UnackedList {
  length = 0;
  first: Unacked | undefined = undefined;
  private last: Unacked | undefined = undefined;

  push(entry: Unacked): void {
    const { last } = this;
    entry.previous = last;
    if (last === undefined) this.first = entry;
    else last.next = entry;
    this.last = entry;
    this.length++;
  }

  remove(entry: Unacked): void {
    const { previous, next } = entry;
    if (previous === undefined) this.first = next;
    else previous.next = next;
    if (next === undefined) this.last = previous;
    else next.previous = previous;
    entry.previous = undefined;
    entry.next = undefined;
    this.length--;
  }
}
