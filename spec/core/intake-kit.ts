import { BaseDelivery, type Delivery } from '../../lib/core/delivery.js';
import type { Receiver } from '../../lib/core/emission.js';
import { Intake, type IntakeOptions, type IntakeProtocol } from '../../lib/core/intake.js';
import { Lane } from '../../lib/core/lane.js';
import type { OffsetKey } from '../../lib/core/offset.js';
import { Watermark } from '../../lib/core/watermark.js';

/** A delivery that no broker made. */
export class HandMade extends BaseDelivery<unknown> {
  readonly channel = 'c';
  readonly redeliveries: number;
  readonly payload: Uint8Array;
  readonly timestamp: bigint | undefined;

  constructor(
    readonly offsetKey: OffsetKey,
    {
      redeliveries = 0,
      payload = `${offsetKey}`,
      time,
    }: { redeliveries?: number; payload?: string | Uint8Array; time?: number } = {},
  ) {
    super();
    this.redeliveries = redeliveries;
    this.payload = typeof payload === 'string' ? new TextEncoder().encode(payload) : payload;
    this.timestamp = time === undefined ? undefined : BigInt(time) * 1_000_000n;
  }

  get redelivered(): boolean {
    return this.redeliveries > 0;
  }
}

/**
 * An intake whose protocol and subscriber are written down in one log: `next 1`, `ack 1`, `release 1`, `reset 5`, `error`,
 * `complete`, `idle`.
 */
export class IntakeBench implements Receiver, IntakeProtocol {
  log: string[] = [];
  readonly emitted: Delivery<unknown>[] = [];
  failure: unknown;
  /** Called with each emission, after it was written down. */
  then: (delivery: HandMade) => void = () => undefined;
  readonly intake: Intake;
  readonly lane: Lane;

  constructor(options: Partial<IntakeOptions> = {}, lane?: Lane) {
    const maxInFlight = options.maxInFlight ?? 3;
    this.intake = new Intake({ ...options, maxInFlight }, this, this);
    this.lane = lane ?? new Lane(new Watermark(), maxInFlight);
  }

  /** What was written down since the last look. */
  take(): string {
    const seen = this.log.join(' ');
    this.log = [];
    return seen;
  }

  /** Hands messages in; returns their deliveries. */
  arrive(...offsets: number[]): HandMade[] {
    return offsets.map((offset) => this.hand(new HandMade(offset)));
  }

  /** Hands one in. @param stamp - default: that of a log that stores a message per unit of time */
  hand(delivery: HandMade, stamp = Number(delivery.offsetKey)): HandMade {
    this.intake.arrive(this.lane, delivery, stamp);
    return delivery;
  }

  next(delivery: Delivery<unknown>): void {
    const made = delivery as HandMade;
    this.log.push(`next ${made.offsetKey}${made.redelivered ? 'r' : ''}`);
    this.emitted.push(delivery);
    this.then(made);
  }

  error(error: unknown): void {
    this.log.push('error');
    this.failure = error;
    // as RxJS does: the teardown follows the error
    this.intake.stop();
  }

  complete(): void {
    if (this.intake.stopped) return;
    this.log.push('complete');
    this.intake.stop();
  }

  ack(delivery: BaseDelivery<unknown>): void {
    this.log.push(`ack ${delivery.offsetKey}`);
  }

  release(delivery: BaseDelivery<unknown>): void {
    this.log.push(`release ${delivery.offsetKey}`);
  }

  reset(last: bigint | undefined): void {
    this.log.push(`reset ${last}`);
  }

  idle(): void {
    this.log.push('idle');
  }
}
