import { decodeAck, type Ack } from '../../../lib/liftbridge/codec/ack.js';
import {
  allHeaders,
  emptyMessageScan,
  messageText,
  messageTimestamp,
  readMessage,
} from '../../../lib/liftbridge/codec/message.js';
import { PublishResponseScan, readPublishResponse } from '../../../lib/liftbridge/codec/publish-response.js';
import type { PublishResponse } from '../../../lib/liftbridge/codec/responses.js';

// What the hot paths leave as positions, as plain objects.

const scan = emptyMessageScan();

export interface PlainMessage {
  offset: bigint;
  key: Uint8Array;
  value: Uint8Array;
  timestamp: bigint;
  stream: string;
  partition: number;
  subject: string;
  replySubject: string;
  headers: Map<string, Uint8Array>;
  ackInbox: string;
  correlationId: string;
  ackPolicy: number;
}

export function decodeMessage(bytes: Uint8Array): PlainMessage {
  readMessage(bytes, 0, bytes.length, scan);
  for (const [name, at] of Object.entries(scan)) {
    if (/Start$|End$|At$/.test(name) && at > bytes.length) throw new Error(`${name} is behind the message`);
  }
  return {
    offset: BigInt(scan.offset),
    key: bytes.subarray(scan.keyStart, scan.keyEnd),
    value: bytes.subarray(scan.valueStart, scan.valueEnd),
    timestamp: messageTimestamp(bytes, scan.timestampAt),
    stream: messageText(bytes, scan.streamStart, scan.streamEnd),
    partition: scan.partition,
    subject: messageText(bytes, scan.subjectStart, scan.subjectEnd),
    replySubject: messageText(bytes, scan.replySubjectStart, scan.replySubjectEnd),
    headers: allHeaders(bytes, scan.headersStart, scan.headersEnd),
    ackInbox: messageText(bytes, scan.ackInboxStart, scan.ackInboxEnd),
    correlationId: messageText(bytes, scan.correlationIdStart, scan.correlationIdEnd),
    ackPolicy: scan.ackPolicy,
  };
}

/** The prefix is one that no example begins with, so that each correlation id is text. */
const responseScan = new PublishResponseScan('a prefix of generated ids');

export function scanResponse(bytes: Uint8Array): PublishResponse {
  const into = responseScan;
  readPublishResponse(bytes, 0, bytes.length, into);
  const ack: Ack | undefined = into.hasAck ? decodeAck(bytes, into.ackStart, into.ackEnd) : undefined;
  // not expect, which is called many thousand times here
  const same =
    BigInt(into.offset) === (ack?.offset ?? 0n) &&
    into.ackError === (ack?.ackError ?? 0) &&
    messageTimestamp(bytes, into.receptionAt) === (ack?.receptionTimestamp ?? 0n) &&
    messageTimestamp(bytes, into.commitAt) === (ack?.commitTimestamp ?? 0n);
  if (!same) throw new Error(`the scan of an ack differs from the ack: ${JSON.stringify(bytes)}`);
  return {
    ack,
    asyncError: into.hasError ? { code: into.errorCode, message: into.errorMessage } : undefined,
    correlationId: String(into.correlationId),
  };
}
