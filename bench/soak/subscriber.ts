import type { Subscription } from 'rxjs';
import type { NatsStreamingBroker, NatsStreamingDelivery } from '../../lib/nats-streaming/index.js';
import type { Start } from '../../lib/core/starts.js';
import { Bits, Numbers } from './bits.js';
import type { Random } from './random.js';
import type { Story } from './story.js';
import { decodeValue, type Line } from './values.js';

/** What a subscriber asks for, and how it lives. */
export interface SubscriberPlan {
  readonly name: string;
  readonly broker: NatsStreamingBroker;
  readonly channel: string;
  readonly options: {
    readonly start: Extract<Start, { kind: 'earliest' | 'newOnly' | 'latest' }>;
    readonly durable?: string;
    readonly queue?: string;
    readonly maxInFlight: number;
    readonly ackWait: number;
  };
  /** Whether it unsubscribes and subscribes again now and then. */
  readonly comesAndGoes: boolean;
}

/** How many values of a line go before those of the next in one number. */
const span = 2 ** 32;

/** One that subscribes, acks sooner or later, keeps the books, and calls out what must not happen. */
export class Subscriber {
  /** What has arrived, by line. */
  readonly arrived: Bits[];
  emitted = 0;
  subscribed = false;
  private subscription: Subscription | undefined;
  /** Counts its subscriptions. */
  private turn = 0;
  /** The value acked at an offset, plus one. */
  private readonly acked = new Numbers();
  private open = new Set<bigint>();
  private readonly timers = new Set<NodeJS.Timeout>();
  private highest = -1n;
  private epoch = -1;
  private calm = false;
  private resting = false;

  constructor(
    readonly plan: SubscriberPlan,
    private readonly lines: readonly Line[],
    private readonly random: Random,
    private readonly story: Story,
  ) {
    this.arrived = lines.map(() => new Bits());
  }

  /** Deliveries that nobody has settled. */
  get unsettled(): number {
    return this.open.size;
  }

  start(): void {
    const { broker, channel, options, name } = this.plan;
    const turn = ++this.turn;
    // another subscription of a plain one knows nothing of what an earlier one has settled
    const acked = options.durable !== undefined && options.queue === undefined ? this.acked : new Numbers();
    const open = new Set<bigint>();
    this.open = open;
    this.highest = -1n;
    this.subscribed = true;
    this.subscription = broker.messages(channel, options).subscribe({
      next: (delivery) => {
        this.take(delivery, turn, acked, open);
      },
      error: (error: unknown) => {
        this.subscribed = false;
        this.story.wrong(`${name} ended with ${String(error)}`);
      },
      complete: () => {
        if (turn === this.turn && !this.resting) this.story.wrong(`${name} completed`);
      },
    });
    if (this.plan.comesAndGoes) this.later(this.random.between(5, 6_000), () => this.leave());
  }

  /** Acks all at once from here on, and stays. */
  settle(): void {
    this.calm = true;
    if (!this.subscribed) this.start();
  }

  /** The handle is about to close. */
  rest(): void {
    this.resting = true;
    for (const timer of this.timers) clearTimeout(timer);
  }

  private leave(): void {
    if (this.calm || !this.subscribed) return;
    this.subscribed = false;
    this.subscription?.unsubscribe();
    if (this.random.chance(0.4)) this.start();
    else this.later(this.random.between(0, 2_000), () => this.calm || this.start());
  }

  private take(delivery: NatsStreamingDelivery, turn: number, acked: Numbers, open: Set<bigint>): void {
    const { name, options } = this.plan;
    const { line, number } = decodeValue(delivery.value);
    const offset = Number(delivery.offset);
    const mark = line * span + number + 1;
    this.emitted++;
    if (turn !== this.turn || !this.subscribed) this.story.wrong(`${name}: emission after unsubscribe`);
    if (this.lines[line]?.channel !== this.plan.channel) this.story.wrong(`${name}: a value of another channel`);
    this.arrived[line]?.add(number);
    if (options.queue === undefined && acked.get(offset) === mark) {
      this.story.wrong(`${name}: ${line}:${number} at ${offset} was acked and came again`);
    }
    this.checkOrder(delivery);
    open.add(delivery.offset);
    if (open.size > options.maxInFlight) {
      this.story.wrong(`${name}: ${open.size} unsettled with maxInFlight ${options.maxInFlight}`);
    }
    const done = (): void => {
      if (delivery.settled) return;
      open.delete(delivery.offset);
      delivery.ack();
      // one that was released cannot be acked, and an ack in the hands of an earlier subscription counts no more
      if (delivery.settled && turn === this.turn) acked.set(offset, mark);
    };
    if (this.calm || this.random.chance(0.7)) done();
    else if (this.random.chance(0.02)) {
      open.delete(delivery.offset);
      delivery.release();
    } else this.later(this.random.between(0, this.random.chance(0.05) ? 2_500 : 100), done);
  }

  private checkOrder(delivery: NatsStreamingDelivery): void {
    const { story } = this;
    if (this.epoch !== story.epoch) {
      this.epoch = story.epoch;
      this.highest = -1n;
    }
    if (delivery.redelivered || story.active > 0 || this.plan.options.queue !== undefined) return;
    if (delivery.offset <= this.highest) {
      story.wrong(`${this.plan.name}: ${delivery.offset} came first after ${this.highest}, with no fault between`);
    }
    this.highest = delivery.offset;
  }

  private later(ms: number, work: () => void): void {
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      work();
    }, ms);
    this.timers.add(timer);
  }
}
