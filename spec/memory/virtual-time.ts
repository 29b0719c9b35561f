import { expect } from 'chai';
import { TestScheduler } from 'rxjs/testing';
import { text } from '../../lib/codec/text.js';
import type { Receipt } from '../../lib/core/broker.js';
import type { Delivery } from '../../lib/core/delivery.js';
import { memory, type MemoryBroker, type MemoryOptions } from '../../lib/memory/index.js';

/** A scheduler whose marbles are compared by chai. */
export function marbles(): TestScheduler {
  return new TestScheduler((actual, expected) => {
    expect(actual).to.deep.equal(expected);
  });
}

/** A memory broker in virtual time that is moved by hand. */
export class VirtualBroker {
  readonly scheduler = new TestScheduler(() => undefined);
  readonly broker: MemoryBroker;

  constructor(options: MemoryOptions = {}) {
    this.broker = memory({ ...options, scheduler: this.scheduler });
  }

  /** Timers that run. */
  get timers(): number {
    return this.scheduler.actions.length;
  }

  advance(ms = 0): void {
    const { scheduler } = this;
    // an action at the end, because virtual time stands still where nothing is scheduled
    scheduler.schedule(() => undefined, ms);
    scheduler.maxFrames = scheduler.frame + ms;
    scheduler.flush();
  }

  /** Publishes texts; returns their receipts, which fill up as time moves. */
  put(channel: string, ...texts: string[]): Receipt<string>[] {
    const receipts: Receipt<string>[] = [];
    this.broker.publishFrom(channel, texts, { codec: text }).subscribe((receipt) => receipts.push(receipt));
    this.advance();
    return receipts;
  }
}

/** Writes deliveries down: `a`, `a+1` for its first redelivery. */
export function written(delivery: Delivery<string>): string {
  return delivery.redelivered ? `${delivery.value}+${delivery.redeliveries}` : delivery.value;
}

/** What a subscription wrote down. */
export class Notes {
  log: string[] = [];
  readonly deliveries: Delivery<string>[] = [];

  /** @param ack - whether each is acked at once */
  constructor(private readonly ack = false) {}

  next = (delivery: Delivery<string>): void => {
    this.log.push(written(delivery));
    this.deliveries.push(delivery);
    if (this.ack) delivery.ack();
  };

  error = (error: unknown): void => {
    this.log.push(`error ${String((error as { code?: string }).code)}`);
  };

  complete = (): void => {
    this.log.push('complete');
  };

  take(): string {
    const seen = this.log.join(' ');
    this.log = [];
    return seen;
  }
}
