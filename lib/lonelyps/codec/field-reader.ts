import { malformed, type Frame } from '../../core/wire/frame.js';
import { decodeText } from '../../core/wire/text.js';

/**
 * Reads fields that follow one another, big-endian, each byte once and never beyond the end.
 * All methods throw `ProtocolError` where the bytes end too early.
 * @internal
 */
export class FieldReader {
  /** Where the next field begins. */
  at = 0;

  /** @param frame - what it is, for errors */
  constructor(
    readonly bytes: Uint8Array,
    private readonly frame: Frame,
  ) {}

  /** @param what - the field, for the error */
  u8(what: string): number {
    return this.bytes[this.take(1, what)]!;
  }

  u16(what: string): number {
    const at = this.take(2, what);
    return (this.bytes[at]! << 8) | this.bytes[at + 1]!;
  }

  u32(what: string): number {
    return u32At(this.bytes, this.take(4, what));
  }

  /** A number of 64 bits. Beyond 2^53 - 1 it is an error: nothing that is counted here has so many. */
  u64(what: string): number {
    const at = this.take(8, what);
    const value = u64At(this.bytes, at);
    if (!Number.isSafeInteger(value)) throw this.error(at, `its ${what} is larger than 2^53 - 1`);
    return value;
  }

  /** So many bytes: a view, no copy. */
  fixed(length: number, what: string): Uint8Array {
    const at = this.take(length, what);
    return this.bytes.subarray(at, at + length);
  }

  /** Bytes after a length of one byte: a view, no copy. */
  lp8(what: string): Uint8Array {
    return this.fixed(this.u8(what), what);
  }

  /** Bytes after a length of two bytes: a view, no copy. */
  lp16(what: string): Uint8Array {
    return this.fixed(this.u16(what), what);
  }

  /** UTF-8 after a length of two bytes. */
  text(what: string): string {
    const length = this.u16(what);
    const at = this.take(length, what);
    return decodeText(this.bytes, at, at + length);
  }

  /** There must be nothing more. */
  end(): void {
    const more = this.bytes.length - this.at;
    if (more > 0) throw this.error(this.at, `${String(more)} bytes are left after its end`);
  }

  /** Says what is wrong at a byte. */
  error(at: number, problem: string): Error {
    return malformed(this.frame, this.bytes, at, problem);
  }

  private take(length: number, what: string): number {
    const { at } = this;
    if (length > this.bytes.length - at) throw this.error(at, `it ends inside its ${what}`);
    this.at = at + length;
    return at;
  }
}

/** Four bytes as a number; the caller knows that they are there. */
function u32At(bytes: Uint8Array, at: number): number {
  return bytes[at]! * 0x1_00_00_00 + ((bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!);
}

/** Eight bytes as a number, exact up to 2^53 - 1, and never a safe integer beyond that. @internal */
export function u64At(bytes: Uint8Array, at: number): number {
  return u32At(bytes, at) * 0x1_0000_0000 + u32At(bytes, at + 4);
}
