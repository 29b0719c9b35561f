import type { Clock } from '../../core/clock.js';
import { BrokerTimeoutError, type WeirError } from '../../core/errors.js';
import { readId } from '../codec/integers.js';
import { ConfirmTimer } from './confirm-timer.js';
import { confirm, leaveUncertain, refuse, type Item } from './items.js';
import { Pending, type PublishingId } from './pending.js';

/** What has its publishing id and no answer yet, sent or not; tells each message once what became of it. @internal */
export class Unconfirmed {
  readonly items = new Pending<Item>();
  private readonly timer: ConfirmTimer;
  /** The largest id that a socket was given. */
  private sentTo: PublishingId = -1;
  /** What was sent, and certainly not stored. */
  private readonly dropped = new Set<PublishingId>();

  /**
   * @param timeout - ms
   * @param expired - called when some have been given up because their time was over
   */
  constructor(
    private readonly stream: string,
    clock: Clock,
    private readonly timeout: number,
    private readonly expired: () => void,
  ) {
    this.timer = new ConfirmTimer(clock, timeout, (upTo) => {
      this.expire(upTo);
    });
  }

  /** All up to this id were given to a socket. */
  sent(lastId: PublishingId): void {
    if (lastId > this.sentTo) this.sentTo = lastId;
    this.timer.sent(lastId, this.items.firstId!);
  }

  /** The broker has stored them: `count` ids from `start` on. */
  confirmed(bytes: Uint8Array, start: number, count: number): void {
    const { items } = this;
    for (let i = 0; i < count; i++) {
      const id = readId(bytes, start + 8 * i);
      const item = items.take(id);
      // an id may be confirmed twice, and after its time
      if (item !== undefined) confirm(item, id);
    }
  }

  /** The broker has all up to this id. */
  stored(upTo: PublishingId): void {
    const { items } = this;
    for (let id = items.firstId; id !== undefined && id <= upTo; id = items.firstId) confirm(items.take(id)!, id);
  }

  refused(id: PublishingId, error: WeirError): void {
    const item = this.items.take(id);
    if (item !== undefined) refuse(item, error, id);
  }

  /** The broker did not take it, and would if it were sent again. Returns whether it is the first of its kind. */
  notTaken(id: PublishingId): boolean {
    this.dropped.add(id);
    return this.dropped.size === 1;
  }

  /** What is sent from here on goes to another publisher at the broker. */
  begin(): void {
    this.dropped.clear();
  }

  /** No answers come while there is no link, and that is nobody's fault. */
  pause(): void {
    this.timer.stop();
  }

  /** Nobody can tell what became of what was sent; the rest stays. */
  leaveSent(cause: WeirError): void {
    const sent: PublishingId[] = [];
    this.items.each((id) => {
      if (this.isDoubtful(id)) sent.push(id);
    });
    for (const id of sent) {
      const item = this.items.take(id);
      if (item !== undefined) leaveUncertain(item, id, 'the link was lost before', cause);
    }
  }

  /** There is no going on. A stream that is gone has nothing of what was sent to it. */
  drop(reason: string, error: WeirError): void {
    const gone = error.code === 'STREAM_NOT_FOUND';
    const all = this.items.clear().map(({ id, item }) => ({ id, item, doubtful: !gone && this.isDoubtful(id) }));
    this.dropped.clear();
    for (const { id, item, doubtful } of all) {
      if (doubtful) leaveUncertain(item, id, reason, error);
      else refuse(item, error, id);
    }
  }

  private isDoubtful(id: PublishingId): boolean {
    return id <= this.sentTo && !this.dropped.has(id);
  }

  /** Their time is over; what they are answered later is not heard. */
  private expire(upTo: PublishingId): void {
    const { items, stream, timeout } = this;
    const reason = `no confirmation within ${String(timeout)} ms`;
    const cause = new BrokerTimeoutError(`'${stream}': ${reason}`, { broker: 'rabbitmq-stream' });
    for (let id = items.firstId; id !== undefined && id <= upTo; id = items.firstId) {
      leaveUncertain(items.take(id)!, id, reason, cause);
    }
    this.expired();
  }
}
