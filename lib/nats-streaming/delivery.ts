import { BaseDelivery, type Delivery } from '../core/delivery.js';
import type { OffsetKey } from '../core/offset.js';
import { dataOf, replyOf, timestampOf, type MessageFields } from './codec/msg-proto.js';

/** A message of NATS Streaming. */
export interface NatsStreamingDelivery<T = Uint8Array> extends Delivery<T> {
  /** The sequence in the channel. */
  readonly offset: bigint;
  readonly time: Date;
  readonly timestamp: bigint;
  /** How often the server has sent it again. It counts in memory, so a restarted server begins anew. */
  readonly redeliveries: number;
  /** What the publisher gave as `replyTo`, if anything. */
  readonly replyTo: string | undefined;
}

/** Where the acks of a subscription go, as long as the server knows it. @internal */
export interface Registration {
  /** The inbox that the server gave; undefined until it has answered. */
  ackInbox: string | undefined;
}

/**
 * A delivery over its undecoded frame: the scan fills plain fields, and what is rarely asked for is decoded on access.
 * One object a message is the whole cost of it.
 * @internal
 */
export class StanDelivery<T> extends BaseDelivery<T> implements NatsStreamingDelivery<T>, MessageFields {
  sequence: number | bigint = 0;
  sequenceStart = 0;
  sequenceEnd = 0;
  subjectStart = 0;
  subjectEnd = 0;
  replyStart = 0;
  replyEnd = 0;
  dataStart = 0;
  dataEnd = 0;
  timestampLow = 0;
  timestampHigh = 0;
  redelivered = false;
  redeliveryCount = 0;
  crc32 = 0;

  constructor(
    readonly channel: string,
    private readonly frame: Uint8Array,
    /** The subscription that it, or the newest copy of it, came by. */
    public registration: Registration,
  ) {
    super();
  }

  get offsetKey(): OffsetKey {
    return this.sequence;
  }

  override get offset(): bigint {
    return BigInt(this.sequence);
  }

  override get time(): Date {
    return new Date(Number(this.timestamp / 1_000_000n));
  }

  get timestamp(): bigint {
    return timestampOf(this);
  }

  get redeliveries(): number {
    return this.redeliveryCount;
  }

  override get broker(): 'nats-streaming' {
    return 'nats-streaming';
  }

  get payload(): Uint8Array {
    return dataOf(this.frame, this);
  }

  get replyTo(): string | undefined {
    return this.replyEnd > this.replyStart ? replyOf(this.frame, this) : undefined;
  }

  override toJSON(): Record<string, unknown> {
    return { ...super.toJSON(), replyTo: this.replyTo };
  }
}
