import type { Receiver } from '../../../lib/core/emission.js';
import type { Delivery } from '../../../lib/core/delivery.js';
import type { Logger } from '../../../lib/core/logger.js';
import { MemoryBody, type Body } from '../../../lib/lonelyps/body.js';
import { topicBytes } from '../../../lib/lonelyps/codec/topic-text.js';
import type { Arrival } from '../../../lib/lonelyps/connection/http.js';
import type { LonelypsDelivery } from '../../../lib/lonelyps/delivery.js';
import type { LonelypsChannel } from '../../../lib/lonelyps/selection.js';
import type { Pattern, Session } from '../../../lib/lonelyps/session/session.js';
import { Dispatcher } from '../../../lib/lonelyps/source/dispatcher.js';
import { TopicSource, type TopicSourceHost, type TopicSourceRequest } from '../../../lib/lonelyps/source/source.js';
import { sha512 } from '../../support/fake-lonelyps/index.js';
import { ManualClock } from '../../support/manual-clock.js';

/** A message by hand, which remembers how it was answered. */
export class HandArrival implements Arrival {
  /** `accept 1`, `refuse`, `unwanted`: one, if all is well. */
  readonly answers: string[] = [];
  readonly topic: Uint8Array;

  constructor(
    topic: string,
    readonly body: Body,
  ) {
    this.topic = topicBytes(topic);
  }

  accept(subscribers: number): void {
    this.answers.push(`accept ${subscribers}`);
  }

  refuse(): void {
    this.answers.push('refuse');
  }

  unwanted(): void {
    this.answers.push('unwanted');
  }
}

/** A body that is in no memory until it is told to be. */
export class HandFile implements Body {
  readonly bytes = undefined;
  readonly sha512: Uint8Array;
  discarded = 0;
  private waiting: { resolve: (bytes: Uint8Array) => void; reject: (error: Error) => void }[] = [];

  constructor(private readonly content: Uint8Array) {
    this.sha512 = sha512(content);
  }

  get length(): number {
    return this.content.length;
  }

  async *read(): AsyncIterable<Uint8Array> {
    yield this.content;
  }

  load(): Promise<Uint8Array> {
    return new Promise((resolve, reject) => this.waiting.push({ resolve, reject }));
  }

  loaded(): void {
    for (const { resolve } of this.waiting.splice(0)) resolve(this.content);
  }

  failed(error: Error): void {
    for (const { reject } of this.waiting.splice(0)) reject(error);
  }

  discard(): void {
    this.discarded++;
  }
}

/** A session that remembers what is wanted. */
export class HandSession implements Pick<Session, 'want' | 'unwant' | 'settled'> {
  readonly wanted: string[] = [];
  readonly waiting: (() => void)[] = [];

  want(pattern: Pattern): void {
    this.wanted.push(pattern.key);
  }

  unwant(pattern: Pattern): void {
    this.wanted.splice(this.wanted.indexOf(pattern.key), 1);
  }

  settled(): Promise<void> {
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  subscribed(): void {
    for (const resolve of this.waiting.splice(0)) resolve();
  }
}

/** Sources over sessions, bodies and clocks by hand. */
export class SourceKit {
  readonly clock = new ManualClock();
  readonly session = new HandSession();
  /** Channels of messages that were lost before a full window. */
  readonly misses: string[] = [];
  readonly warnings: string[] = [];
  readonly dispatcher: Dispatcher;
  private readonly host: TopicSourceHost;

  constructor() {
    const log: Logger = {
      debug: () => undefined,
      info: () => undefined,
      warn: (...given: unknown[]) => this.warnings.push(given.join(' ')),
      error: () => undefined,
    };
    this.dispatcher = new Dispatcher({
      clock: this.clock,
      log,
      answerWithin: 4_000,
      onMiss: (channel) => this.misses.push(channel),
    });
    this.host = {
      clock: this.clock,
      session: this.session as unknown as Session,
      dispatcher: this.dispatcher,
      linger: 10_000,
      wake: () => undefined,
    };
  }

  /** A source that has begun. */
  source(channel: LonelypsChannel, options: KitOptions = {}): Listening {
    return new Listening(this.host, channel, options);
  }

  /** A message comes. */
  arrive(topic: string, content: string | Body): HandArrival {
    const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : undefined;
    const arrival = new HandArrival(
      topic,
      bytes === undefined ? (content as Body) : new MemoryBody(bytes, sha512(bytes)),
    );
    this.dispatcher.arrived(arrival);
    return arrival;
  }
}

/** What a spec may ask for. */
export type KitOptions = Partial<TopicSourceRequest['settings']> &
  Partial<Pick<TopicSourceRequest, 'settles' | 'dedupe' | 'onReceiving'>> & {
    /** Acks what comes at once. */
    readonly acks?: boolean;
    /** Is called with what comes. */
    readonly onNext?: () => void;
  };

/** A source and what it gave. */
export class Listening implements Receiver {
  readonly all: LonelypsDelivery<unknown>[] = [];
  readonly source: TopicSource;
  failure: unknown;
  completed = false;
  ended = 0;
  private readonly acks: boolean;
  private readonly onNext: () => void;

  constructor(host: TopicSourceHost, channel: LonelypsChannel, options: KitOptions) {
    const { settles = false, dedupe, onReceiving, acks = false, maxInFlight = 3, onNext, ...settings } = options;
    this.acks = acks;
    this.onNext = onNext ?? (() => undefined);
    this.source = new TopicSource(host, {
      where: 'messages()',
      channel,
      settings: { ...settings, maxInFlight },
      settles,
      dedupe,
      onReceiving,
      receiver: this,
      onEnd: () => {
        this.ended++;
      },
    });
    this.source.start();
  }

  get texts(): string[] {
    return this.all.map(({ value }) => (value instanceof Uint8Array ? new TextDecoder().decode(value) : String(value)));
  }

  next(delivery: Delivery<unknown>): void {
    this.all.push(delivery as LonelypsDelivery<unknown>);
    if (this.acks) delivery.ack();
    this.onNext();
  }

  error(error: unknown): void {
    this.failure = error;
    this.source.stop();
  }

  complete(): void {
    this.completed = true;
  }
}
