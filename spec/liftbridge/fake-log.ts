import { grpcFrame } from '../../lib/liftbridge/codec/grpc-frame.js';
import type { FakeCall, FakeLiftbridge } from '../support/fake-liftbridge.js';
import { theirDecode, theirEncode, type Fields } from './codec/oracle.js';

/** What goes out in the place of a message's frame; 'end' after it says that nothing follows. */
export type Spoilt = Uint8Array | ((call: FakeCall) => void);

/** Asked for each message that goes out: its frame, its offset, and how often that was spoilt before. */
export type Spoil = (frame: Buffer, offset: number, before: number) => Spoilt | undefined;

const nanoseconds = 1_700_000_000_000_000_000n;
const unknown = { name: '', error: 1 };

/** The stream `s` with one partition, behind a fake server that speaks as Liftbridge does until it is told otherwise. */
export class FakeLog {
  /** The values, by offset. */
  readonly values: string[] = [];
  /** The Subscribe calls that are open. */
  live: FakeCall[] = [];
  /** How many there were. */
  subscriptions = 0;
  /** Positions, by the ids of their cursors. */
  readonly cursors = new Map<string, bigint>();
  spoil: Spoil = () => undefined;
  /** Answers a message of PublishAsync; undefined: with an ack. */
  answer: ((call: FakeCall, ack: () => Buffer, request: Fields) => void) | undefined;
  /** The bytes of an answer to a unary call go through this. */
  change: (method: string, bytes: Uint8Array) => Uint8Array = (_method, bytes) => bytes;
  private readonly spoilt = new Map<number, number>();
  /** Calls that were ended in a way of their own, in which nothing follows. */
  readonly over = new WeakSet<FakeCall>();

  constructor(readonly fake: FakeLiftbridge) {
    this.unary('FetchMetadata', 'FetchMetadata', ({ streams }) => this.metadata(streams as string[]));
    this.unary('FetchPartitionMetadata', 'FetchPartitionMetadata', () => ({ metadata: this.partition(0) }));
    this.unary('FetchCursor', 'FetchCursor', ({ cursorId }) => ({ offset: this.cursors.get(String(cursorId)) ?? -1n }));
    this.unary('SetCursor', 'SetCursor', ({ cursorId, offset }) => {
      this.cursors.set(String(cursorId), offset as bigint);
      return {};
    });
    fake.on('Subscribe', (call) => {
      call.onRequest((bytes) => this.subscribe(call, theirDecode('SubscribeRequest', bytes)));
    });
    fake.on('PublishAsync', (call) => {
      call.onRequest((bytes) => this.published(call, theirDecode('PublishRequest', bytes)));
      call.onEnd(() => {
        if (!this.over.has(call)) call.end();
      });
    });
  }

  /** Appends so many messages, and sends them to whoever reads. */
  grow(count: number): void {
    for (let n = 0; n < count; n++) {
      const offset = this.values.length;
      this.values.push(`value ${offset}`);
      for (const call of this.live) this.deliver(call, offset);
    }
  }

  private unary(method: string, message: string, answer: (request: Fields) => Fields): void {
    this.fake.unary(method, (request) => {
      const fields = answer(theirDecode(`${message}Request`, request));
      return this.change(method, theirEncode(`${message}Response`, fields));
    });
  }

  private metadata(streams: readonly string[]): Fields {
    const { host, port } = this.fake;
    const known = ['s', '__cursors'];
    const asked = streams.length === 0 ? known : streams;
    return {
      brokers: [{ id: 'n1', host, port }],
      streamMetadata: asked.map((name) =>
        known.includes(name)
          ? { name, subject: name, partitions: { 0: this.partition(0) }, creationTimestamp: nanoseconds }
          : { ...unknown, name },
      ),
    };
  }

  private partition(id: number): Fields {
    const newest = this.values.length - 1;
    return { id, leader: 'n1', replicas: ['n1'], isr: ['n1'], highWatermark: newest, newestOffset: newest };
  }

  private subscribe(call: FakeCall, { startPosition, startOffset }: Fields): void {
    this.subscriptions++;
    call.stream.once('close', () => {
      this.live = this.live.filter((each) => each !== call);
    });
    call.send(new Uint8Array(0));
    const from = startPosition === 1 ? Math.max(Number(startOffset), 0) : startPosition === 2 ? 0 : this.values.length;
    for (let offset = from; offset < this.values.length; offset++) this.deliver(call, offset);
    this.live.push(call);
  }

  private deliver(call: FakeCall, offset: number): void {
    if (this.over.has(call) || call.stream.closed) return;
    const message = theirEncode('Message', {
      offset,
      value: Buffer.from(this.values[offset]!),
      timestamp: nanoseconds + BigInt(offset),
      stream: 's',
      subject: 's',
      headers: { subject: Buffer.from('s'), reply: Buffer.alloc(0), mine: Buffer.from('x') },
    });
    const frame = Buffer.from(grpcFrame(message));
    const before = this.spoilt.get(offset) ?? 0;
    const spoilt = this.spoil(frame, offset, before);
    if (spoilt !== undefined) this.spoilt.set(offset, before + 1);
    if (typeof spoilt === 'function') {
      this.over.add(call);
      spoilt(call);
    } else call.raw(spoilt ?? frame);
  }

  private published(call: FakeCall, request: Fields): void {
    if (this.over.has(call) || call.stream.closed) return;
    const { correlationId, value } = request;
    const ack = (): Buffer => {
      const offset = this.values.length;
      this.values.push(Buffer.from(value as number[]).toString());
      for (const each of this.live) this.deliver(each, offset);
      const fields = { stream: 's', offset, correlationId };
      return Buffer.from(grpcFrame(theirEncode('PublishResponse', { ack: fields, correlationId })));
    };
    if (this.answer === undefined) call.raw(ack());
    else this.answer(call, ack, request);
  }
}
