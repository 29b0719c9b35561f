import { FrameTooLargeError } from '../../core/errors.js';
import { malformed, type Frame } from '../../core/wire/frame.js';
import { decodeText, encodeText } from '../../core/wire/text.js';

const minimalFlag = 1;
const noBytes: Uint8Array = new Uint8Array(0);

/**
 * Reads one websocket message: flags, type, headers (minimal ones by their order, expanded ones by their names), body.
 * All methods throw `ProtocolError` where it is malformed. Nothing is copied.
 * @internal
 */
export class FrameReader {
  /** Number of its kind; what the other methods say is for the reader of that kind to know. */
  readonly type: number;
  private readonly expanded: Map<string, Uint8Array> | undefined;
  private at = 4;

  /**
   * @param bytes - the message as a whole
   * @param frame - what it is, for errors
   */
  constructor(
    private readonly bytes: Uint8Array,
    public frame: Frame,
  ) {
    if (bytes.length < 4) throw this.error('it ends inside its flags and type');
    this.type = (bytes[2]! << 8) | bytes[3]!;
    this.expanded = (bytes[1]! & minimalFlag) === 0 ? this.readExpanded() : undefined;
  }

  /** The bytes of the next header. Headers are asked for in their minimal order, each once. */
  header(name: string): Uint8Array {
    if (this.expanded === undefined) return this.lp16(name);
    const value = this.expanded.get(name);
    if (value === undefined) throw this.error(`it has no header ${name}`);
    return value;
  }

  text(name: string): string {
    const value = this.header(name);
    return decodeText(value, 0, value.length);
  }

  /** A header of exactly so many bytes. */
  fixed(name: string, length: number): Uint8Array {
    const value = this.header(name);
    if (value.length === length) return value;
    throw this.error(`its ${name} has ${String(value.length)} bytes, and ${String(length)} were due`);
  }

  /** A header of no more bytes than that. */
  upTo(name: string, most: number): Uint8Array {
    const value = this.header(name);
    if (value.length <= most) return value;
    throw this.error(`its ${name} has ${String(value.length)} bytes, and can have ${String(most)} at most`);
  }

  /** A number of up to so many bytes, in as many as the sender liked; no bytes are a zero. It is no more than 2^53 - 1. */
  uint(name: string, most: number): number {
    let value = 0;
    for (const byte of this.upTo(name, most)) value = value * 0x100 + byte;
    if (!Number.isSafeInteger(value)) throw this.error(`its ${name} is larger than 2^53 - 1`);
    return value;
  }

  /** The same with all of 64 bits. */
  bigUint(name: string): bigint {
    let value = 0n;
    for (const byte of this.upTo(name, 8)) value = (value << 8n) | BigInt(byte);
    return value;
  }

  /** A number of up to two bytes that can be negative. */
  int16(name: string): number {
    const bytes = this.upTo(name, 2);
    if (bytes.length === 0) return 0;
    return bytes.length === 1 ? (bytes[0]! << 24) >> 24 : (((bytes[0]! << 8) | bytes[1]!) << 16) >> 16;
  }

  /** What comes after the headers, which must all have been read. */
  body(): Uint8Array {
    return this.bytes.subarray(this.at);
  }

  /** The kind has no body, so there must be nothing more. */
  end(): void {
    const more = this.bytes.length - this.at;
    if (more > 0) throw this.error(`${String(more)} bytes are left after its headers`);
  }

  /** Says what is wrong at the byte that was to be read next. */
  error(problem: string): Error {
    return malformed(this.frame, this.bytes, Math.min(this.at, this.bytes.length), problem);
  }

  private readExpanded(): Map<string, Uint8Array> {
    const headers = new Map<string, Uint8Array>();
    if (this.bytes.length < 6) throw this.error('it ends inside the number of its headers');
    this.at = 6;
    // each takes four bytes at least, so the number cannot make this loop longer than the message
    for (let left = (this.bytes[4]! << 8) | this.bytes[5]!; left > 0; left--) {
      const name = this.lp16('header names');
      headers.set(decodeText(name, 0, name.length).toLowerCase(), this.lp16('headers'));
    }
    return headers;
  }

  private lp16(what: string): Uint8Array {
    const { bytes, at } = this;
    const start = at + 2;
    if (start > bytes.length) throw this.error(`it ends inside its ${what}`);
    const end = start + ((bytes[at]! << 8) | bytes[at + 1]!);
    if (end > bytes.length) throw this.error(`it ends inside its ${what}`);
    this.at = end;
    return bytes.subarray(start, end);
  }
}

/** A message with minimal headers. @internal */
export function encodeFrame(type: number, headers: readonly Uint8Array[], body: Uint8Array = noBytes): Uint8Array {
  let size = 4 + body.length;
  for (const { length } of headers) size += 2 + length;
  const out = new Uint8Array(size);
  out[1] = minimalFlag;
  out[2] = type >>> 8;
  out[3] = type;
  let at = 4;
  for (const value of headers) {
    if (value.length > 0xffff) throw tooLong(value.length);
    out[at] = value.length >>> 8;
    out[at + 1] = value.length;
    out.set(value, at + 2);
    at += 2 + value.length;
  }
  out.set(body, at);
  return out;
}

/** The value of a header that is a number: as few bytes as it needs, and none for zero. @internal */
export function shortUint(value: number): Uint8Array {
  if (value === 0) return noBytes;
  let length = 1;
  for (let rest = value; rest >= 0x100; rest = Math.floor(rest / 0x100)) length++;
  return fixedUint(value, length);
}

/** The same, but one byte for zero: what writers of messages in parts do. @internal */
export function nonEmptyUint(value: number): Uint8Array {
  return value === 0 ? Uint8Array.of(0) : shortUint(value);
}

/** The value of a header that is a number of so many bytes. @internal */
export function fixedUint(value: number, length: number): Uint8Array {
  const out = new Uint8Array(length);
  for (let at = length - 1, rest = value; at >= 0; at--, rest = Math.floor(rest / 0x100)) out[at] = rest;
  return out;
}

/** The value of a header that is text. @internal */
export function textHeader(text: string): Uint8Array {
  return text === '' ? noBytes : encodeText(text);
}

function tooLong(length: number): FrameTooLargeError {
  return new FrameTooLargeError(
    `a header of a lonelyps message has ${String(length)} bytes, and it can have ${String(0xffff)} at most. ` +
      'Use a shorter topic, glob or secret',
    { broker: 'lonelyps', detail: { length, limit: 0xffff } },
  );
}
