import type { Decoder } from '../core/codec.js';
import { BaseDelivery, type Delivery } from '../core/delivery.js';
import { asBlob, type HeldBody } from './held-body.js';

/** A message of lonelyps. It has no offset and no time: the broadcaster keeps nothing. */
export interface LonelypsDelivery<T = Uint8Array> extends Delivery<T> {
  /** The topic as text: that of its bytes as UTF-8; a byte that is no UTF-8 is a lone surrogate, U+DC00 and the byte. */
  readonly channel: string;
  readonly offset: undefined;
  readonly time: undefined;
  readonly timestamp: undefined;
  readonly redelivered: false;
  /** The topic's bytes. */
  readonly topic: Uint8Array;
  /** The SHA-512 of the message's bytes, 64 of them. */
  readonly sha512: Uint8Array;
  /** How many bytes the message has. */
  readonly length: number;
}

const noBytes = new Uint8Array(0);

/** @internal */
export class TopicDelivery<T> extends BaseDelivery<T> {
  private inMemory: Uint8Array | undefined;

  constructor(
    readonly channel: string,
    readonly topic: Uint8Array,
    /** Shared by the deliveries of one message. */
    readonly held: HeldBody,
    /** Told once, when it was settled or released. */
    private readonly onDone: ((settled: boolean) => void) | undefined,
  ) {
    super();
    this.inMemory = held.body.bytes;
  }

  get payload(): Uint8Array {
    return this.inMemory ?? noBytes;
  }

  // also where they are on disk
  override get wireBytes(): number {
    return this.held.body.length;
  }

  /** Whether the bytes are in memory. */
  get loaded(): boolean {
    return this.inMemory !== undefined;
  }

  async load(): Promise<void> {
    this.inMemory = await this.held.body.load();
  }

  get offsetKey(): number {
    return 0;
  }

  override get offset(): undefined {
    return undefined;
  }

  get redelivered(): false {
    return false;
  }

  get redeliveries(): undefined {
    return undefined;
  }

  get timestamp(): undefined {
    return undefined;
  }

  get sha512(): Uint8Array {
    return this.held.body.sha512;
  }

  get length(): number {
    return this.held.body.length;
  }

  override get broker(): 'lonelyps' {
    return 'lonelyps';
  }

  /** It is settled or released: its body is not needed any more. */
  done(settled: boolean): void {
    this.onDone?.(settled);
    this.held.drop();
  }

  override decode(codec: Decoder<unknown>): void {
    const blob = asBlob(codec, this.held.body);
    if (blob === undefined) super.decode(codec);
    else this.decoded = blob;
  }

  protected override get whereabouts(): string {
    return `on '${this.channel}'`;
  }

  override toJSON(): Record<string, unknown> {
    const { channel, length, settled } = this;
    const { value } = super.toJSON();
    return { channel, length, settled, value };
  }
}
