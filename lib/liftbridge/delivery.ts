import type { Decoder } from '../core/codec.js';
import type { Delivery } from '../core/delivery.js';
import type { OffsetKey } from '../core/offset.js';
import { LogDelivery, type Track } from '../core/track.js';
import {
  emptyMessageScan,
  messageHeaders,
  messageText,
  messageTimestamp,
  readMessage,
  type MessageScan,
} from './codec/message.js';

/**
 * A message of a Liftbridge stream. Its value, key and headers are views of the bytes that it came in: copy what you keep
 * for long.
 */
export interface LiftbridgeDelivery<T = Uint8Array> extends Delivery<T> {
  /** The offset in its partition. */
  readonly offset: bigint;
  /** When a broker received it. */
  readonly time: Date;
  /** The same in nanoseconds since the Unix epoch. */
  readonly timestamp: bigint;
  /** The headers, as the bytes that they are on the wire. */
  readonly headers: ReadonlyMap<string, Uint8Array>;
  readonly redeliveries: number;
  /** The partition that it came from, counted from 0. */
  readonly partition: number;
  /** The NATS subject on which it was received; of what was published to a stream with wildcards, the pattern itself. */
  readonly subject: string;
  /** The NATS subject to which its sender wants an answer, if it came through NATS and one was given. */
  readonly replyTo: string | undefined;
  /** What its sender gave to find the ack by. Liftbridge 1.9 does not hand it on, so that it is undefined there. */
  readonly correlationId: string | undefined;
}

/** Where deliveries come from: a partition within a source. @internal */
export interface Origin {
  readonly channel: string;
  readonly partition: number;
  /** One of its deliveries was settled. */
  settled(track: Track, offset: OffsetKey): void;
}

/** Beyond so many bytes that a delivery would keep alive with its own, it takes its own along instead. */
const maxShared = 1024;

const scan = emptyMessageScan();

/** A delivery over its undecoded message. One object a message is the whole cost of it; what is rarely wanted is scanned again. @internal */
export class MessageDelivery<T> extends LogDelivery<T> implements LiftbridgeDelivery<T> {
  constructor(
    readonly origin: Origin,
    readonly offsetKey: OffsetKey,
    private bytes: Uint8Array,
    private begin: number,
    private end: number,
    private valueStart: number,
    private valueEnd: number,
  ) {
    super();
  }

  get channel(): string {
    return this.origin.channel;
  }

  get partition(): number {
    return this.origin.partition;
  }

  override get offset(): bigint {
    return BigInt(this.offsetKey);
  }

  override get time(): Date {
    return new Date(Number(this.timestamp / 1_000_000n));
  }

  get timestamp(): bigint {
    return messageTimestamp(this.bytes, this.parts.timestampAt);
  }

  override get broker(): 'liftbridge' {
    return 'liftbridge';
  }

  get payload(): Uint8Array {
    return view(this.bytes, this.valueStart, this.valueEnd);
  }

  override get key(): Uint8Array | undefined {
    const { keyStart, keyEnd } = this.parts;
    return keyStart === keyEnd ? undefined : view(this.bytes, keyStart, keyEnd);
  }

  override get headers(): ReadonlyMap<string, Uint8Array> {
    const { headersStart, headersEnd } = this.parts;
    const headers = messageHeaders(this.bytes, headersStart, headersEnd);
    for (const [name, value] of headers) headers.set(name, view(value, 0, value.length));
    return headers;
  }

  get subject(): string {
    const { subjectStart, subjectEnd } = this.parts;
    return messageText(this.bytes, subjectStart, subjectEnd);
  }

  get replyTo(): string | undefined {
    const { replySubjectStart, replySubjectEnd } = this.parts;
    return this.text(replySubjectStart, replySubjectEnd);
  }

  get correlationId(): string | undefined {
    const { correlationIdStart, correlationIdEnd } = this.parts;
    return this.text(correlationIdStart, correlationIdEnd);
  }

  /** Takes its bytes along, where it would keep much more than those: a read of the socket holds hundreds of messages. */
  detach(): void {
    const { bytes, begin, decoded } = this;
    const length = this.end - begin;
    if (bytes.buffer.byteLength - length <= maxShared) return;
    this.bytes = new Uint8Array(length);
    this.bytes.set(bytes.subarray(begin, this.end));
    this.begin = 0;
    this.end = length;
    // a message without a value says so by two zeros
    if (this.valueEnd > 0) {
      this.valueStart -= begin;
      this.valueEnd -= begin;
    }
    // a codec that gives bytes has given some of those, most often
    if (decoded instanceof Uint8Array && decoded.buffer === bytes.buffer) {
      const at = decoded.byteOffset - bytes.byteOffset - begin;
      if (at < 0 || at + decoded.length > length) return;
      this.decoded = Buffer.isBuffer(decoded)
        ? Buffer.from(this.bytes.buffer, at, decoded.length)
        : view(this.bytes, at, at + decoded.length);
    }
  }

  override toJSON(): Record<string, unknown> {
    const { partition, subject } = this;
    return { ...super.toJSON(), partition, subject };
  }

  protected override bytesFor(_codec: Decoder<unknown>): Uint8Array {
    return this.payload;
  }

  protected repeat(): MessageDelivery<T> {
    // it may wait for long until it comes again
    this.detach();
    return new MessageDelivery<T>(
      this.origin,
      this.offsetKey,
      this.bytes,
      this.begin,
      this.end,
      this.valueStart,
      this.valueEnd,
    );
  }

  /** Good until the next call. */
  private get parts(): MessageScan {
    readMessage(this.bytes, this.begin, this.end, scan);
    return scan;
  }

  private text(start: number, end: number): string | undefined {
    return start === end ? undefined : messageText(this.bytes, start, end);
  }
}

/** Plain bytes, where what they are in may be a Buffer of Node's. */
function view(bytes: Uint8Array, start: number, end: number): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset + start, end - start);
}
