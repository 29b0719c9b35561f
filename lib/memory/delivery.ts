import { BaseDelivery, type Delivery } from '../core/delivery.js';
import type { StoredMessage } from './store/message.js';

/** A message of the memory broker. */
export interface MemoryDelivery<T = Uint8Array> extends Delivery<T> {
  readonly offset: bigint;
  readonly time: Date;
  readonly timestamp: bigint;
  readonly redeliveries: number;
  /** The id that its publisher gave, if any. */
  readonly id: string | bigint | undefined;
}

const noHeaders: ReadonlyMap<string, unknown> = new Map();

/** A delivery over the stored message, which all its subscribers share. @internal */
export class StoredDelivery<T> extends BaseDelivery<T> implements MemoryDelivery<T> {
  readonly offsetKey: number;

  constructor(
    readonly channel: string,
    private readonly message: StoredMessage,
    readonly redeliveries: number,
    readonly redelivered: boolean,
  ) {
    super();
    this.offsetKey = message.offset;
  }

  override get offset(): bigint {
    return BigInt(this.offsetKey);
  }

  override get time(): Date {
    return new Date(this.message.time);
  }

  get timestamp(): bigint {
    return this.message.timestamp;
  }

  get payload(): Uint8Array {
    return this.message.data;
  }

  override get key(): Uint8Array | undefined {
    return this.message.key;
  }

  override get broker(): 'memory' {
    return 'memory';
  }

  override get headers(): ReadonlyMap<string, unknown> {
    return this.message.headers ?? noHeaders;
  }

  get id(): string | bigint | undefined {
    return this.message.id;
  }
}
