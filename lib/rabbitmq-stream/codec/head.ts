import { readU32 } from './integers.js';
import { keyName } from './keys.js';
import { Reader } from './reader.js';

/** Key and version, which every frame begins with. */
export const headBytes = 4;

/** The key of a frame that `FrameSplitter` has handed on (so at least four bytes). */
export function frameKey(bytes: Uint8Array, start: number): number {
  return (bytes[start]! << 8) | bytes[start + 1]!;
}

/** The version of a frame that `FrameSplitter` has handed on. */
export function frameVersion(bytes: Uint8Array, start: number): number {
  return (bytes[start + 2]! << 8) | bytes[start + 3]!;
}

/** A reader of the fields behind key and version of a frame that `FrameSplitter` has handed on. */
export function frameReader(bytes: Uint8Array, start: number, end: number): Reader {
  const reader = new Reader(bytes, start, end, keyName(readU32(bytes, start) >>> 16));
  reader.pos = start + headBytes;
  return reader;
}

/** What most responses begin with. */
export interface ResponseHead {
  readonly correlationId: number;
  /** One of `responseCodes`, or one that is not known. */
  readonly code: number;
}

/** Correlation id and response code; all responses but Metadata and Credit have both. Throws `ProtocolError`. */
export function readResponseHead(reader: Reader): ResponseHead {
  const correlationId = reader.u32();
  return { correlationId, code: reader.u16() };
}
