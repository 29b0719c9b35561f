import { headerFields, readHeader } from './headers.js';
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
import { decodeText } from '../../core/wire/text.js';
import { highBits, lowBits, signedKeyAt, signedOf, varintEnd } from '../../core/wire/varint.js';
import { frameOf } from './malformed.js';

/**
 * What {@link readMessage} finds in a Message: plain values, and positions in the buffer of what is rarely wanted. A
 * delivery can implement it, so that a message costs one object. A part that is absent starts and ends at 0.
 */
export interface MessageScan {
  /** A number where that is exact, else a bigint. In an envelope: the offset that is expected. */
  offset: number | bigint;
  keyStart: number;
  keyEnd: number;
  valueStart: number;
  valueEnd: number;
  /** For {@link messageTimestamp}; 0: it has none. */
  timestampAt: number;
  streamStart: number;
  streamEnd: number;
  partition: number;
  subjectStart: number;
  subjectEnd: number;
  replySubjectStart: number;
  replySubjectEnd: number;
  /** From the first header to behind the last one, for {@link messageHeaders}. Other fields can lie between. */
  headersStart: number;
  headersEnd: number;
  // the rest is of use in envelopes only: the server delivers none of it
  ackInboxStart: number;
  ackInboxEnd: number;
  correlationIdStart: number;
  correlationIdEnd: number;
  ackPolicy: number;
}

/** The tags, each a field number and the wire type. */
const tags = {
  offset: 0x08,
  key: 0x12,
  value: 0x1a,
  timestamp: 0x20,
  stream: 0x2a,
  partition: 0x30,
  subject: 0x3a,
  replySubject: 0x42,
  headers: 0x4a,
  ackInbox: 0x52,
  correlationId: 0x5a,
  ackPolicy: 0x60,
} as const;
const entryName = 0x0a;
const entryValue = 0x12;
/** A length from here on takes two bytes. */
const long = 0x80;

const frame = /* @__PURE__ */ frameOf('Message');
const headerFrame = /* @__PURE__ */ frameOf('Message header');
const lastKnownField = 12;

/** A scan as an empty message gives it: of the message that opens each subscription. */
export function emptyMessageScan(): MessageScan {
  return {
    offset: 0,
    keyStart: 0,
    keyEnd: 0,
    valueStart: 0,
    valueEnd: 0,
    timestampAt: 0,
    streamStart: 0,
    streamEnd: 0,
    partition: 0,
    subjectStart: 0,
    subjectEnd: 0,
    replySubjectStart: 0,
    replySubjectEnd: 0,
    headersStart: 0,
    headersEnd: 0,
    ackInboxStart: 0,
    ackInboxEnd: 0,
    correlationIdStart: 0,
    correlationIdEnd: 0,
    ackPolicy: 0,
  };
}

/**
 * Goes once through the message from `start` to before `end` and sets all of `into`. What it has passed is whole, headers
 * included: the functions below do not throw for it. Where a field comes twice the last one counts.
 * Throws `ProtocolError` if the message is malformed; `into` is then as it was.
 */
export function readMessage(bytes: Uint8Array, start: number, end: number, into: MessageScan): void {
  let offset: number | bigint = 0;
  let keyStart = 0;
  let keyEnd = 0;
  let valueStart = 0;
  let valueEnd = 0;
  let timestampAt = 0;
  let streamStart = 0;
  let streamEnd = 0;
  let partition = 0;
  let subjectStart = 0;
  let subjectEnd = 0;
  let replySubjectStart = 0;
  let replySubjectEnd = 0;
  let headersStart = 0;
  let headersEnd = 0;
  let ackInboxStart = 0;
  let ackInboxEnd = 0;
  let correlationIdStart = 0;
  let correlationIdEnd = 0;
  let ackPolicy = 0;
  let pos = start;
  while (pos < end) {
    const at = pos;
    let tag = bytes[pos++]!;
    if (tag >= 0x80 || tag < 0x08) {
      pos = varintEnd(bytes, at, end, frame);
      tag = tagAt(bytes, at, pos, frame);
    }
    let from = pos;
    if ((tag & 7) === bytesType) {
      const length = from < end ? bytes[from]! : 0x80;
      if (length < 0x80) {
        pos = ++from + length;
        if (pos > end) throw tooLong(frame, bytes, at);
      } else {
        from = varintEnd(bytes, pos, end, frame);
        pos = contentEnd(bytes, pos, from, end, frame);
      }
    } else if ((tag & 7) === varintType) {
      pos = from < end && bytes[from]! < 0x80 ? from + 1 : varintEnd(bytes, from, end, frame);
    } else {
      pos = skipField(bytes, from, end, tag & 7, frame);
    }
    switch (tag) {
      case tags.offset:
        offset = signedKeyAt(bytes, from, pos);
        break;
      case tags.key:
        keyStart = from;
        keyEnd = pos;
        break;
      case tags.value:
        valueStart = from;
        valueEnd = pos;
        break;
      case tags.timestamp:
        timestampAt = from;
        break;
      case tags.stream:
        streamStart = from;
        streamEnd = pos;
        break;
      case tags.partition:
        partition = lowBits(bytes, from, pos);
        break;
      case tags.subject:
        subjectStart = from;
        subjectEnd = pos;
        break;
      case tags.replySubject:
        replySubjectStart = from;
        replySubjectEnd = pos;
        break;
      case tags.headers:
        checkHeader(bytes, from, pos);
        if (headersStart === headersEnd) headersStart = at;
        headersEnd = pos;
        break;
      case tags.ackInbox:
        ackInboxStart = from;
        ackInboxEnd = pos;
        break;
      case tags.correlationId:
        correlationIdStart = from;
        correlationIdEnd = pos;
        break;
      case tags.ackPolicy:
        ackPolicy = lowBits(bytes, from, pos);
        break;
      default:
        if (tag >>> 3 <= lastKnownField) throw wrongType(frame, bytes, at, tag & 7);
    }
  }
  into.offset = offset;
  into.keyStart = keyStart;
  into.keyEnd = keyEnd;
  into.valueStart = valueStart;
  into.valueEnd = valueEnd;
  into.timestampAt = timestampAt;
  into.streamStart = streamStart;
  into.streamEnd = streamEnd;
  into.partition = partition;
  into.subjectStart = subjectStart;
  into.subjectEnd = subjectEnd;
  into.replySubjectStart = replySubjectStart;
  into.replySubjectEnd = replySubjectEnd;
  into.headersStart = headersStart;
  into.headersEnd = headersEnd;
  into.ackInboxStart = ackInboxStart;
  into.ackInboxEnd = ackInboxEnd;
  into.correlationIdStart = correlationIdStart;
  into.correlationIdEnd = correlationIdEnd;
  into.ackPolicy = ackPolicy;
}

/** Each message has at least two headers, the server's own, whose names and values are nearly always short. */
function checkHeader(bytes: Uint8Array, start: number, end: number): void {
  const name = end - start < 4 || bytes[start] !== entryName ? long : bytes[start + 1]!;
  const value = start + 2 + name;
  if (name < long && value + 1 < end && bytes[value] === entryValue) {
    const length = bytes[value + 1]!;
    if (length < long && value + 2 + length === end) return;
  }
  readHeader(new Reader(bytes, headerFrame, start, end), new Map());
}

/**
 * The headers between two positions of a scan, but for the two that the server adds to each message (`subject` and
 * `reply`). Values are views. Throws `ProtocolError` for what no scan has passed.
 */
export function messageHeaders(bytes: Uint8Array, start: number, end: number): Map<string, Uint8Array> {
  const headers = allHeaders(bytes, start, end);
  headers.delete('subject');
  headers.delete('reply');
  return headers;
}

/** As {@link messageHeaders}, with those two if they are there: the headers of an envelope are all its sender's. */
export function allHeaders(bytes: Uint8Array, start: number, end: number): Map<string, Uint8Array> {
  const headers = new Map<string, Uint8Array>();
  const fields = new Reader(bytes, frame, start, end);
  for (let field = fields.next(); field !== 0; field = fields.next()) {
    if (field === headerFields.message) readHeader(fields.message(headerFrame), headers);
    else fields.skip();
  }
  return headers;
}

/** Nanoseconds since the Unix epoch, of the `timestampAt` of a scan. */
export function messageTimestamp(bytes: Uint8Array, at: number): bigint {
  if (at === 0) return 0n;
  const end = varintEnd(bytes, at, bytes.length, frame);
  return signedOf(lowBits(bytes, at, end), highBits(bytes, at, end));
}

/** The same in milliseconds with a fraction, as exact as a number is: to a quarter of a microsecond in this century. */
export function messageTimeMs(bytes: Uint8Array, at: number): number {
  if (at === 0) return 0;
  const end = varintEnd(bytes, at, bytes.length, frame);
  return highBits(bytes, at, end) * 4294.967296 + (lowBits(bytes, at, end) >>> 0) / 1e6;
}

/** The text between two positions of a scan, such as `subjectStart` and `subjectEnd`; empty where it is absent. */
export function messageText(bytes: Uint8Array, start: number, end: number): string {
  return decodeText(bytes, start, end);
}
