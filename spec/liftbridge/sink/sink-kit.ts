import type { BrokerEvent, MessageFields, Receipt } from '../../../lib/core/broker.js';
import { systemClock, type Cancel, type Clock } from '../../../lib/core/clock.js';
import { ConnectionError, StreamNotFoundError, type WeirError } from '../../../lib/core/errors.js';
import { silent } from '../../../lib/core/logger.js';
import { Entry, Publisher, type PublishPort, type ReceiptListener } from '../../../lib/core/publisher.js';
import { asyncErrorCodes } from '../../../lib/liftbridge/codec/enums.js';
import type { Call, CallHandlers, CallStatus } from '../../../lib/liftbridge/connection/call.js';
import type { LiftbridgeFields } from '../../../lib/liftbridge/fields.js';
import type { SinkChannel, SinkHost, SinkSession } from '../../../lib/liftbridge/sink/host.js';
import type { LiftbridgeSinkOptions } from '../../../lib/liftbridge/sink/options.js';
import { Outbox } from '../../../lib/liftbridge/sink/outbox.js';
import { theirDecode, theirEncode, type Fields } from '../codec/oracle.js';

/** A message as the fake server got it. */
export interface Published {
  readonly stream: string;
  readonly partition: number;
  readonly value: string;
  readonly key: string;
  readonly headers: Record<string, string>;
  readonly correlationId: string;
  readonly ackPolicy: string | number;
  readonly expectedOffset: bigint;
}

const textOf = (bytes: unknown): string => Buffer.from((bytes ?? []) as number[]).toString();

function read(bytes: Uint8Array): Published {
  const fields = theirDecode('PublishRequest', bytes);
  const headers = Object.entries(fields['headers'] as Record<string, number[]>);
  return {
    ...(fields as unknown as Published),
    value: textOf(fields['value']),
    key: textOf(fields['key']),
    headers: Object.fromEntries(headers.map(([name, value]) => [name, textOf(value)])),
  };
}

/** A PublishAsync call on the fake server, which says what the spec wants. */
export class FakeCall implements Call {
  open = true;
  unseen = false;
  halfClosed = false;
  cancelled = false;
  /** The messages of each write. */
  readonly writes: Published[][] = [];

  constructor(
    readonly handlers: CallHandlers,
    private readonly channel: FakeChannel,
  ) {}

  get messages(): Published[] {
    return this.writes.flat();
  }

  get values(): string[] {
    return this.messages.map(({ value }) => value);
  }

  write(frames: Uint8Array): boolean {
    if (!this.open || this.halfClosed) return false;
    const bytes = Buffer.from(frames);
    const messages: Published[] = [];
    for (let at = 0; at < bytes.length;) {
      const length = bytes.readUInt32BE(at + 1);
      messages.push(read(bytes.subarray(at + 5, at + 5 + length)));
      at += 5 + length;
    }
    this.writes.push(messages);
    return !this.channel.full;
  }

  halfClose(): void {
    this.halfClosed = true;
  }

  resume(): void {
    // nothing is ever held back
  }

  cancel(): void {
    this.open = false;
    this.cancelled = true;
  }

  drain(): void {
    this.channel.full = false;
    this.handlers.drained();
  }

  /** Answers these, as one read. */
  answer(...responses: Fields[]): void {
    for (const response of responses) this.tell(response);
    this.handlers.flushed();
  }

  /** Acks the messages with these values, as one read; offsets count up from 0 by their place in all that was written. */
  ack(...values: string[]): void {
    this.answer(
      ...values.map((value) => {
        const at = this.values.indexOf(value);
        const { correlationId, stream } = this.messages[at]!;
        return { ack: { stream, offset: at, correlationId }, correlationId };
      }),
    );
  }

  ackAll(): void {
    this.ack(...this.values);
  }

  refuse(value: string, code: keyof typeof asyncErrorCodes, message = 'no'): void {
    // the one that was sent last, where it was sent more than once
    const { correlationId } = this.messages.findLast((each) => each.value === value)!;
    this.answer({ ack: {}, asyncError: { code: asyncErrorCodes[code], message }, correlationId });
  }

  end(code = 14, name = 'UNAVAILABLE', message = 'gone', cause?: WeirError): void {
    this.open = false;
    const status: CallStatus = { code, name, message };
    this.handlers.ended(status, cause);
  }

  private tell(response: Fields): void {
    const bytes = theirEncode('PublishResponse', response);
    // in the middle of something, as what is read from a socket
    const chunk = new Uint8Array(bytes.length + 9).fill(255);
    chunk.set(bytes, 5);
    this.handlers.message(chunk, 5, 5 + bytes.length);
  }
}

export class FakeChannel implements SinkChannel {
  readonly address = { host: 'fake', port: 9292 };
  up = true;
  full = false;
  readonly calls: FakeCall[] = [];

  call(method: string, handlers: CallHandlers): Call {
    if (method !== 'PublishAsync') throw new Error(`the fake server does not know ${method}`);
    const call = new FakeCall(handlers, this);
    this.calls.push(call);
    return call;
  }
}

/** What a session would be, as far as a sink can see. */
export class FakeSession implements SinkSession {
  main: FakeChannel | undefined = new FakeChannel();
  readonly partitions = new Map([['s', 4]]);
  /** What was asked for; `!` where the answer had to be a fresh one. */
  readonly questions: string[] = [];
  private readonly retries = new Set<{ again: () => void; failed: (error: WeirError) => void }>();

  get up(): boolean {
    return this.main?.up === true;
  }

  async stream(name: string, options: { readonly fresh?: boolean } = {}): Promise<{ readonly count: number }> {
    this.questions.push(name + (options.fresh === true ? '!' : ''));
    await Promise.resolve();
    if (!this.up) throw new ConnectionError('there is no connection', { broker: 'liftbridge' });
    const count = this.partitions.get(name);
    if (count === undefined) throw new StreamNotFoundError(`there is no stream '${name}'`, { broker: 'liftbridge' });
    return { count };
  }

  retry(attempt: (signal: AbortSignal) => Promise<void>, failed: (error: WeirError) => void): Cancel {
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
    each.again();
    return () => {
      aborter.abort();
      this.retries.delete(each);
    };
  }

  /** The waits of all retries are over. */
  async again(): Promise<void> {
    for (const { again } of [...this.retries]) again();
    await settled();
  }
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

  /** What is due is called in its order, and what it leads to without time or a network goes on before the next. */
  async pass(ms: number): Promise<void> {
    const end = this.time + ms;
    for (;;) {
      const due = [...this.timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.timers.delete(due);
      this.time = Math.max(this.time, due.at);
      due.call();
      await settled();
    }
    this.time = end;
    await settled();
  }
}

/** A sink without its Observable: the publisher, its port, and the receipts. */
export class BenchSink implements ReceiptListener {
  readonly receipts: Receipt<unknown>[] = [];
  readonly port: PublishPort;
  readonly publisher: Publisher;
  onReceipt: ((receipt: Receipt<unknown>) => void) | undefined;

  constructor(outbox: Outbox, channel: string, options: LiftbridgeSinkOptions, clock: Clock) {
    this.port = outbox.port(channel, options);
    const { maxInFlight = 1024, buffer = 10_000, resend = false } = options;
    const settings = { broker: 'liftbridge', channel, maxInFlight, buffer, overflow: 'error', resend } as const;
    this.publisher = new Publisher(this.port, settings, clock);
  }

  /** Offers the values, whose text is the body. */
  offer(...values: string[]): void {
    for (const value of values) this.give(value);
  }

  give(value: string, fields?: LiftbridgeFields, bytes: Uint8Array = Buffer.from(value)): Entry {
    const entry = new Entry(this.publisher, value, bytes, fields as MessageFields | undefined, this);
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

  get errors(): WeirError[] {
    return this.receipts.flatMap(({ error }) => error ?? []);
  }
}

/** An outbox on a fake session. */
export class SinkBench {
  readonly session = new FakeSession();
  readonly clock = new HandClock();
  readonly events: BrokerEvent[] = [];
  wakes = 0;
  readonly outbox: Outbox;

  constructor(ackTimeout = 5_000) {
    const host: SinkHost = {
      session: this.session,
      clock: this.clock,
      log: silent,
      story: { tell: (event) => this.events.push(event) },
      resolved: { ackTimeout },
      wake: () => {
        this.wakes++;
      },
    };
    this.outbox = new Outbox(host);
  }

  sink(options: LiftbridgeSinkOptions = {}, channel = 's'): BenchSink {
    return new BenchSink(this.outbox, channel, options, this.clock);
  }

  get channel(): FakeChannel {
    return this.session.main!;
  }

  /** The call that was opened last. */
  get call(): FakeCall {
    return this.channel.calls.at(-1)!;
  }

  /** The connection is gone. */
  drop(): FakeChannel {
    const { channel } = this;
    channel.up = false;
    this.session.main = undefined;
    const lost = new ConnectionError('the connection was lost', { broker: 'liftbridge' });
    for (const call of channel.calls) if (call.open) call.end(14, 'UNAVAILABLE', 'lost', lost);
    return channel;
  }

  /** There is another connection. */
  locate(): void {
    this.session.main = new FakeChannel();
    this.outbox.located();
  }
}

/** Resolves when everything that goes on without time or a network has gone on. */
export async function settled(): Promise<void> {
  for (let turns = 0; turns < 5; turns++) await new Promise((resolve) => setImmediate(resolve));
}
