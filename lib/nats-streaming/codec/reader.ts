import { malformed } from './malformed.js';
import { decodeText } from './text.js';
import { highBits, lowBits, signedOf, unsignedOf, varintEnd } from './varint.js';

// The wire types of protobuf: the first two are used by this protocol, the others only skipped.
export const varintType = 0;
export const bytesType = 2;
const fixed64Type = 1;
const fixed32Type = 5;

/**
 * Reads the fields of one protobuf frame, each byte once and never beyond the end. All methods throw `ProtocolError`
 * where the frame is malformed. Call `next` until it gives 0, and after each either one of the readers or `skip`.
 */
export class Reader {
  private pos = 0;
  private type = varintType;

  /**
   * @param bytes - the frame, also a view at any offset of its buffer
   * @param frame - the message's name, for errors
   */
  constructor(
    private readonly bytes: Uint8Array,
    private readonly frame: string,
  ) {}

  /** The number of the next field; 0 at the end. */
  next(): number {
    const { bytes, frame, pos } = this;
    if (pos === bytes.length) return 0;
    const end = varintEnd(bytes, pos, bytes.length, frame);
    const tag = tagAt(bytes, pos, end, frame);
    this.pos = end;
    this.type = tag & 7;
    return tag >>> 3;
  }

  /** Goes past a field that is not known. */
  skip(): void {
    this.pos = skipField(this.bytes, this.pos, this.type, this.frame);
  }

  int32(): number {
    const start = this.varint();
    return lowBits(this.bytes, start, this.pos);
  }

  /** A number where that is exact, else a bigint. */
  unsigned(): number | bigint {
    const start = this.varint();
    return unsignedOf(lowBits(this.bytes, start, this.pos), highBits(this.bytes, start, this.pos));
  }

  uint64(): bigint {
    return BigInt(this.unsigned());
  }

  int64(): bigint {
    const start = this.varint();
    return signedOf(lowBits(this.bytes, start, this.pos), highBits(this.bytes, start, this.pos));
  }

  string(): string {
    const start = this.lengthDelimited();
    return decodeText(this.bytes, start, this.pos);
  }

  /** A view of the frame, no copy. */
  view(): Uint8Array {
    const start = this.lengthDelimited();
    return this.bytes.subarray(start, this.pos);
  }

  private varint(): number {
    this.expect(varintType);
    const start = this.pos;
    this.pos = varintEnd(this.bytes, start, this.bytes.length, this.frame);
    return start;
  }

  private lengthDelimited(): number {
    this.expect(bytesType);
    const start = varintEnd(this.bytes, this.pos, this.bytes.length, this.frame);
    this.pos = contentEnd(this.bytes, this.pos, start, this.frame);
    return start;
  }

  private expect(type: number): void {
    if (this.type !== type) throw wrongType(this.frame, this.bytes, this.pos, this.type);
  }
}

/** The tag whose varint is given: field number and wire type. Throws `ProtocolError` where it is none. */
export function tagAt(bytes: Uint8Array, start: number, end: number, frame: string): number {
  const tag = lowBits(bytes, start, end);
  if (highBits(bytes, start, end) !== 0) throw malformed(frame, bytes, start, 'a field number is too large');
  if (tag >>> 3 === 0) throw malformed(frame, bytes, start, 'a field has the number 0');
  return tag;
}

/** Where the content ends whose length is the varint between `at` and `start`. */
export function contentEnd(bytes: Uint8Array, at: number, start: number, frame: string): number {
  const low = lowBits(bytes, at, start) >>> 0;
  if (low > bytes.length - start || highBits(bytes, at, start) !== 0) {
    throw malformed(frame, bytes, at, 'a field is longer than the rest of the frame');
  }
  return start + low;
}

/** Where a field ends of which only the wire type is known. */
export function skipField(bytes: Uint8Array, pos: number, type: number, frame: string): number {
  const end = bytes.length;
  if (type === varintType) return varintEnd(bytes, pos, end, frame);
  if (type === bytesType) return contentEnd(bytes, pos, varintEnd(bytes, pos, end, frame), frame);
  if (type !== fixed64Type && type !== fixed32Type) throw wrongType(frame, bytes, pos, type);
  const size = type === fixed64Type ? 8 : 4;
  if (size > end - pos) throw malformed(frame, bytes, pos, 'the frame ends inside a field');
  return pos + size;
}

/** The error of a field whose wire type is none, or not the one of its field number. */
export function wrongType(frame: string, bytes: Uint8Array, at: number, type: number): Error {
  return malformed(frame, bytes, at, `a field has the wire type ${String(type)}`);
}
