import { frameOf } from './malformed.js';
import { bytesType, contentEnd, skipField, tagAt, tooLong, varintType, wrongType } from '../../core/wire/reader.js';
import { decodeText } from '../../core/wire/text.js';
import { highBits, lowBits, signedOf, unsignedKeyAt, varintEnd } from '../../core/wire/varint.js';

/**
 * What `scanMessage` finds in a MsgProto: plain values, and positions in the frame of what is rarely wanted. A delivery
 * implements it, so that a message costs one object. A part that is absent starts and ends at 0.
 */
export interface MessageFields {
  /** A number where that is exact, else a bigint. */
  sequence: number | bigint;
  /** The sequence as it is on the wire, to be copied into an ack. */
  sequenceStart: number;
  sequenceEnd: number;
  subjectStart: number;
  subjectEnd: number;
  replyStart: number;
  replyEnd: number;
  dataStart: number;
  dataEnd: number;
  /**
   * When the server stored it, in nanoseconds since the Unix epoch: the low and the high 32 bits, both signed.
   * Two times are the same if both halves are.
   */
  timestampLow: number;
  timestampHigh: number;
  redelivered: boolean;
  redeliveryCount: number;
  /** The checksum of the data, unsigned; 0: the message has none. */
  crc32: number;
}

/** The tags, each a field number and the wire type. */
const tags = {
  sequence: 0x08,
  subject: 0x12,
  reply: 0x1a,
  data: 0x22,
  timestamp: 0x28,
  redelivered: 0x30,
  redeliveryCount: 0x38,
  crc32: 0x50,
} as const;

const frame = /* @__PURE__ */ frameOf('MsgProto');
const lastKnownField = 10;

/** Fields as an empty frame has them. */
export function emptyFields(): MessageFields {
  return {
    sequence: 0,
    sequenceStart: 0,
    sequenceEnd: 0,
    subjectStart: 0,
    subjectEnd: 0,
    replyStart: 0,
    replyEnd: 0,
    dataStart: 0,
    dataEnd: 0,
    timestampLow: 0,
    timestampHigh: 0,
    redelivered: false,
    redeliveryCount: 0,
    crc32: 0,
  };
}

/**
 * Goes once through a whole frame and sets all fields of the target. Where a field comes twice the last one counts.
 * Throws `ProtocolError` if the frame is malformed; the target is then not to be used.
 */
export function scanMessage(bytes: Uint8Array, target: MessageFields): void {
  const end = bytes.length;
  let sequenceStart = 0;
  let sequenceEnd = 0;
  let subjectStart = 0;
  let subjectEnd = 0;
  let replyStart = 0;
  let replyEnd = 0;
  let dataStart = 0;
  let dataEnd = 0;
  let timestampLow = 0;
  let timestampHigh = 0;
  let redelivered = false;
  let redeliveryCount = 0;
  let crc32 = 0;
  let pos = 0;
  while (pos < end) {
    const at = pos;
    let tag = bytes[pos++]!;
    if (tag >= 0x80 || tag < 0x08) {
      pos = varintEnd(bytes, at, end, frame);
      tag = tagAt(bytes, at, pos, frame);
    }
    let start = pos;
    if ((tag & 7) === bytesType) {
      const length = start < end ? bytes[start]! : 0x80;
      if (length < 0x80) {
        pos = ++start + length;
        if (pos > end) throw tooLong(frame, bytes, at);
      } else {
        start = varintEnd(bytes, pos, end, frame);
        pos = contentEnd(bytes, pos, start, end, frame);
      }
    } else if ((tag & 7) === varintType) {
      pos = varintEnd(bytes, start, end, frame);
    } else {
      pos = skipField(bytes, start, end, tag & 7, frame);
    }
    switch (tag) {
      case tags.sequence:
        sequenceStart = start;
        sequenceEnd = pos;
        break;
      case tags.subject:
        subjectStart = start;
        subjectEnd = pos;
        break;
      case tags.reply:
        replyStart = start;
        replyEnd = pos;
        break;
      case tags.data:
        dataStart = start;
        dataEnd = pos;
        break;
      case tags.timestamp:
        timestampLow = lowBits(bytes, start, pos);
        timestampHigh = highBits(bytes, start, pos);
        break;
      case tags.redelivered:
        redelivered = lowBits(bytes, start, pos) !== 0 || highBits(bytes, start, pos) !== 0;
        break;
      case tags.redeliveryCount:
        redeliveryCount = lowBits(bytes, start, pos) >>> 0;
        break;
      case tags.crc32:
        crc32 = lowBits(bytes, start, pos) >>> 0;
        break;
      default:
        if (isKnown(tag >>> 3)) throw wrongType(frame, bytes, at, tag & 7);
    }
  }
  target.sequence = unsignedKeyAt(bytes, sequenceStart, sequenceEnd);
  target.sequenceStart = sequenceStart;
  target.sequenceEnd = sequenceEnd;
  target.subjectStart = subjectStart;
  target.subjectEnd = subjectEnd;
  target.replyStart = replyStart;
  target.replyEnd = replyEnd;
  target.dataStart = dataStart;
  target.dataEnd = dataEnd;
  target.timestampLow = timestampLow;
  target.timestampHigh = timestampHigh;
  target.redelivered = redelivered;
  target.redeliveryCount = redeliveryCount;
  target.crc32 = crc32;
}

function isKnown(field: number): boolean {
  return field <= 7 || field === lastKnownField;
}

/** The payload, a view of the frame. */
export function dataOf(bytes: Uint8Array, fields: MessageFields): Uint8Array {
  return bytes.subarray(fields.dataStart, fields.dataEnd);
}

/** The channel. */
export function subjectOf(bytes: Uint8Array, fields: MessageFields): string {
  return decodeText(bytes, fields.subjectStart, fields.subjectEnd);
}

/** What the publisher gave as `reply`; empty if nothing. */
export function replyOf(bytes: Uint8Array, fields: MessageFields): string {
  return decodeText(bytes, fields.replyStart, fields.replyEnd);
}

/** When the server stored the message, in nanoseconds since the Unix epoch. */
export function timestampOf(fields: MessageFields): bigint {
  return signedOf(fields.timestampLow, fields.timestampHigh);
}

/** The same in milliseconds with a fraction, as exact as a number is: to a quarter of a microsecond in this century. */
export function timestampMs(fields: MessageFields): number {
  return fields.timestampHigh * 4294.967296 + (fields.timestampLow >>> 0) / 1e6;
}
