import { InvalidOptionError } from '../../core/errors.js';
import { writeU32, writeU64 } from './integers.js';
import { encodeText } from '../../core/wire/text.js';

/** Names and values, as properties and arguments are. */
export type StringMap = ReadonlyMap<string, string> | Readonly<Record<string, string>>;

/** The size of a frame stands before it and does not count itself. */
export const sizeBytes = 4;
const longestString = 0x7fff;

/** Writes one frame, its size included. For what is sent now and then; `PublishBatch` is for what is sent all the time. */
export class Writer {
  private out = new Uint8Array(64);
  private pos = sizeBytes;

  /** @param correlationId - absent for commands that have none */
  constructor(key: number, version: number, correlationId?: number) {
    this.u16(key).u16(version);
    if (correlationId !== undefined) this.u32(correlationId);
  }

  u8(value: number): this {
    // taken before `out` is looked at, as it can be another one afterwards
    const at = this.take(1);
    this.out[at] = value;
    return this;
  }

  u16(value: number): this {
    const at = this.take(2);
    this.out[at] = value >>> 8;
    this.out[at + 1] = value;
    return this;
  }

  u32(value: number): this {
    const at = this.take(4);
    writeU32(this.out, at, value);
    return this;
  }

  /** For signed ones too: both are the two's complement. A number has to be a safe integer. */
  u64(value: number | bigint): this {
    const at = this.take(8);
    writeU64(this.out, at, value);
    return this;
  }

  /** Throws `InvalidOptionError` for more than 32 767 bytes of UTF-8: the length has no room for more. */
  string(text: string | null): this {
    if (text === null) return this.u16(0xffff);
    const utf8 = encodeText(text);
    if (utf8.length > longestString) throw tooLong(text, utf8.length);
    return this.u16(utf8.length).raw(utf8);
  }

  bytes(bytes: Uint8Array | null): this {
    if (bytes === null) return this.u32(0xffff_ffff);
    return this.u32(bytes.length).raw(bytes);
  }

  /** Bytes without their length. */
  raw(bytes: Uint8Array): this {
    const at = this.take(bytes.length);
    this.out.set(bytes, at);
    return this;
  }

  array<T>(items: readonly T[], write: (writer: this, item: T) => unknown): this {
    this.u32(items.length);
    for (const item of items) write(this, item);
    return this;
  }

  strings(items: readonly string[]): this {
    return this.array(items, (writer, item) => writer.string(item));
  }

  map(map: StringMap): this {
    const entries = map instanceof Map ? [...map] : Object.entries(map);
    return this.array(entries as [string, string][], (writer, [name, value]) => writer.string(name).string(value));
  }

  /** The frame, with its size before it. */
  finish(): Uint8Array {
    const frame = this.out.subarray(0, this.pos);
    writeU32(frame, 0, this.pos - sizeBytes);
    return frame;
  }

  private take(size: number): number {
    const at = this.pos;
    this.pos = at + size;
    if (this.pos > this.out.length) {
      const larger = new Uint8Array(Math.max(this.out.length * 2, this.pos));
      larger.set(this.out.subarray(0, at));
      this.out = larger;
    }
    return at;
  }
}

function tooLong(text: string, length: number): InvalidOptionError {
  return new InvalidOptionError(
    `the string '${text.slice(0, 40)}…' has ${String(length)} bytes of UTF-8, where RabbitMQ's stream protocol takes up ` +
      `to ${String(longestString)}; give a shorter one`,
    { broker: 'rabbitmq-stream' },
  );
}
