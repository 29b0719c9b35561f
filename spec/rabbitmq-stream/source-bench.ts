import { Subscription } from 'rxjs';
import type { BrokerEvent, Status } from '../../lib/core/broker.js';
import { earliest } from '../../lib/core/starts.js';
import { keys } from '../../lib/rabbitmq-stream/codec/keys.js';
import {
  rabbitmqStream,
  type amqp,
  type RabbitMqStreamBroker,
  type RabbitMqStreamDelivery,
  type RabbitMqStreamSourceOptions,
} from '../../lib/rabbitmq-stream/index.js';
import { FakeRabbitMq, type FakeConnection } from '../support/fake-rabbitmq.js';
import { until } from '../support/wait.js';
import { FakeLog } from './fake-log.js';

/** A handle, the log that it reads, and what came of it. */
export class SourceBench {
  readonly states: Status['state'][] = [];
  readonly causes: unknown[] = [];
  readonly events: BrokerEvent[] = [];
  readonly seen: RabbitMqStreamDelivery<unknown>[] = [];
  readonly broker: RabbitMqStreamBroker;
  readonly log: FakeLog;
  failure: unknown;
  completed = false;
  /** Whether each delivery is settled when it was seen. */
  acks = true;
  private readonly subscription = new Subscription();

  private constructor(readonly fake: FakeRabbitMq) {
    this.log = new FakeLog(fake);
    this.broker = rabbitmqStream({
      host: fake.host,
      port: fake.port,
      reconnect: { initialDelay: 2, maxDelay: 10 },
      closeTimeout: 1_000,
    });
    this.broker.status.subscribe(({ state, cause }) => {
      this.states.push(state);
      if (cause !== undefined) this.causes.push(cause);
    });
    this.broker.events.subscribe((event) => this.events.push(event));
  }

  static async start(): Promise<SourceBench> {
    return new SourceBench(await FakeRabbitMq.start());
  }

  read(options: RabbitMqStreamSourceOptions & { readonly codec?: ReturnType<typeof amqp> } = {}): Subscription {
    const { codec, ...others } = options;
    const settings = { start: earliest(), ...others };
    const messages =
      codec === undefined
        ? this.broker.messages('s', settings)
        : (this.broker.messages('s', { ...settings, codec }) as unknown as ReturnType<
            RabbitMqStreamBroker['messages']
          >);
    const subscription = messages.subscribe({
      next: (delivery) => {
        this.seen.push(delivery);
        if (this.acks) delivery.ack();
      },
      error: (error: unknown) => {
        this.failure = error;
      },
      complete: () => {
        this.completed = true;
      },
    });
    this.subscription.add(subscription);
    return subscription;
  }

  get offsets(): number[] {
    return this.seen.map(({ offset }) => Number(offset));
  }

  of<T extends BrokerEvent['type']>(type: T): Extract<BrokerEvent, { type: T }>[] {
    return this.events.filter((event): event is Extract<BrokerEvent, { type: T }> => event.type === type);
  }

  /** Waits until this many deliveries came, and what should not follow had its time. */
  async saw(count: number): Promise<void> {
    const message = (): string =>
      `${count} deliveries; came: ${this.offsets.join(' ')}; failure: ${String(this.failure)}; events: ${JSON.stringify(this.events)}`;
    await until(() => this.seen.length >= count || this.failure !== undefined, { every: 2, timeout: 5_000, message });
    await this.quiet();
    if (this.seen.length < count) throw new Error(message(), { cause: this.failure });
  }

  /**
   * Waits until the handle has read all that it was sent, and the broker all that the handle has written, so often that
   * nothing new has come of it.
   */
  async quiet(): Promise<void> {
    const { connections } = this.fake;
    const heard = (): number => connections.reduce((sum, { frames }) => sum + frames.length, connections.length);
    for (let before = -1; before !== heard();) {
      await turns();
      before = heard();
      const asked = connections.filter(canBeAsked);
      await Promise.all(asked.map((connection) => this.log.echo(connection)));
      before += asked.length;
      await turns();
    }
  }

  async stop(): Promise<void> {
    this.subscription.unsubscribe();
    for (const each of this.seen) each.ack();
    await this.broker.close();
    await until(() => this.fake.open === 0, { every: 2, message: 'every connection to be closed' });
    await this.fake.stop();
  }
}

/** What a client sends before it can be asked anything. */
const handshake = new Set<number>([
  keys.peerProperties,
  keys.saslHandshake,
  keys.saslAuthenticate,
  keys.tune,
  keys.open,
  keys.exchangeCommandVersions,
  keys.heartbeat,
]);

function canBeAsked({ closed, socket, frames }: FakeConnection): boolean {
  return !closed && !socket.writableEnded && frames.some(({ key }) => !handshake.has(key));
}

/** Both sides of a socket do their part in turns of their own. */
async function turns(): Promise<void> {
  for (let n = 0; n < 20; n++) await new Promise((resolve) => setImmediate(resolve));
}

export function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, n) => n);
}
