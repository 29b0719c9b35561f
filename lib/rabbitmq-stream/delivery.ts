import { isWhole, type Decoder } from '../core/codec.js';
import type { Delivery } from '../core/delivery.js';
import type { OffsetKey } from '../core/offset.js';
import { LogDelivery, type Track } from '../core/track.js';
import { bodyOf } from './codec/amqp/body.js';
import { decodeAnnotations, decodeApplicationProperties, decodeProperties } from './codec/amqp/decode.js';
import type { AmqpProperties } from './codec/amqp/types.js';

/**
 * A message of a stream. Without a codec its value is the body of the AMQP message, or the bytes as they are where they
 * are no AMQP message. The value is a view of the chunk that the message came in: copy what you keep for long.
 */
export interface RabbitMqStreamDelivery<T = Uint8Array> extends Delivery<T> {
  readonly offset: bigint;
  /** When the broker stored the chunk, to the millisecond. */
  readonly time: Date;
  readonly timestamp: bigint;
  readonly redeliveries: number;
  /** The stream that it came on where a super stream was asked for, and its offset counts there. */
  readonly partition: string | undefined;
  /**
   * The application properties of the message.
   * @throws ProtocolError if they are malformed
   */
  readonly headers: ReadonlyMap<string, unknown>;
  /**
   * The standard properties of the message.
   * @throws ProtocolError if they are malformed
   */
  readonly properties: AmqpProperties;
  /**
   * The message annotations.
   * @throws ProtocolError if they are malformed
   */
  readonly annotations: ReadonlyMap<string, unknown>;
}

/** The chunk that deliveries came in, as long as one of them is unsettled. @internal */
export interface Origin {
  /** ms since 1970 */
  readonly timestamp: number;
  /** One of its deliveries was settled. */
  settled(track: Track): void;
}

const noFields: ReadonlyMap<string, unknown> = new Map();
const noProperties: AmqpProperties = {};

/** A delivery over its undecoded record. One object a message is the whole cost of it. @internal */
export class RecordDelivery<T> extends LogDelivery<T> implements RabbitMqStreamDelivery<T> {
  constructor(
    readonly channel: string,
    readonly partition: string | undefined,
    readonly offsetKey: OffsetKey,
    private bytes: Uint8Array,
    private begin: number,
    private end: number,
    readonly origin: Origin,
  ) {
    super();
  }

  override get offset(): bigint {
    return BigInt(this.offsetKey);
  }

  override get time(): Date {
    return new Date(this.origin.timestamp);
  }

  get timestamp(): bigint {
    return BigInt(this.origin.timestamp) * 1_000_000n;
  }

  override get broker(): 'rabbitmq-stream' {
    return 'rabbitmq-stream';
  }

  // what is malformed is for the codec to find
  override get wireBytes(): number {
    return this.end - this.begin;
  }

  get payload(): Uint8Array {
    return bodyOf(this.bytes, this.begin, this.end);
  }

  override get headers(): ReadonlyMap<string, unknown> {
    return decodeApplicationProperties(this.bytes, this.begin, this.end) ?? noFields;
  }

  get properties(): AmqpProperties {
    return decodeProperties(this.bytes, this.begin, this.end) ?? noProperties;
  }

  get annotations(): ReadonlyMap<string, unknown> {
    return decodeAnnotations(this.bytes, this.begin, this.end) ?? noFields;
  }

  /** Takes its bytes along, so that the chunk can go. */
  detach(): void {
    const { bytes, begin, decoded } = this;
    this.bytes = bytes.slice(begin, this.end);
    this.end -= begin;
    this.begin = 0;
    // a codec that gives bytes has given some of the chunk's
    if (decoded instanceof Uint8Array && decoded.buffer === bytes.buffer) {
      const at = decoded.byteOffset - bytes.byteOffset - begin;
      this.decoded = this.bytes.subarray(at, at + decoded.length);
    }
  }

  override toJSON(): Record<string, unknown> {
    const { partition } = this;
    return partition === undefined ? super.toJSON() : { ...super.toJSON(), partition };
  }

  protected override bytesFor(codec: Decoder<unknown>): Uint8Array {
    // the message that comes of it has views of these bytes in it, and must not keep the chunk
    return isWhole(codec) ? this.bytes.slice(this.begin, this.end) : this.payload;
  }

  protected repeat(): RecordDelivery<T> {
    return new RecordDelivery<T>(
      this.channel,
      this.partition,
      this.offsetKey,
      this.bytes,
      this.begin,
      this.end,
      this.origin,
    );
  }
}
