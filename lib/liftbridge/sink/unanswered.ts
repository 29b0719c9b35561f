import type { Clock } from '../../core/clock.js';
import { BrokerTimeoutError, InvalidOptionError } from '../../core/errors.js';
import type { Entry } from '../../core/publisher.js';
import { correlationCounter } from '../codec/correlation.js';
import { AckTimer } from './ack-timer.js';
import { CorrelationTexts } from './correlation-texts.js';
import { giveBackSent } from './give-back.js';
import { InFlight } from './in-flight.js';

const broker = 'liftbridge';

/**
 * The messages that wait for their acks, by the correlation ids under which these come: numbers for those that are made
 * here, which nobody has to look up, and the texts of users.
 * @internal
 */
export class Unanswered {
  private readonly inFlight = new InFlight<Entry>();
  /** The numbers of those that have an id of the user's. */
  private readonly byId = new Map<string, number>();
  private readonly texts: CorrelationTexts;
  private readonly timer: AckTimer;

  /**
   * @param prefix - what generated ids begin with
   * @param timeoutOf - how long a message may wait, in milliseconds
   */
  constructor(
    private readonly prefix: string,
    clock: Clock,
    private readonly timeoutOf: (entry: Entry) => number,
  ) {
    this.texts = new CorrelationTexts(prefix);
    this.timer = new AckTimer(clock, (now) => this.expire(now));
  }

  /** The number of the next message; the ack of one without an id of the user's comes under it. */
  get next(): number {
    return this.inFlight.next;
  }

  /** Refuses an id of the user's under which another ack may come. @throws InvalidOptionError */
  checkId(id: string, channel: string): void {
    const { byId, inFlight } = this;
    const counter = correlationCounter(this.prefix, id);
    // one of ours is free again when it is done
    const isOurs = counter >= 0 && (counter >= inFlight.next || inFlight.peek(counter) !== undefined);
    if (!isOurs && !byId.has(id)) return;
    throw new InvalidOptionError(
      `cannot publish to '${channel}': the correlationId '${id}' is that of another message, whose ack has not come yet; wait for that, or take another one`,
      { broker },
    );
  }

  /** Adds the next one. @param timeout - ms */
  add(entry: Entry, id: string | undefined, at: number, timeout: number): void {
    const number = this.inFlight.push(entry);
    if (id !== undefined) {
      entry.id = id;
      this.byId.set(id, number);
    }
    entry.writtenAt = at;
    this.timer.expect(at + timeout);
  }

  /** Takes out the one whose ack came; undefined where none waits for it, or not any more. */
  answered(correlationId: number | string): Entry | undefined {
    const { byId } = this;
    let number: number | undefined;
    if (typeof correlationId === 'string') number = byId.get(correlationId);
    // the user may have taken one of ours that is done
    else number = byId.size === 0 ? correlationId : (byId.get(this.texts.of(correlationId)) ?? correlationId);
    return number === undefined ? undefined : this.take(number);
  }

  /** Whether there is one of that kind. */
  some(is: (entry: Entry) => boolean): boolean {
    let found = false;
    this.inFlight.each((_number, entry) => {
      found ||= is(entry);
    });
    return found;
  }

  /** Takes out all with a number from `first` to before `end`, in their order. */
  takeAll(first: number, end: number): Entry[] {
    const taken: Entry[] = [];
    this.inFlight.each((number) => {
      if (number >= first && number < end) taken.push(this.take(number)!);
    });
    return taken;
  }

  /** Nothing is timed any more. */
  close(): void {
    this.timer.stop();
  }

  /**
   * Takes one out, and gives it its id. The text is made here and not when it is written, because a window full of texts is
   * what the collector would have to carry along.
   */
  private take(number: number): Entry | undefined {
    const { inFlight, byId } = this;
    const entry = inFlight.take(number);
    if (entry === undefined) return undefined;
    if (byId.size > 0 && byId.get(entry.id as string) === number) byId.delete(entry.id as string);
    else entry.id = this.texts.of(number);
    return entry;
  }

  private expire(now: number): number {
    const late = new Map<number, Entry[]>();
    let next = Infinity;
    this.inFlight.each((number, entry) => {
      const timeout = this.timeoutOf(entry);
      if (entry.writtenAt + timeout > now) {
        next = Math.min(next, entry.writtenAt + timeout);
        return;
      }
      const list = late.get(timeout);
      if (list === undefined) late.set(timeout, [this.take(number)!]);
      else list.push(this.take(number)!);
    });
    for (const [ms, entries] of late) {
      const reason = `no ack within ${String(ms)} ms`;
      giveBackSent(entries, reason, new BrokerTimeoutError(reason, { broker }));
    }
    return next;
  }
}
