import { Subscription } from 'rxjs';
import type { BrokerEvent } from '../../lib/core/broker.js';
import { earliest } from '../../lib/core/starts.js';
import {
  liftbridge,
  type LiftbridgeBroker,
  type LiftbridgeDelivery,
  type LiftbridgeOptions,
  type LiftbridgeSourceOptions,
} from '../../lib/liftbridge/index.js';
import { FakeLiftbridge } from '../support/fake-liftbridge.js';
import { resources } from '../support/resources.js';
import { Told } from '../support/told.js';
import { until } from '../support/wait.js';
import { FakeLog } from './fake-log.js';

/** A handle, the log that it reads, and what came of it. */
export class SourceBench {
  readonly seen: LiftbridgeDelivery[] = [];
  readonly broker: LiftbridgeBroker;
  readonly told: Told;
  readonly log: FakeLog;
  failure: unknown;
  /** Whether each delivery is settled when it was seen. */
  acks = true;
  private readonly subscription = new Subscription();

  private constructor(
    readonly fake: FakeLiftbridge,
    options: LiftbridgeOptions,
  ) {
    this.log = new FakeLog(fake);
    this.broker = liftbridge({
      brokers: fake.url,
      reconnect: { initialDelay: 2, maxDelay: 10 },
      closeTimeout: 1_000,
      ...options,
    });
    this.told = new Told(this.broker);
  }

  static async start(options: LiftbridgeOptions = {}): Promise<SourceBench> {
    return new SourceBench(await FakeLiftbridge.start(), options);
  }

  read(options: LiftbridgeSourceOptions = {}): Subscription {
    const subscription = this.broker.messages('s', { start: earliest(), ...options, codec: undefined }).subscribe({
      next: (delivery) => {
        this.seen.push(delivery);
        if (this.acks) delivery.ack();
      },
      error: (error: unknown) => {
        this.failure = error;
      },
    });
    this.subscription.add(subscription);
    return subscription;
  }

  get offsets(): number[] {
    return this.seen.map(({ offset }) => Number(offset));
  }

  of<T extends BrokerEvent['type']>(type: T): Extract<BrokerEvent, { type: T }>[] {
    return this.told.of(type);
  }

  /** Waits until this many deliveries came, and what should not follow had its time. */
  async saw(count: number): Promise<void> {
    const message = (): string =>
      `${count} deliveries; came: ${this.offsets.join(' ')}; failure: ${String(this.failure)}; events: ${this.told.events.map(({ type }) => type).join(' ')}`;
    await until(() => this.seen.length >= count || this.failure !== undefined, { every: 2, message });
    await this.quiet();
    if (this.seen.length < count) throw new Error(message(), { cause: this.failure });
  }

  /** Waits for the source to end with an error. */
  async failed(): Promise<unknown> {
    await until(() => this.failure, { every: 2, message: () => `the error; came: ${this.offsets.join(' ')}` });
    await this.quiet();
    return this.failure;
  }

  /** Waits until each side has read what the other wrote before, some times over. */
  async quiet(): Promise<void> {
    for (let n = 0; n < 3; n++) await this.broker.metadata().catch(() => undefined);
  }

  async stop(): Promise<void> {
    this.subscription.unsubscribe();
    for (const each of this.seen) each.ack();
    await this.broker.close();
    // one to which it said goodbye may stay with the fake: Node's server does not see its end
    const sockets = (): number => resources()['TCPSocketWrap'] ?? 0;
    await until(() => sockets() <= this.fake.open, { every: 2, message: 'every connection to be closed' });
    await this.fake.stop();
  }
}

export function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, n) => n);
}
