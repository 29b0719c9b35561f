import { ProtocolError } from '../../core/errors.js';
import { decodeAck, type Ack } from './ack.js';
import { crc32c } from '../../core/wire/crc32c.js';
import { encodeHeaders, headerFields, type HeaderEntries } from './headers.js';
import { malformed } from './malformed.js';
import { allHeaders, emptyMessageScan, messageText, readMessage } from './message.js';
import { Writer } from '../../core/wire/writer.js';

/** A message to be published straight on the NATS subject of a stream. */
export interface EnvelopeMessage {
  readonly key?: Uint8Array | undefined;
  readonly value?: Uint8Array | undefined;
  readonly headers?: HeaderEntries | undefined;
  /** The NATS subject for acks; without it there are none. */
  readonly ackInbox?: string | undefined;
  readonly correlationId?: string | undefined;
  /** One of `ackPolicies`. */
  readonly ackPolicy?: number | undefined;
  /** The offset that the message has to get. Default: -1, any; the wire's own default would be 0. */
  readonly expectedOffset?: number | bigint | undefined;
}

/** The message of an envelope. Its bytes are views. */
export interface OpenedMessage {
  /** Undefined: it has none, or an empty one. */
  readonly key: Uint8Array | undefined;
  readonly value: Uint8Array;
  readonly headers: ReadonlyMap<string, Uint8Array>;
  readonly ackInbox: string;
  readonly correlationId: string;
  readonly ackPolicy: number;
  /** A number where that is exact, else a bigint; -1: any. */
  readonly expectedOffset: number | bigint;
}

/** What bytes on a NATS subject turned out to be. */
export type Envelope =
  /** No envelope: the bytes are the value of a message without key, headers and ack. */
  | { readonly kind: 'plain' }
  | { readonly kind: 'publish'; readonly message: OpenedMessage }
  | { readonly kind: 'ack'; readonly ack: Ack }
  /** What servers say to each other. */
  | { readonly kind: 'internal'; readonly type: number }
  /** An envelope by its first bytes, and not whole. A server stores such bytes as a plain message. */
  | { readonly kind: 'malformed'; readonly error: ProtocolError };

/** What {@link encodeEnvelope} adds. */
export interface EnvelopeOptions {
  /** A CRC-32C of the payload. Default: false. */
  readonly crc?: boolean | undefined;
}

const magic = [0xb9, 0x0e, 0x43, 0xb4] as const;
const version = 0;
const plainHead = 8;
const crcHead = 12;
const crcFlag = 1;
const types = { publish: 0, ack: 1 } as const;
const frame = 'envelope';

/** A message in its envelope. A server that is sent a wrong head can end over it, so this is the only place that makes one. */
export function encodeEnvelope(message: EnvelopeMessage, options: EnvelopeOptions = {}): Uint8Array {
  const payload = encodeMessage(message);
  const head = options.crc === true ? crcHead : plainHead;
  const envelope = new Uint8Array(head + payload.length);
  envelope.set(magic);
  envelope[4] = version;
  envelope[5] = head;
  envelope[6] = head === crcHead ? crcFlag : 0;
  envelope[7] = types.publish;
  envelope.set(payload, head);
  if (head === crcHead) new DataView(envelope.buffer).setUint32(plainHead, crc32c(payload));
  return envelope;
}

/** A Message with the fields that a sender has. */
function encodeMessage(message: EnvelopeMessage): Uint8Array {
  return new Writer()
    .int64(1, message.expectedOffset ?? -1)
    .bytes(2, message.key)
    .bytes(3, message.value)
    .fields(encodeHeaders(message.headers ?? [], headerFields.message))
    .string(10, message.ackInbox)
    .string(11, message.correlationId)
    .int32(12, message.ackPolicy)
    .view();
}

/** Says what the bytes are; throws nothing. */
export function openEnvelope(bytes: Uint8Array): Envelope {
  if (!hasMagic(bytes)) return { kind: 'plain' };
  try {
    const start = payloadStart(bytes);
    const type = bytes[7]!;
    if (type === types.publish) return { kind: 'publish', message: decodeMessage(bytes, start) };
    if (type === types.ack) return { kind: 'ack', ack: decodeAck(bytes, start) };
    return { kind: 'internal', type };
  } catch (error) {
    if (error instanceof ProtocolError) return { kind: 'malformed', error };
    throw error;
  }
}

/** The ack in an envelope. Throws `ProtocolError` for anything else. */
export function openAck(bytes: Uint8Array): Ack {
  const envelope = openEnvelope(bytes);
  if (envelope.kind === 'ack') return envelope.ack;
  if (envelope.kind === 'malformed') throw envelope.error;
  throw malformed('Ack', 0, envelope.kind === 'plain' ? 'it is in no envelope' : `its envelope is ${envelope.kind}`);
}

function hasMagic(bytes: Uint8Array): boolean {
  return bytes.length >= magic.length && magic.every((byte, at) => bytes[at] === byte);
}

/** Where the payload begins, if all before it is in order and it is what its CRC says. */
function payloadStart(bytes: Uint8Array): number {
  const { length } = bytes;
  if (length < plainHead) throw malformed(frame, length, 'it ends inside its head');
  if (bytes[4] !== version) throw malformed(frame, 4, `the version ${String(bytes[4])} is not known`);
  const head = bytes[5]!;
  if (head < plainHead || head > length) {
    throw malformed(frame, 5, `its head has ${String(head)} bytes, and it ${String(length)} in all`);
  }
  if ((bytes[6]! & crcFlag) === 0) return head;
  if (head !== crcHead) throw malformed(frame, 5, `a head with a CRC-32C has ${String(head)} bytes`);
  const expected = new DataView(bytes.buffer, bytes.byteOffset).getUint32(plainHead);
  const actual = crc32c(bytes, head);
  if (actual !== expected)
    throw malformed(frame, plainHead, `its CRC-32C is ${hex(expected)}, and ${hex(actual)} was due`);
  return head;
}

function hex(crc: number): string {
  return crc.toString(16).padStart(8, '0');
}

function decodeMessage(bytes: Uint8Array, start: number): OpenedMessage {
  const scan = emptyMessageScan();
  readMessage(bytes, start, bytes.length, scan);
  return {
    key: scan.keyEnd > scan.keyStart ? bytes.subarray(scan.keyStart, scan.keyEnd) : undefined,
    value: bytes.subarray(scan.valueStart, scan.valueEnd),
    headers: allHeaders(bytes, scan.headersStart, scan.headersEnd),
    ackInbox: messageText(bytes, scan.ackInboxStart, scan.ackInboxEnd),
    correlationId: messageText(bytes, scan.correlationIdStart, scan.correlationIdEnd),
    ackPolicy: scan.ackPolicy,
    expectedOffset: scan.offset,
  };
}
