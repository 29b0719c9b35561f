import type { Clock } from '../../core/clock.js';
import { Deque } from '../../core/deque.js';
import type { BaseDelivery, PlaceOwner } from '../../core/delivery.js';
import { Emission, type Receiver } from '../../core/emission.js';
import { DecodeError } from '../../core/errors.js';
import type { SourceSettings } from '../../core/settings.js';
import { TopicDelivery } from '../delivery.js';
import { leavesBytes } from '../held-body.js';
import type { Offering, Taker } from './offering.js';
import { Recent } from './recent.js';

/** @internal */
export interface WindowParts {
  readonly clock: Clock;
  readonly settings: SourceSettings;
  /** Whether the broadcaster is answered when a delivery is settled. */
  readonly settles: boolean;
  /** Remembers messages for so many ms, to drop their copies. */
  readonly dedupe: number | undefined;
  readonly receiver: Receiver;
  /** Whose window it is. */
  readonly taker: Taker;
  /** Nothing is unsettled any more, after `stop`. */
  readonly onIdle: () => void;
}

/**
 * The deliveries of one source that are emitted and not settled, and what waits before it. A message takes its place when it
 * comes; where there is none, it waits at the door, and with it the broadcaster.
 * @internal
 */
export class MessageWindow implements PlaceOwner {
  /** Emitted and neither settled nor released. */
  private readonly places = new Set<BaseDelivery<unknown>>();
  /** They have their places, and are not emitted yet: one before them is read from its file, or all are held back. */
  private readonly line = new Deque<TopicDelivery<unknown>>();
  /** Bounded by how many messages the broadcaster may leave unanswered. */
  private readonly door = new Deque<Offering>();
  private readonly emission: Emission;
  private readonly recent: Recent | undefined;
  /** `onReceiving` is at work. */
  private held = false;
  /** The first of the line is read from its file. */
  private loading = false;
  private moving = false;
  private stopped = false;

  constructor(private readonly parts: WindowParts) {
    this.emission = new Emission(parts.settings, parts.receiver);
    this.recent = parts.dedupe === undefined ? undefined : new Recent(parts.dedupe);
  }

  get unsettled(): number {
    return this.places.size;
  }

  offer(offering: Offering): void {
    const { clock, taker } = this.parts;
    const copy = this.recent?.has(offering.channel, offering.held.body.sha512, clock.now()) === true;
    if (this.stopped || copy) offering.passed(taker, copy);
    else if (this.full || this.door.length > 0) {
      this.door.push(offering);
      offering.waits(taker);
    } else {
      this.admit(offering);
      this.move();
    }
  }

  turnedAway(offering: Offering): void {
    this.door.remove(offering);
    this.recent?.drop(offering.channel, offering.held.body.sha512);
  }

  /** Emits nothing until {@link letThrough}. */
  hold(): void {
    this.held = true;
  }

  letThrough(): void {
    this.held = false;
    this.move();
  }

  /** Emits nothing more; what was emitted can still be settled. */
  stop(): void {
    this.stopped = true;
    for (let each = this.line.shift(); each !== undefined; each = this.line.shift()) each.done(false);
    for (let each = this.door.shift(); each !== undefined; each = this.door.shift()) {
      each.passed(this.parts.taker, false);
    }
  }

  /** What was emitted cannot be settled any more: it needs its bytes no longer. */
  clear(): void {
    const left = [...this.places] as TopicDelivery<unknown>[];
    this.places.clear();
    for (const each of left) each.done(false);
  }

  settled(first: BaseDelivery<unknown>): void {
    this.leave(first, true);
  }

  released(first: BaseDelivery<unknown>): void {
    this.leave(first, false);
  }

  private get full(): boolean {
    return this.places.size + this.line.length >= this.parts.settings.maxInFlight;
  }

  private leave(first: BaseDelivery<unknown>, settled: boolean): void {
    if (!this.places.delete(first)) return;
    (first as TopicDelivery<unknown>).done(settled);
    this.move();
    if (this.stopped && this.places.size === 0) this.parts.onIdle();
  }

  private admit(offering: Offering): void {
    const { settles, taker } = this.parts;
    const onDone = settles ? (settled: boolean) => offering.settled(settled) : undefined;
    this.line.push(new TopicDelivery(offering.channel, offering.topic, offering.held.hold(), onDone));
    offering.taken(taker, settles);
  }

  /** Emits what can be, and lets in what then has room. A loop, because an emission may settle at once. */
  private move(): void {
    if (this.moving) return;
    this.moving = true;
    while (!this.stopped) {
      if (this.door.length > 0 && !this.full) this.admit(this.door.shift()!);
      else if (this.held || this.loading || this.line.length === 0) break;
      else this.emitNext();
    }
    this.moving = false;
  }

  private emitNext(): void {
    const next = this.line.peek()!;
    if (!next.loaded && !leavesBytes(this.parts.settings.codec)) {
      this.load(next);
      return;
    }
    this.line.shift();
    this.places.add(next);
    next.owner = this;
    this.emission.emit(next);
  }

  /** Reads what was spooled, for a codec that wants bytes. Those behind it wait, so that the order stays. */
  private load(next: TopicDelivery<unknown>): void {
    this.loading = true;
    const done = (then: () => void): void => {
      this.loading = false;
      if (!this.stopped) then();
    };
    next.load().then(
      () => {
        done(() => {
          this.move();
        });
      },
      (cause: unknown) => {
        done(() => {
          this.parts.receiver.error(unreadable(next, cause));
        });
      },
    );
  }
}

function unreadable(delivery: TopicDelivery<unknown>, cause: unknown): DecodeError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  const message = `the ${delivery.length} bytes of a message on '${delivery.channel}' cannot be read from the file that they were spooled to: ${reason}`;
  return new DecodeError(message, { broker: 'lonelyps', cause });
}
