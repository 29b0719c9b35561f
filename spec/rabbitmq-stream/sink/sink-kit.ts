import type { MessageFields, Receipt } from '../../../lib/core/broker.js';
import { systemClock, type Cancel, type Clock } from '../../../lib/core/clock.js';
import { ConnectionError, StreamNotFoundError, type WeirError } from '../../../lib/core/errors.js';
import { Entry, Publisher, type PublishPort, type ReceiptListener } from '../../../lib/core/publisher.js';
import { keys } from '../../../lib/rabbitmq-stream/codec/keys.js';
import { Reader } from '../../../lib/rabbitmq-stream/codec/reader.js';
import type { Connection } from '../../../lib/rabbitmq-stream/connection/connection.js';
import { failure, type RequestSubject } from '../../../lib/rabbitmq-stream/connection/failures.js';
import { Link } from '../../../lib/rabbitmq-stream/session/link.js';
import type { Session } from '../../../lib/rabbitmq-stream/session/session.js';
import type { RabbitMqStreamSinkOptions } from '../../../lib/rabbitmq-stream/sink/options.js';
import { Outbox } from '../../../lib/rabbitmq-stream/sink/outbox.js';
import { bodyOf, readPublish, recordsOf, type Published, type PublishFrame } from './published-frame.js';

/** A stream of the fake broker. */
export class FakeStream {
  readonly stored: Published[] = [];
  readonly lastIds = new Map<string, bigint>();

  /** The bodies of what is stored, those in uncompressed sub-entries too. */
  get bodies(): string[] {
    return this.stored.flatMap(({ bytes, sub }) => (sub === undefined ? [bytes] : recordsOf(bytes))).map(bodyOf);
  }
}

interface FakePublisher {
  readonly reference: string;
  readonly stream: string;
}

/** A connection to the fake broker: takes what is published, and says of it what the spec wants. */
export class FakeConnection {
  readonly name = 'fake';
  readonly remote = { host: 'fake', port: 5552 };
  readonly advertised = undefined;
  closed = false;
  readonly frames: PublishFrame[] = [];
  readonly requests: number[] = [];
  readonly publishers = new Map<number, FakePublisher>();
  readonly link: Link;

  constructor(private readonly broker: FakeBroker) {
    this.link = new Link('producer', { idle: () => undefined, closed: () => undefined });
    this.link.attach(this as unknown as Connection);
  }

  get frameMax(): number {
    return this.broker.frameMax;
  }

  get serverProperties(): Map<string, string> {
    return new Map([['version', this.broker.version]]);
  }

  supports(key: number, version: number): boolean {
    return key !== keys.publish || version === 1 || this.broker.filters;
  }

  async request<R>(
    key: number,
    make: (correlationId: number) => Uint8Array,
    read: (reader: Reader) => R,
    subject: RequestSubject,
  ): Promise<R> {
    this.requests.push(key);
    const frame = Buffer.from(make(1));
    await Promise.resolve();
    if (this.closed) throw new ConnectionError('the connection is gone', { broker: 'rabbitmq-stream' });
    const { code, rest } = this.answer(key, frame.subarray(12));
    if (code !== 1) throw failure(code, subject);
    return read(new Reader(rest, 0, rest.length, 'an answer'));
  }

  send(frame: Uint8Array): boolean {
    if (this.closed) return false;
    const published = readPublish(frame);
    this.frames.push(published);
    const publisher = this.publishers.get(published.publisherId);
    const stream = publisher && this.broker.streams.get(publisher.stream);
    if (stream !== undefined && this.broker.stores) {
      for (const entry of published.entries) this.store(stream, publisher!, entry);
    }
    if (this.broker.confirms) {
      queueMicrotask(() => {
        if (!this.closed) this.confirm(...published.entries.map(({ id }) => id));
      });
    }
    return !this.broker.full;
  }

  /** Confirms these ids to the publisher, in one frame. */
  confirm(...ids: bigint[]): void {
    const bytes = Buffer.alloc(8 * ids.length);
    ids.forEach((id, at) => bytes.writeBigUInt64BE(id, 8 * at));
    for (const publisherId of this.publishers.keys()) this.link.events.confirm(publisherId, bytes, 0, ids.length);
  }

  refuse(id: bigint, code: number): void {
    for (const publisherId of this.publishers.keys()) {
      this.link.events.publishError(publisherId, Number(id), code);
    }
  }

  drain(): void {
    this.broker.full = false;
    this.link.events.drained();
  }

  /** The socket is gone. */
  drop(): void {
    if (this.closed) return;
    this.closed = true;
    this.link.lose(new ConnectionError('the connection was lost', { broker: 'rabbitmq-stream' }));
  }

  /** All entries of all frames, as they were sent. */
  get entries(): Published[] {
    return this.frames.flatMap(({ entries }) => entries);
  }

  get bodies(): string[] {
    return this.entries.map(({ bytes }) => bodyOf(bytes));
  }

  get ids(): bigint[] {
    return this.entries.map(({ id }) => id);
  }

  private store(stream: FakeStream, { reference }: FakePublisher, entry: Published): void {
    if (reference !== '') {
      if (entry.id <= (stream.lastIds.get(reference) ?? -1n)) return;
      stream.lastIds.set(reference, entry.id);
    }
    stream.stored.push(entry);
  }

  private answer(key: number, body: Buffer): { code: number; rest: Buffer } {
    const none = Buffer.alloc(0);
    const { streams, refusals } = this.broker;
    const refused = refusals.shift();
    if (refused !== undefined) return { code: refused, rest: none };
    if (key === keys.declarePublisher) {
      const reader = new Reader(body, 0, body.length, 'a request');
      const id = reader.u8();
      const reference = reader.string();
      const stream = reader.string();
      if (!streams.has(stream)) return { code: 2, rest: none };
      this.publishers.set(id, { reference, stream });
      return { code: 1, rest: none };
    }
    if (key === keys.queryPublisherSequence) {
      const reader = new Reader(body, 0, body.length, 'a request');
      const reference = reader.string();
      const rest = Buffer.alloc(8);
      rest.writeBigUInt64BE(streams.get(reader.string())?.lastIds.get(reference) ?? 0n);
      return { code: 1, rest };
    }
    if (key === keys.deletePublisher) {
      this.publishers.delete(body[0]!);
      return { code: 1, rest: none };
    }
    throw new Error(`the fake broker was asked for ${key}`);
  }
}

/** What a broker with a session on it would be, as far as a sink can see. */
export class FakeBroker {
  readonly streams = new Map<string, FakeStream>();
  readonly superStreams = new Map<string, string[]>();
  readonly bindings = new Map<string, string[]>();
  readonly connections: FakeConnection[] = [];
  readonly suspendees = new Set<object>();
  /** What was asked of the locator. */
  readonly questions: string[] = [];
  /** Codes that the next requests are answered with. */
  readonly refusals: number[] = [];
  version = '4.0.5';
  frameMax = 1_048_576;
  filters = true;
  stores = true;
  /** Confirms a moment later. */
  confirms = false;
  /** Says after each frame that the socket takes no more. */
  full = false;
  /** Lookups and links wait for this. */
  gate: Promise<void> = Promise.resolve();
  private readonly retries = new Set<{ again: () => void; failed: (error: WeirError) => void }>();

  stream(name: string): FakeStream {
    const there = this.streams.get(name) ?? new FakeStream();
    this.streams.set(name, there);
    return there;
  }

  /** The connection that was made last. */
  get connection(): FakeConnection {
    return this.connections.at(-1)!;
  }

  /** The waits of all retries are over. */
  async retry(): Promise<void> {
    for (const { again } of [...this.retries]) again();
    await settled();
  }

  /** All retries are given up. */
  giveUp(error: WeirError): void {
    for (const each of [...this.retries]) {
      this.retries.delete(each);
      each.failed(error);
    }
  }

  get session(): Session {
    const session: Pick<Session, 'producerLink' | 'partitions' | 'route' | 'suspended' | 'resumed' | 'retry'> = {
      producerLink: async (stream) => {
        this.questions.push(`link ${stream}`);
        await this.gate;
        if (!this.streams.has(stream)) throw notFound(stream);
        const there = this.connections.find((each) => !each.closed);
        if (there !== undefined) return there.link;
        const made = new FakeConnection(this);
        this.connections.push(made);
        return made.link;
      },
      partitions: async (superStream) => {
        this.questions.push(`partitions ${superStream}`);
        await this.gate;
        const found = this.superStreams.get(superStream);
        if (found === undefined) throw notFound(superStream);
        return found;
      },
      route: async (_superStream, key) => {
        this.questions.push(`route ${key}`);
        await this.gate;
        return this.bindings.get(key) ?? [];
      },
      suspended: (who) => this.suspendees.add(who),
      resumed: (who) => this.suspendees.delete(who),
      retry: (attempt, failed, after) => this.tryAgain(attempt, failed, after),
    };
    return session as Session;
  }

  private tryAgain(
    attempt: (signal: AbortSignal) => Promise<void>,
    failed: (error: WeirError) => void,
    after: WeirError | undefined,
  ): Cancel {
    const aborter = new AbortController();
    const each = {
      failed,
      again: (): void => {
        this.retries.delete(each);
        attempt(aborter.signal).catch((error: unknown) => {
          if (aborter.signal.aborted) return;
          if ((error as WeirError).retriable) this.retries.add(each);
          else failed(error as WeirError);
        });
      },
    };
    if (after === undefined) each.again();
    else this.retries.add(each);
    return () => {
      aborter.abort();
      this.retries.delete(each);
    };
  }
}

function notFound(stream: string): StreamNotFoundError {
  return new StreamNotFoundError(`there is no stream '${stream}'`, { broker: 'rabbitmq-stream' });
}

/** A clock whose time moves when the spec says so. */
export class HandClock implements Clock {
  private time = 1_000_000;
  private readonly timers = new Set<{ at: number; call: () => void }>();

  now(): number {
    return this.time;
  }

  after(ms: number, call: () => void): Cancel {
    const timer = { at: this.time + ms, call };
    this.timers.add(timer);
    return () => {
      this.timers.delete(timer);
    };
  }

  soon(call: () => void): void {
    systemClock.soon(call);
  }

  get running(): number {
    return this.timers.size;
  }

  pass(ms: number): void {
    const end = this.time + ms;
    for (;;) {
      const due = [...this.timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.timers.delete(due);
      this.time = Math.max(this.time, due.at);
      due.call();
    }
    this.time = end;
  }
}

/** A sink without its Observable: the publisher, its port, and the receipts. */
export class BenchSink implements ReceiptListener {
  readonly receipts: Receipt<unknown>[] = [];
  readonly port: PublishPort;
  readonly publisher: Publisher;
  onReceipt: ((receipt: Receipt<unknown>) => void) | undefined;

  constructor(outbox: Outbox, channel: string, options: RabbitMqStreamSinkOptions, clock: Clock) {
    this.port = outbox.port(channel, options);
    this.publisher = new Publisher(
      this.port,
      {
        broker: 'rabbitmq-stream',
        channel,
        maxInFlight: options.maxInFlight ?? 1024,
        buffer: options.buffer ?? 10_000,
        overflow: 'error',
        resend: options.resend ?? false,
      },
      clock,
    );
  }

  /** Offers the values, whose text is the body. */
  offer(...values: string[]): void {
    for (const value of values) this.give(value);
  }

  give(value: unknown, fields?: MessageFields, bytes = Buffer.from(String(value)), whole = false): Entry {
    const entry = new Entry(this.publisher, value, bytes, fields, this, whole);
    this.publisher.offer(entry);
    return entry;
  }

  receipt(receipt: Receipt<unknown>): void {
    this.receipts.push(receipt);
    this.onReceipt?.(receipt);
  }

  /** `value ok` or `value CODE`, in the order of the receipts. */
  get told(): string[] {
    return this.receipts.map(({ value, error }) => `${String(value)} ${error?.code ?? 'ok'}`);
  }

  flush(): Promise<void> {
    return this.publisher.flush();
  }
}

/** An outbox on a fake broker with the stream `s`. */
export class SinkBench {
  readonly broker = new FakeBroker();
  readonly clock = new HandClock();
  readonly sinks: BenchSink[] = [];
  wakes = 0;
  readonly outbox: Outbox;

  constructor() {
    this.broker.stream('s');
    this.outbox = new Outbox({
      session: this.broker.session,
      clock: this.clock,
      wake: () => {
        this.wakes++;
      },
    });
  }

  sink(options: RabbitMqStreamSinkOptions = {}, channel = 's'): BenchSink {
    const sink = new BenchSink(this.outbox, channel, options, this.clock);
    this.sinks.push(sink);
    return sink;
  }

  /** A sink that is ready to write. */
  async live(options: RabbitMqStreamSinkOptions = {}, channel = 's'): Promise<BenchSink> {
    const sink = this.sink(options, channel);
    sink.port.wake();
    await settled();
    return sink;
  }

  get connection(): FakeConnection {
    return this.broker.connection;
  }
}

/** Resolves when everything that goes on without time or a network has gone on. */
export async function settled(): Promise<void> {
  for (let turns = 0; turns < 5; turns++) await turn();
}

/** Resolves at the end of this turn of the event loop. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
