import type { Decoder } from '../core/codec.js';
import type { Body } from './body.js';

/** The bytes of a message where they are, in memory or in a file: the part of a `Blob` that reads. */
export interface LonelypsBlob {
  /** Bytes. */
  readonly size: number;
  /** All bytes, in memory. */
  bytes(): Promise<Uint8Array>;
  arrayBuffer(): Promise<ArrayBuffer>;
  /** The bytes as UTF-8. */
  text(): Promise<string>;
  /** The bytes as they are read, anew with each call. */
  stream(): ReadableStream<Uint8Array>;
}

/** A body that several deliveries share: the last that drops it discards it. @internal */
export class HeldBody {
  private holders = 0;

  constructor(readonly body: Body) {}

  hold(): this {
    this.holders++;
    return this;
  }

  drop(): void {
    if (--this.holders === 0) this.body.discard();
  }
}

const blobs = Symbol.for('rx-weir.codec.blob');

/**
 * A decoder that leaves the bytes where they are: a body past `spoolSize` is in a file, and stays there until its delivery is
 * settled or released. `publish` takes a `Blob` or a stream as it is, without a codec.
 */
export function blob(): Decoder<LonelypsBlob> {
  return blobDecoder;
}

const blobDecoder: Decoder<LonelypsBlob> & Readonly<Record<typeof blobs, true>> = {
  [blobs]: true,
  decode(bytes) {
    return new BodyBlob({
      length: bytes.length,
      // eslint-disable-next-line @typescript-eslint/require-await
      async *read() {
        yield bytes;
      },
      load: () => Promise.resolve(bytes),
    });
  },
};

/** The body as a blob, where the codec asks for that. @internal */
export function asBlob(codec: object, body: Body): LonelypsBlob | undefined {
  return leavesBytes(codec) ? new BodyBlob(body) : undefined;
}

/** Whether a codec reads a body where it is, so that it need not be in memory. @internal */
export function leavesBytes(codec: object | undefined): boolean {
  return codec !== undefined && (codec as { readonly [blobs]?: boolean })[blobs] === true;
}

class BodyBlob implements LonelypsBlob {
  constructor(private readonly body: Pick<Body, 'length' | 'read' | 'load'>) {}

  get size(): number {
    return this.body.length;
  }

  bytes(): Promise<Uint8Array> {
    return this.body.load();
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    const bytes = await this.body.load();
    return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
  }

  async text(): Promise<string> {
    return new TextDecoder().decode(await this.body.load());
  }

  stream(): ReadableStream<Uint8Array> {
    const parts = this.body.read()[Symbol.asyncIterator]();
    return new ReadableStream({
      async pull(controller) {
        const part = await parts.next();
        if (part.done === true) controller.close();
        else controller.enqueue(part.value);
      },
      async cancel() {
        await parts.return?.();
      },
    });
  }

  toJSON(): object {
    return { size: this.size };
  }
}
