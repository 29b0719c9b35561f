/** The bytes of a message: in memory, or in a file where there are many. @internal */
export interface Body {
  /** Bytes. */
  readonly length: number;
  /** The bytes, where they are in memory. */
  readonly bytes: Uint8Array | undefined;
  /** The SHA-512 of the bytes, 64 of them. */
  readonly sha512: Uint8Array;
  /** Reads them from the first one on; can be called again, so that an attempt can be repeated. */
  read(): AsyncIterable<Uint8Array>;
  /** All of them, in memory. */
  load(): Promise<Uint8Array>;
  /** Nobody needs it any more: its file is removed. Idempotent. */
  discard(): void;
}

/** @internal */
export class MemoryBody implements Body {
  constructor(
    readonly bytes: Uint8Array,
    readonly sha512: Uint8Array,
  ) {}

  get length(): number {
    return this.bytes.length;
  }

  // eslint-disable-next-line @typescript-eslint/require-await
  async *read(): AsyncIterable<Uint8Array> {
    yield this.bytes;
  }

  load(): Promise<Uint8Array> {
    return Promise.resolve(this.bytes);
  }

  discard(): void {
    // nothing but memory
  }
}

/** Takes the bytes of a message as they come, and hashes them on the way. @internal */
export interface BodyWriter {
  /** Bytes so far. */
  readonly length: number;
  /** Takes a part, which is kept as it is and not copied. With a promise the disk is behind: the next part waits for it. */
  write(part: Uint8Array): Promise<void> | undefined;
  /** All has come. Rejects where the disk refused. */
  end(): Promise<Body>;
  /** It will not be finished: what was written is removed. Idempotent. */
  discard(): void;
}
