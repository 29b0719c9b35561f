import { Reader } from '../../core/wire/reader.js';
import { Writer } from '../../core/wire/writer.js';
import { frameOf } from './malformed.js';

/** Stores a position. The records of `__cursors` have the same fields. */
export interface SetCursorRequest {
  readonly stream: string;
  readonly partition: number;
  readonly cursorId: string;
  /** A number must be a safe integer. */
  readonly offset: number | bigint;
}

export function encodeSetCursorRequest(request: SetCursorRequest): Uint8Array {
  return new Writer()
    .string(1, request.stream)
    .int32(2, request.partition)
    .string(3, request.cursorId)
    .int64(4, request.offset)
    .finish();
}

/** Asks for a position. */
export interface FetchCursorRequest {
  readonly stream: string;
  readonly partition: number;
  readonly cursorId: string;
}

export function encodeFetchCursorRequest(request: FetchCursorRequest): Uint8Array {
  return new Writer().string(1, request.stream).int32(2, request.partition).string(3, request.cursorId).finish();
}

/** The position that was stored last. */
export interface FetchCursorResponse {
  /** -1: none was. */
  offset: bigint;
}

/** Throws `ProtocolError`. */
export function decodeFetchCursorResponse(bytes: Uint8Array): FetchCursorResponse {
  const reader = new Reader(bytes, frameOf('FetchCursorResponse'));
  const response: FetchCursorResponse = { offset: 0n };
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) response.offset = reader.int64();
    else reader.skip();
  }
  return response;
}
