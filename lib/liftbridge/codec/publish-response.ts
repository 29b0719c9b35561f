import { readPublishAsyncError } from './responses.js';
import {
  bytesType,
  contentEnd,
  Reader,
  skipField,
  tagAt,
  tooLong,
  varintType,
  wrongType,
} from '../../core/wire/reader.js';
import { readCorrelation } from './correlation.js';
import { decodeText, encodeText } from '../../core/wire/text.js';
import { lowBits, signedKeyAt, varintEnd } from '../../core/wire/varint.js';
import { frameOf } from './malformed.js';

/**
 * What {@link readPublishResponse} finds: one object for all responses of a call. Ask `hasError` first, because a refusal
 * has an ack too, which says nothing.
 */
export class PublishResponseScan {
  /** The counter of a generated id, or an id as it is. */
  correlationId: number | string = '';
  hasError = false;
  /** One of `asyncErrorCodes`; 0 without error. */
  errorCode = 0;
  errorMessage = '';
  hasAck = false;
  /** One of `ackErrors`; 0: it is stored. */
  ackError = 0;
  /** Where it is stored: a number where that is exact, else a bigint. */
  offset: number | bigint = 0;
  /** When the leader received it and when it was committed, for `messageTimestamp`; 0: not told. */
  receptionAt = 0;
  commitAt = 0;
  /** The ack, for `decodeAck`. */
  ackStart = 0;
  ackEnd = 0;
  /** The bytes that generated correlation ids begin with. */
  readonly prefix: Uint8Array;

  /** @param correlationPrefix - as the `PublishEncoder` has it */
  constructor(correlationPrefix = '') {
    this.prefix = encodeText(correlationPrefix);
  }
}

const ackTag = 0x0a;
const errorTag = 0x12;
const correlationTag = 0x1a;
const lastKnownField = 3;

const ackTags = { offset: 0x20, reception: 0x40, commit: 0x48, error: 0x50 } as const;
/** The wire types of the fields of an Ack by their number. */
const ackTypes = [-1, 2, 2, 2, 0, 2, 2, 0, 0, 0, 0] as const;

const frame = /* @__PURE__ */ frameOf('PublishResponse');
const ackFrame = /* @__PURE__ */ frameOf('Ack');

/**
 * Goes once through the response from `start` to before `end` and sets all of `into`. Where a field comes twice the last
 * one counts. Throws `ProtocolError` if the response is malformed; `into` is then not to be used.
 */
export function readPublishResponse(bytes: Uint8Array, start: number, end: number, into: PublishResponseScan): void {
  let ackStart = 0;
  let ackEnd = 0;
  let idStart = 0;
  let idEnd = 0;
  into.hasAck = into.hasError = false;
  into.errorCode = into.ackError = into.offset = into.receptionAt = into.commitAt = 0;
  into.errorMessage = '';
  let pos = start;
  while (pos < end) {
    const at = pos;
    let tag = bytes[pos++]!;
    if (tag >= 0x80 || tag < 0x08) {
      pos = varintEnd(bytes, at, end, frame);
      tag = tagAt(bytes, at, pos, frame);
    }
    if ((tag & 7) !== bytesType) {
      if (tag >>> 3 <= lastKnownField) throw wrongType(frame, bytes, at, tag & 7);
      pos = skipField(bytes, pos, end, tag & 7, frame);
      continue;
    }
    const from = varintEnd(bytes, pos, end, frame);
    pos = contentEnd(bytes, pos, from, end, frame);
    if (tag === ackTag) {
      into.hasAck = true;
      ackStart = from;
      ackEnd = pos;
    } else if (tag === correlationTag) {
      idStart = from;
      idEnd = pos;
    } else if (tag === errorTag) {
      const error = readPublishAsyncError(new Reader(bytes, frameOf('PublishAsyncError'), from, pos));
      into.hasError = true;
      into.errorCode = error.code;
      into.errorMessage = error.message;
    }
  }
  into.ackStart = ackStart;
  into.ackEnd = ackEnd;
  scanAck(bytes, ackStart, ackEnd, into);
  const counter = readCorrelation(bytes, idStart, idEnd, into.prefix);
  into.correlationId = counter >= 0 ? counter : decodeText(bytes, idStart, idEnd);
}

function scanAck(bytes: Uint8Array, start: number, end: number, into: PublishResponseScan): void {
  let pos = start;
  while (pos < end) {
    const at = pos;
    let tag = bytes[pos++]!;
    if (tag >= 0x80 || tag < 0x08) {
      pos = varintEnd(bytes, at, end, ackFrame);
      tag = tagAt(bytes, at, pos, ackFrame);
    }
    const type = tag & 7;
    if (tag >>> 3 < ackTypes.length && ackTypes[tag >>> 3] !== type) throw wrongType(ackFrame, bytes, at, type);
    const from = pos;
    if (type === bytesType && from < end && bytes[from]! < 0x80) {
      pos = from + 1 + bytes[from]!;
      if (pos > end) throw tooLong(ackFrame, bytes, at);
      continue;
    }
    pos = type === varintType ? varintEnd(bytes, from, end, ackFrame) : skipField(bytes, from, end, type, ackFrame);
    if (tag === ackTags.offset) into.offset = signedKeyAt(bytes, from, pos);
    else if (tag === ackTags.reception) into.receptionAt = from;
    else if (tag === ackTags.commit) into.commitAt = from;
    else if (tag === ackTags.error) into.ackError = lowBits(bytes, from, pos);
  }
}
