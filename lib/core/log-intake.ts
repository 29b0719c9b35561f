import type { Cancel, Clock } from './clock.js';
import { Deque } from './deque.js';
import type { BaseDelivery, PlaceOwner } from './delivery.js';
import { Emission, position, type EmissionOptions, type Receiver } from './emission.js';
import type { LogDelivery, Track } from './track.js';

/** What the intake asks of the source around it. None of these may throw. @internal */
export interface LogProtocol {
  /** A delivery was settled; its track's position may have moved. */
  settled(delivery: LogDelivery<unknown>): void;
  /** There is room again: hands in what waits, as long as there is. */
  pull(): void;
  /** A track has reached its end. */
  reached(track: Track): void;
  /** Emission has stopped and nothing is unsettled any more. Called once. */
  idle(): void;
}

/** @internal */
export interface LogIntakeOptions extends EmissionOptions {
  readonly maxInFlight: number;
  /** Milliseconds after which an unsettled delivery is emitted again; undefined: never. */
  readonly ackWait?: number | undefined;
}

/** Milliseconds until a delivery that was released comes again: at once the first time, then ever later up to a second. */
function pauseBefore(redeliveries: number): number {
  return redeliveries === 0 ? 0 : Math.min(2 ** redeliveries, 1_000);
}

/**
 * The way in for brokers that never send a message twice by themselves: the client keeps the position, and what is
 * released or not settled in time is emitted again from here. The source hands deliveries in while there is
 * {@link room}, and is asked for more when there is again, so that nothing waits here but what was released.
 * @internal
 */
export class LogIntake implements PlaceOwner {
  private readonly emission: Emission;
  /** Released, and due to be emitted again. */
  private readonly returned = new Deque<LogDelivery<unknown>>();
  private readonly pauses = new Set<Cancel>();
  /** Tracks with unsettled deliveries that may come again after `ackWait`. */
  private readonly watched = new Set<Track>();
  private cancelWatch: Cancel | undefined;
  /** Places taken: emitted and unsettled. */
  private count = 0;
  /** Released and not emitted again yet. They take a place from what is to come, so that their number is bounded. */
  private waiting = 0;
  private over = false;
  private idled = false;
  private pulling = false;

  constructor(
    private readonly options: LogIntakeOptions,
    private readonly receiver: Receiver,
    private readonly protocol: LogProtocol,
    private readonly clock: Clock,
  ) {
    this.emission = new Emission(options, receiver);
  }

  /** Deliveries emitted and neither settled nor released. */
  get unsettled(): number {
    return this.count;
  }

  /** Whether it emits no more. */
  get stopped(): boolean {
    return this.over;
  }

  /** Whether a delivery handed in now would be emitted. */
  get room(): boolean {
    return !this.over && this.count + this.waiting < this.options.maxInFlight && this.returned.length === 0;
  }

  /** Emits the next delivery of a track. Only while there is {@link room}. */
  admit(track: Track, delivery: LogDelivery<unknown>): void {
    const { until } = track;
    const end = until === undefined ? 'before' : position(until, delivery);
    if (end === 'beyond') {
      this.end(track);
      return;
    }
    track.add(delivery);
    this.count++;
    delivery.owner = this;
    const { ackWait } = this.options;
    if (ackWait !== undefined) this.watch(track, delivery, ackWait);
    this.emission.emit(delivery);
    if (end === 'last') this.end(track);
  }

  /** Passes over a delivery that is settled already or not wanted. It can be the end of the track all the same. */
  pass(track: Track, delivery: LogDelivery<unknown>): void {
    track.skip(delivery.offsetKey);
    if (track.until !== undefined && position(track.until, delivery) !== 'before') this.end(track);
  }

  /** The rest of a track is not asked for. */
  end(track: Track): void {
    if (track.ended) return;
    track.ended = true;
    this.protocol.reached(track);
  }

  /** Fills the room there is. */
  advance(): void {
    if (this.pulling) return;
    // a loop instead of recursion: an emission may settle at once
    this.pulling = true;
    while (!this.over && this.count < this.options.maxInFlight) {
      const delivery = this.returned.shift();
      if (delivery === undefined) break;
      this.waiting--;
      this.count++;
      this.emission.emit(delivery);
    }
    if (this.room) this.protocol.pull();
    this.pulling = false;
    if (this.over && this.count === 0 && !this.idled) {
      this.idled = true;
      this.protocol.idle();
    }
  }

  settled(first: BaseDelivery<unknown>): void {
    const delivery = first as LogDelivery<unknown>;
    this.count--;
    delivery.track!.remove(delivery);
    this.protocol.settled(delivery);
    if (!this.pulling) this.advance();
  }

  released(first: BaseDelivery<unknown>): void {
    const delivery = first as LogDelivery<unknown>;
    this.count--;
    if (!this.over && delivery.track!.alive) this.giveBack(delivery);
    this.advance();
  }

  /** Emits nothing more. What was emitted can still be settled; `protocol.idle` follows when all of it was. */
  stop(): void {
    if (this.over) return;
    this.over = true;
    for (const cancel of this.pauses) cancel();
    this.pauses.clear();
    this.returned.clear();
    this.waiting = 0;
    this.cancelWatch?.();
    this.cancelWatch = undefined;
    this.watched.clear();
    this.advance();
  }

  /** A track was taken away: what of it was released does not come again from here. */
  drop(track: Track): void {
    track.alive = false;
    this.watched.delete(track);
    for (let n = this.returned.length; n > 0; n--) {
      const delivery = this.returned.shift()!;
      if (delivery.track === track) this.waiting--;
      else this.returned.push(delivery);
    }
  }

  /** A released delivery keeps its place in the log, taken over by another object that comes again. */
  private giveBack(delivery: LogDelivery<unknown>): void {
    const track = delivery.track!;
    const copy = delivery.again();
    copy.owner = this;
    track.replace(delivery, copy);
    this.waiting++;
    const pause = this.clock.after(pauseBefore(delivery.redeliveries), () => {
      this.pauses.delete(pause);
      if (!track.alive) {
        this.waiting--;
        this.advance();
        return;
      }
      if (this.options.ackWait !== undefined) this.watch(track, copy, this.options.ackWait);
      this.returned.push(copy);
      this.advance();
    });
    this.pauses.add(pause);
  }

  private watch(track: Track, delivery: LogDelivery<unknown>, ackWait: number): void {
    delivery.due = this.clock.now() + ackWait;
    this.watched.add(track);
    this.cancelWatch ??= this.clock.after(ackWait, () => {
      this.overdue(ackWait);
    });
  }

  /** Emits copies of what was not settled in time. They take no place: the first of them holds it. */
  private overdue(ackWait: number): void {
    this.cancelWatch = undefined;
    const now = this.clock.now();
    let next = Infinity;
    const late: LogDelivery<unknown>[] = [];
    for (const track of this.watched) {
      if (track.oldest === undefined) this.watched.delete(track);
      for (let each = track.oldest; each !== undefined; each = each.newer) {
        if (each.due === 0 || !each.open) continue;
        if (each.due <= now) {
          each.due = now + ackWait;
          late.push(each);
        }
        if (each.due < next) next = each.due;
      }
    }
    if (next < Infinity) {
      this.cancelWatch = this.clock.after(next - now, () => {
        this.overdue(ackWait);
      });
    }
    // as in advance(): what is settled meanwhile makes room, which is filled afterwards and not within an emission
    this.pulling = true;
    for (const first of late) {
      if (this.over) break;
      if (first.open && first.track!.alive) this.emission.emitCopy(first.again(), first);
    }
    this.pulling = false;
    this.advance();
  }
}
