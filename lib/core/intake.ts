import { Deque } from './deque.js';
import type { BaseDelivery, PlaceOwner } from './delivery.js';
import { Emission, position, type EmissionOptions, type Receiver } from './emission.js';
import type { Lane } from './lane.js';
import type { Until } from './starts.js';

/** What the intake asks of the protocol below it. None of these may throw. @internal */
export interface IntakeProtocol {
  /** Tells the broker that the delivery is done with. */
  ack(delivery: BaseDelivery<unknown>): void;
  /** A delivery was given back unsettled. */
  release(delivery: BaseDelivery<unknown>): void;
  /** A lane's offsets began anew; told before the first message of the new log is emitted. */
  reset(last: bigint | undefined): void;
  /** Emission has ended and nothing is unsettled any more. Called once. */
  idle(): void;
}

/** @internal */
export interface IntakeOptions extends EmissionOptions {
  readonly maxInFlight: number;
  readonly until?: Until | undefined;
}

/** Beyond one window, what was redelivered may wait as long as it takes fewer bytes than this. */
const maxHeldBytes = 16 * 2 ** 20;
/** What a delivery takes beside its payload, roughly. */
const heldOverhead = 256;

/**
 * The way in: holds the window, knows copies, decodes, ends. One per subscription, the same for all brokers; the
 * protocol hands deliveries in with {@link arrive} and is told what to ack.
 * @internal
 */
export class Intake implements PlaceOwner {
  private readonly held = new Deque<BaseDelivery<unknown>>();
  private heldBytes = 0;
  private count = 0;
  private ended = false;
  private idled = false;
  private draining = false;

  private until: Until | undefined;
  private readonly emission: Emission;

  constructor(
    private readonly options: IntakeOptions,
    private readonly receiver: Receiver,
    private readonly protocol: IntakeProtocol,
  ) {
    this.until = options.until;
    this.emission = new Emission(options, receiver);
  }

  /** Says where `untilNow()` is, before the first message arrives. */
  endAt(until: Until): void {
    this.until = until;
  }

  /** Deliveries emitted and neither settled nor released. */
  get unsettled(): number {
    return this.count;
  }

  /** Whether it emits no more. */
  get stopped(): boolean {
    return this.ended;
  }

  /**
   * Takes in one message, in the order of the wire.
   * @param stamp - when the broker stored it, as a number that grows with the offset
   */
  arrive(lane: Lane, delivery: BaseDelivery<unknown>, stamp: number): void {
    if (this.ended) return;
    const key = delivery.offsetKey;
    const known = lane.last !== undefined && key <= lane.last;
    if (known && lane.contradicts(key, stamp)) this.restart(lane);
    lane.arrived(key, stamp);
    if (known) {
      const first = lane.places.get(key);
      if (first !== undefined) {
        delivery.lane = lane;
        this.emission.emitCopy(delivery, first);
        return;
      }
      if (this.held.length === 0 && lane.settledOffsets?.has(key)) {
        this.pass(delivery);
        return;
      }
    }
    delivery.lane = lane;
    if (this.count >= this.options.maxInFlight || this.held.length > 0) this.hold(delivery);
    else this.admit(delivery);
  }

  /** The offsets of a lane began anew: what waits has lost its meaning, what was emitted can settle nothing any more. */
  restart(lane: Lane): void {
    const { last } = lane;
    lane.reset();
    lane.places.clear();
    for (let n = this.held.length; n > 0; n--) {
      const delivery = this.held.shift()!;
      if (delivery.lane === lane) this.unhold(delivery);
      else this.held.push(delivery);
    }
    this.protocol.reset(last === undefined ? undefined : BigInt(last));
  }

  settled(first: BaseDelivery<unknown>): void {
    const lane = first.lane;
    if (lane !== undefined && this.vacate(lane, first)) {
      lane.settle(first.offsetKey);
      this.protocol.ack(first);
    }
    this.advance();
  }

  released(first: BaseDelivery<unknown>): void {
    if (first.lane !== undefined && this.vacate(first.lane, first)) this.protocol.release(first);
    this.advance();
  }

  /** Emits nothing more. What was emitted can still be settled; `protocol.idle` follows when all of it was. */
  stop(): void {
    if (this.ended) return;
    this.ended = true;
    this.held.clear();
    this.advance();
  }

  /** A place is free again. False where a reset has taken the place away, and with it the meaning of the offset. */
  private vacate(lane: Lane, first: BaseDelivery<unknown>): boolean {
    this.count--;
    if (lane.places.get(first.offsetKey) !== first) return false;
    lane.places.delete(first.offsetKey);
    return true;
  }

  private advance(): void {
    if (this.held.length > 0 && !this.draining) {
      // a loop instead of recursion: an emission may settle at once, and a whole window may be held
      this.draining = true;
      while (!this.ended && this.count < this.options.maxInFlight) {
        const delivery = this.held.shift();
        if (delivery === undefined) break;
        this.unhold(delivery);
        this.admit(delivery);
      }
      this.draining = false;
    }
    if (this.ended && this.count === 0 && !this.idled) {
      this.idled = true;
      this.protocol.idle();
    }
  }

  /**
   * The broker sent more than the window, as STAN does when it redelivers. What fits waits; what is beyond that stays
   * unacked at the broker and comes again, so that memory is bounded.
   */
  private hold(delivery: BaseDelivery<unknown>): void {
    const keys = delivery.lane!.held;
    const fits = this.held.length < this.options.maxInFlight || this.heldBytes < maxHeldBytes;
    if (!fits || keys.has(delivery.offsetKey)) return;
    keys.set(delivery.offsetKey, delivery);
    this.held.push(delivery);
    this.heldBytes += delivery.payload.length + heldOverhead;
  }

  private unhold(delivery: BaseDelivery<unknown>): void {
    delivery.lane!.held.delete(delivery.offsetKey);
    this.heldBytes -= delivery.payload.length + heldOverhead;
  }

  private admit(delivery: BaseDelivery<unknown>): void {
    const end = this.position(delivery);
    if (end === 'beyond') {
      this.receiver.complete();
      return;
    }
    const lane = delivery.lane!;
    if (lane.settledOffsets?.has(delivery.offsetKey)) {
      this.pass(delivery);
      return;
    }
    lane.places.set(delivery.offsetKey, delivery);
    this.count++;
    delivery.owner = this;
    this.emission.emit(delivery);
    if (end === 'last') this.receiver.complete();
  }

  /**
   * It was settled in this process already: the ack was lost, so it is said again, and nobody sees the copy. It can be
   * the end of the source all the same.
   */
  private pass(delivery: BaseDelivery<unknown>): void {
    this.protocol.ack(delivery);
    if (this.position(delivery) !== 'before') this.receiver.complete();
  }

  private position(delivery: BaseDelivery<unknown>): 'before' | 'last' | 'beyond' {
    return this.until === undefined ? 'before' : position(this.until, delivery);
  }
}
