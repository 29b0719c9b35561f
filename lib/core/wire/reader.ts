import { malformed, type Frame } from './frame.js';
import { decodeText } from './text.js';
import { highBits, lowBits, signedOf, unsignedKeyOf, unsignedOf, varintEnd } from './varint.js';

// The wire types of protobuf: the first two are used by the protocols here, the others only skipped. Groups (3 and 4) are
// refused, so that nothing has to be skipped at a depth that the peer chooses.
export const varintType = 0;
export const bytesType = 2;
const fixed64Type = 1;
const fixed32Type = 5;

/**
 * Reads the fields of one protobuf message, each byte once and never beyond the end. All methods throw `ProtocolError`
 * where it is malformed. Call `next` until it gives 0, and after each either one of the readers or `skip`.
 */
export class Reader {
  private type = varintType;

  /**
   * @param bytes - the message lies in it, from `pos` to before `end`
   * @param frame - what it is, for errors
   */
  constructor(
    private readonly bytes: Uint8Array,
    private readonly frame: Frame,
    private pos = 0,
    private readonly end = bytes.length,
  ) {}

  /** The number of the next field; 0 at the end. */
  next(): number {
    const { bytes, frame, pos } = this;
    if (pos === this.end) return 0;
    const end = varintEnd(bytes, pos, this.end, frame);
    const tag = tagAt(bytes, pos, end, frame);
    this.pos = end;
    this.type = tag & 7;
    return tag >>> 3;
  }

  /** Goes past a field that is not known. */
  skip(): void {
    this.pos = skipField(this.bytes, this.pos, this.end, this.type, this.frame);
  }

  /** For enums too: a number that the enum does not have is given as it is. */
  int32(): number {
    const start = this.varint();
    return lowBits(this.bytes, start, this.pos);
  }

  bool(): boolean {
    const start = this.varint();
    return lowBits(this.bytes, start, this.pos) !== 0 || highBits(this.bytes, start, this.pos) !== 0;
  }

  int64(): bigint {
    const start = this.varint();
    return signedOf(lowBits(this.bytes, start, this.pos), highBits(this.bytes, start, this.pos));
  }

  uint64(): bigint {
    const start = this.varint();
    return unsignedOf(lowBits(this.bytes, start, this.pos), highBits(this.bytes, start, this.pos));
  }

  /** As `uint64`, but a number where that is exact. */
  unsigned(): number | bigint {
    const start = this.varint();
    return unsignedKeyOf(lowBits(this.bytes, start, this.pos), highBits(this.bytes, start, this.pos));
  }

  string(): string {
    const start = this.lengthDelimited();
    return decodeText(this.bytes, start, this.pos);
  }

  /** A view, no copy. */
  view(): Uint8Array {
    const start = this.lengthDelimited();
    return this.bytes.subarray(start, this.pos);
  }

  /** A message in this one. How deep they go is for the caller to say, as each level is a call of its own. */
  message(frame: Frame): Reader {
    const start = this.lengthDelimited();
    return new Reader(this.bytes, frame, start, this.pos);
  }

  /** Adds the values of a repeated field, packed or not. */
  int32s(into: number[]): void {
    if (this.type === varintType) {
      into.push(this.int32());
      return;
    }
    const { bytes, frame } = this;
    let pos = this.lengthDelimited();
    while (pos < this.pos) {
      const end = varintEnd(bytes, pos, this.pos, frame);
      into.push(lowBits(bytes, pos, end));
      pos = end;
    }
  }

  private varint(): number {
    this.expect(varintType);
    const start = this.pos;
    this.pos = varintEnd(this.bytes, start, this.end, this.frame);
    return start;
  }

  private lengthDelimited(): number {
    this.expect(bytesType);
    const start = varintEnd(this.bytes, this.pos, this.end, this.frame);
    this.pos = contentEnd(this.bytes, this.pos, start, this.end, this.frame);
    return start;
  }

  private expect(type: number): void {
    if (this.type !== type) throw wrongType(this.frame, this.bytes, this.pos, this.type);
  }
}

/** The tag whose varint is given: field number and wire type. Throws `ProtocolError` where it is none. */
export function tagAt(bytes: Uint8Array, start: number, end: number, frame: Frame): number {
  const tag = lowBits(bytes, start, end);
  if (highBits(bytes, start, end) !== 0) throw malformed(frame, bytes, start, 'a field number is too large');
  if (tag >>> 3 === 0) throw malformed(frame, bytes, start, 'a field has the number 0');
  return tag;
}

/** Where the content ends whose length is the varint between `at` and `start`, if that is no later than `end`. */
export function contentEnd(bytes: Uint8Array, at: number, start: number, end: number, frame: Frame): number {
  const low = lowBits(bytes, at, start) >>> 0;
  if (low > end - start || highBits(bytes, at, start) !== 0) throw tooLong(frame, bytes, at);
  return start + low;
}

/** Where a field ends of which only the wire type is known. */
export function skipField(bytes: Uint8Array, pos: number, end: number, type: number, frame: Frame): number {
  if (type === varintType) return varintEnd(bytes, pos, end, frame);
  if (type === bytesType) return contentEnd(bytes, pos, varintEnd(bytes, pos, end, frame), end, frame);
  if (type !== fixed64Type && type !== fixed32Type) throw wrongType(frame, bytes, pos, type);
  const size = type === fixed64Type ? 8 : 4;
  if (size > end - pos) throw malformed(frame, bytes, pos, 'it ends inside a field');
  return pos + size;
}

/** The error of a field whose length goes beyond the message. */
export function tooLong(frame: Frame, bytes: Uint8Array, at: number): Error {
  return malformed(frame, bytes, at, 'a field is longer than the rest of it');
}

/** The error of a field whose wire type is none, or not the one of its field number. */
export function wrongType(frame: Frame, bytes: Uint8Array, at: number, type: number): Error {
  return malformed(frame, bytes, at, `a field has the wire type ${String(type)}`);
}
