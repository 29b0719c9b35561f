import { FieldReader, u64At } from './field-reader.js';
import { FieldWriter } from './field-writer.js';
import { frameOf, malformed } from './malformed.js';

/** What comes before the message in the body of a RECEIVE callback. Its bytes are views. @internal */
export interface ReceiveHead {
  readonly tracing: Uint8Array;
  readonly topic: Uint8Array;
  /** Of this attempt to deliver; the confirmation has it again. */
  readonly identifier: Uint8Array;
  /** Of the message, bytes. */
  readonly length: number;
  /** Where the message begins: how many bytes the head has. */
  readonly size: number;
}

/** The body of a MISSED callback. Its bytes are views. @internal */
export interface MissedCallback {
  readonly tracing: Uint8Array;
  readonly topic: Uint8Array;
}

const receive = 'RECEIVE callback';
const missed = frameOf('MISSED callback');
const types = { confirmReceive: 8, confirmMissed: 9, unsubscribe: 10 } as const;

/** No head of a RECEIVE callback has more bytes. @internal */
export const receiveHeadLimit = 2 + 0xffff + 2 + 0xffff + 1 + 0xff + 8;

/**
 * Reads the head of a RECEIVE callback from the first bytes of its body. Undefined: it needs more of them.
 * Throws `ProtocolError` where it cannot become one.
 * @param bytes - from the first one on; what follows the head is ignored
 * @param complete - there are no more bytes, so that what is cut off is an error too
 * @internal
 */
export function decodeReceiveHead(bytes: Uint8Array, complete = false): ReceiveHead | undefined {
  const tracingEnd = fieldEnd(bytes, 0, 2);
  const topicEnd = fieldEnd(bytes, tracingEnd, 2);
  const identifierEnd = fieldEnd(bytes, topicEnd, 1);
  const size = identifierEnd + 8;
  if (!(size <= bytes.length)) {
    if (complete) throw malformed(receive, bytes.length, 'it ends before its message begins');
    return undefined;
  }
  const length = u64At(bytes, identifierEnd);
  if (!Number.isSafeInteger(length))
    throw malformed(receive, identifierEnd, 'its message has more than 2^53 - 1 bytes');
  return {
    tracing: bytes.subarray(2, tracingEnd),
    topic: bytes.subarray(tracingEnd + 2, topicEnd),
    identifier: bytes.subarray(topicEnd + 1, identifierEnd),
    length,
    size,
  };
}

/** Where a field with a length of one or two bytes ends; NaN where even that is not there yet. */
function fieldEnd(bytes: Uint8Array, start: number, lengthBytes: 1 | 2): number {
  const content = start + lengthBytes;
  if (!(content <= bytes.length)) return NaN;
  return content + (lengthBytes === 1 ? bytes[start]! : (bytes[start]! << 8) | bytes[start + 1]!);
}

/** Throws `ProtocolError` for anything else than the whole body of one. @internal */
export function decodeMissedCallback(bytes: Uint8Array): MissedCallback {
  const reader = new FieldReader(bytes, missed);
  const tracing = reader.lp16('tracing');
  const topic = reader.lp16('topic');
  reader.end();
  return { tracing, topic };
}

/**
 * The answer that so many subscribers here have the message.
 * @param identifier - of the callback
 * @internal
 */
export function encodeConfirmReceive(authorization: string, identifier: Uint8Array, subscribers: number): Uint8Array {
  return new FieldWriter(11 + authorization.length + identifier.length)
    .u16(types.confirmReceive)
    .lp16(authorization)
    .u16(0)
    .lp8(identifier)
    .u32(subscribers)
    .finish();
}

/** The answer that a MISSED callback was heard. @internal */
export function encodeConfirmMissed(authorization: string): Uint8Array {
  return new FieldWriter(6 + authorization.length).u16(types.confirmMissed).lp16(authorization).u16(0).finish();
}

/** The answer upon which the broadcaster removes the subscription for good. @internal */
export function encodeUnsubscribe(): Uint8Array {
  return new FieldWriter(2).u16(types.unsubscribe).finish();
}
