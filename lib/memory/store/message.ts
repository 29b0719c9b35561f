/** What goes into the log beside the bytes. @internal */
export interface StoredFields {
  readonly key?: Uint8Array | undefined;
  readonly headers?: ReadonlyMap<string, unknown> | undefined;
  readonly id?: string | bigint | undefined;
}

/**
 * A message as the log keeps it. All subscribers get this one object: its bytes are a copy of the publisher's, and must
 * be treated as read-only.
 * @internal
 */
export class StoredMessage implements StoredFields {
  constructor(
    /** From 1, without gaps. */
    readonly offset: number,
    /** When it was stored: milliseconds since the Unix epoch, never less than that of the message before it. */
    readonly time: number,
    readonly data: Uint8Array,
    readonly key: Uint8Array | undefined,
    readonly headers: ReadonlyMap<string, unknown> | undefined,
    readonly id: string | bigint | undefined,
  ) {}

  /** The same time in nanoseconds. */
  get timestamp(): bigint {
    const ms = Math.floor(this.time);
    return BigInt(ms) * 1_000_000n + BigInt(Math.round((this.time - ms) * 1e6));
  }

  /** What it counts for in `maxBytes`. */
  get size(): number {
    return this.data.length + (this.key === undefined ? 0 : this.key.length);
  }
}
