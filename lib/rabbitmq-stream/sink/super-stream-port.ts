import type { Cancel } from '../../core/clock.js';
import { InvalidOptionError, PublishError, RoutingError, WeirError } from '../../core/errors.js';
import { asWeirError, type Entry } from '../../core/publisher.js';
import { encodeText } from '../../core/wire/text.js';
import { murmur3 } from '../codec/murmur3.js';
import type { RabbitMqStreamRouting } from '../routing.js';
import { Spread } from './items.js';
import { KeyRoutes } from './key-routes.js';
import type { SinkSettings } from './options.js';
import { Port } from './port.js';
import { Producer, type ProducerHost, type ProducerOwner } from './producer.js';

type State = 'idle' | 'opening' | 'ready' | 'closed';

/** The way to a super stream: a producer for each partition that something was routed to. @internal */
export class SuperStreamPort extends Port implements ProducerOwner {
  private state: State = 'idle';
  private cancelListing: Cancel | undefined;
  private partitions: readonly string[] = [];
  private readonly producers = new Map<string, Producer>();
  /** Where keys lead to, for routing by key. */
  private readonly routes: KeyRoutes | undefined;
  private readonly keyOf: (value: unknown) => unknown;

  /** @param onClose - called once, when its name can be given to another */
  constructor(
    private readonly channel: string,
    private readonly host: ProducerHost,
    private readonly settings: SinkSettings,
    routing: RabbitMqStreamRouting,
    private readonly onClose: () => void,
  ) {
    super();
    this.keyOf = routing.keyOf as (value: unknown) => unknown;
    if (routing.kind === 'key') {
      this.routes = new KeyRoutes(channel, host.session, {
        found: (entries, key, streams) => {
          this.found(entries, key, streams);
        },
        room: () => {
          this.pump();
        },
      });
    }
  }

  wake(): void {
    if (this.state !== 'idle') return;
    this.state = 'opening';
    this.host.wake();
    this.list();
  }

  hurry(): void {
    for (const producer of this.producers.values()) producer.hurry();
  }

  close(): void {
    this.end();
    for (const producer of this.producers.values()) producer.close();
    this.onClose();
  }

  abandon(error: WeirError): void {
    this.end();
    this.routes?.fail(error);
    for (const producer of this.producers.values()) producer.abandon(error);
  }

  becameWritable(): void {
    // a message that waits for its partition does so in the partition's producer
  }

  /** Partitions may have been added or deleted, and bindings changed: they are asked for again. */
  lost(error: WeirError): void {
    this.routes?.forget();
    if (this.state === 'ready') this.list(error);
  }

  failed(): void {
    // the messages have been told; the next one to that partition tries anew
  }

  protected get ready(): boolean {
    return this.state === 'ready' && this.routes?.full !== true;
  }

  protected send(entry: Entry): void {
    const key = this.keyFor(entry);
    if (this.routes === undefined) {
      const { partitions } = this;
      this.producerOf(partitions[murmur3(encodeText(key)) % partitions.length]!).accept(entry);
      return;
    }
    const streams = this.routes.get(key);
    if (streams === undefined) this.routes.ask(key, entry);
    else this.spread(entry, key, streams);
  }

  private keyFor(entry: Entry): string {
    let key: unknown;
    try {
      key = this.keyOf(entry.value);
    } catch (error) {
      if (error instanceof WeirError) throw error;
      const reason = error instanceof Error ? error.message : String(error);
      throw new PublishError(`cannot publish to '${this.channel}': the routing's function threw: ${reason}`, {
        broker: 'rabbitmq-stream',
        cause: error,
      });
    }
    if (typeof key === 'string') return key;
    throw new InvalidOptionError(
      `cannot publish to '${this.channel}': the routing's function gives a string; it gave a value of type ${typeof key}`,
      { broker: 'rabbitmq-stream' },
    );
  }

  /** What a key leads to is known: what waited for that goes out, in its order. */
  private found(entries: Iterable<Entry>, key: string, streams: readonly string[] | WeirError): void {
    for (const entry of entries) {
      try {
        if (streams instanceof WeirError) throw streams;
        this.spread(entry, key, streams);
      } catch (error) {
        entry.publisher.refused(entry, asWeirError(error, 'rabbitmq-stream'));
      }
    }
  }

  private spread(entry: Entry, key: string, streams: readonly string[]): void {
    const targets = streams.filter((stream) => this.partitions.includes(stream));
    const [only] = targets;
    if (only === undefined) throw this.unroutable(key);
    if (targets.length === 1) {
      this.producerOf(only).accept(entry);
      return;
    }
    const load = new Spread(entry, targets.length);
    for (const stream of targets) {
      try {
        this.producerOf(stream).accept(load);
      } catch (error) {
        load.answered(asWeirError(error, 'rabbitmq-stream'));
      }
    }
  }

  private unroutable(key: string): RoutingError {
    return new RoutingError(
      `cannot publish to '${this.channel}': no partition is bound with the key '${key}'; create the super stream with that binding key, or route by hash`,
      { broker: 'rabbitmq-stream', detail: { key, stream: this.channel } },
    );
  }

  private producerOf(stream: string): Producer {
    let producer = this.producers.get(stream);
    if (producer === undefined) {
      producer = new Producer(stream, this.host, this.settings, this);
      this.producers.set(stream, producer);
    }
    return producer;
  }

  /** Asks for the partitions. @param after - why they may have changed */
  private list(after?: WeirError): void {
    this.cancelListing?.();
    this.cancelListing = this.host.session.retry(
      async (signal) => {
        const partitions = await this.host.session.partitions(this.channel, signal);
        signal.throwIfAborted();
        this.listed(partitions);
      },
      (error) => {
        this.unlisted(error);
      },
      after,
    );
  }

  private listed(partitions: readonly string[]): void {
    this.cancelListing = undefined;
    if (partitions.length === 0) {
      this.unlisted(
        new RoutingError(`cannot publish to '${this.channel}': this super stream has no partitions`, {
          broker: 'rabbitmq-stream',
          detail: { stream: this.channel },
        }),
      );
      return;
    }
    this.partitions = partitions;
    for (const [stream, producer] of this.producers) {
      if (partitions.includes(stream) || !producer.empty) continue;
      producer.close();
      this.producers.delete(stream);
    }
    this.state = 'ready';
    this.pump();
  }

  /** They are not to be had. What is with the producers has its own end. */
  private unlisted(error: WeirError): void {
    this.cancelListing = undefined;
    if (this.state === 'closed') return;
    this.state = 'idle';
    this.routes?.fail(error);
    this.failQueued(error);
  }

  private end(): void {
    this.state = 'closed';
    this.cancelListing?.();
    this.cancelListing = undefined;
    this.routes?.close();
  }
}
