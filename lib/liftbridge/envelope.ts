import { checkOptions, checkValue, flag, instance, text, type Shape } from '../core/check.js';
import { ackPolicies, ackErrors, wireName } from './codec/enums.js';
import { encodeEnvelope, openEnvelope as open } from './codec/envelope.js';
import type { Ack } from './codec/ack.js';
import {
  ackPolicyChecker,
  checkFieldCombinations,
  correlationIdChecker,
  expectedOffsetChecker,
  headerEntries,
  headersChecker,
  keyBytes,
  keyChecker,
  type AckPolicy,
  type LiftbridgeHeaders,
} from './fields.js';

/** What an envelope holds beside the value. */
export interface EnvelopeOptions {
  /** A string goes out as UTF-8. */
  readonly key?: Uint8Array | string | undefined;
  /** The names `subject` and `reply` are the server's own and not accepted. */
  readonly headers?: LiftbridgeHeaders | undefined;
  /** The NATS subject on which acks are to come: one from each stream that is bound to the subject. Default: no acks. */
  readonly ackInbox?: string | undefined;
  /** What the acks will be called. */
  readonly correlationId?: string | undefined;
  /** @defaultValue 'leader' */
  readonly ackPolicy?: AckPolicy | undefined;
  /** The offset that the message has to get, in a stream with optimistic concurrency control. -1, as undefined: any. */
  readonly expectedOffset?: bigint | number | undefined;
  /**
   * Whether the server is to check the bytes by a CRC-32C.
   * @defaultValue true
   */
  readonly crc?: boolean | undefined;
}

/** A message in an envelope. The bytes are views of what was opened. */
export interface EnvelopedMessage {
  readonly kind: 'message';
  readonly value: Uint8Array;
  readonly key: Uint8Array | undefined;
  readonly headers: ReadonlyMap<string, Uint8Array>;
  readonly ackInbox: string | undefined;
  readonly correlationId: string | undefined;
  readonly ackPolicy: AckPolicy;
  /** Undefined: any. */
  readonly expectedOffset: bigint | undefined;
}

/** What a server says of a message that was published on NATS. */
export interface EnvelopedAck {
  readonly kind: 'ack';
  readonly stream: string;
  /** The NATS subject of the stream; `subject` says which partition it was. */
  readonly partitionSubject: string;
  /** The NATS subject that the message was published on. */
  readonly subject: string;
  /** Where it is stored; undefined where it is not. */
  readonly offset: bigint | undefined;
  readonly correlationId: string | undefined;
  readonly ackPolicy: AckPolicy;
  /** When the leader received it, in nanoseconds since the Unix epoch; undefined: not told. */
  readonly receptionTimestamp: bigint | undefined;
  /** When it was committed, in nanoseconds since the Unix epoch; undefined: never, or not told. */
  readonly commitTimestamp: bigint | undefined;
  /** Why it is not stored, in the protocol's words, such as `INCORRECT_OFFSET`; undefined: it is. */
  readonly error: string | undefined;
}

/** Bytes in no envelope: a stream keeps them as the value of a message that has nothing else. */
export interface PlainMessage {
  readonly kind: 'plain';
  readonly value: Uint8Array;
}

/** What bytes on a NATS subject are. */
export type OpenedEnvelope = EnvelopedMessage | EnvelopedAck | PlainMessage;

const bytesChecker = instance((value) => value instanceof Uint8Array, 'a Uint8Array');

const shape: Shape<EnvelopeOptions> = {
  key: keyChecker,
  headers: headersChecker,
  ackInbox: text({ pattern: /^[^\s*>]+$/, words: 'that is a NATS subject without wildcards' }),
  correlationId: correlationIdChecker,
  ackPolicy: ackPolicyChecker,
  expectedOffset: expectedOffsetChecker,
  crc: flag(),
};

/**
 * Puts a message into the envelope in which Liftbridge takes it from NATS: publish the bytes on the subject of the stream, or
 * for partition n above 0 on `<subject>.<n>`.
 * @throws InvalidOptionError
 */
export function envelope(value: Uint8Array, options: EnvelopeOptions = {}): Uint8Array {
  checkValue('envelope()', 'value', value, bytesChecker);
  checkOptions('envelope()', options, shape);
  checkFieldCombinations('envelope()', options);
  const { key, headers, ackInbox, correlationId, ackPolicy = 'leader', expectedOffset, crc = true } = options;
  return encodeEnvelope(
    {
      key: keyBytes(key),
      value,
      headers: headers && headerEntries(headers),
      ackInbox,
      correlationId,
      ackPolicy: ackPolicies[ackPolicy],
      expectedOffset,
    },
    { crc },
  );
}

/**
 * Says what bytes that came on a NATS subject are. What begins as no envelope does, and what servers say to one another, is
 * a plain message: that is what a stream makes of it.
 * @throws ProtocolError for an envelope that is cut off, is of an unknown version or has a wrong CRC; InvalidOptionError for
 * anything but bytes
 */
export function openEnvelope(bytes: Uint8Array): OpenedEnvelope {
  checkValue('openEnvelope()', 'bytes', bytes, bytesChecker);
  const opened = open(bytes);
  if (opened.kind === 'malformed') throw opened.error;
  if (opened.kind === 'ack') return ackOf(opened.ack);
  if (opened.kind !== 'publish') return { kind: 'plain', value: bytes };
  const { key, value, headers, ackInbox, correlationId, ackPolicy, expectedOffset } = opened.message;
  return {
    kind: 'message',
    value,
    key,
    headers,
    ackInbox: nonEmpty(ackInbox),
    correlationId: nonEmpty(correlationId),
    ackPolicy: policyOf(ackPolicy),
    expectedOffset: expectedOffset < 0 ? undefined : BigInt(expectedOffset),
  };
}

/** @internal */
export function ackOf(ack: Ack): EnvelopedAck {
  const stored = ack.ackError === ackErrors.ok;
  return {
    kind: 'ack',
    stream: ack.stream,
    partitionSubject: ack.partitionSubject,
    subject: ack.msgSubject,
    offset: stored ? ack.offset : undefined,
    correlationId: nonEmpty(ack.correlationId),
    ackPolicy: policyOf(ack.ackPolicy),
    receptionTimestamp: ack.receptionTimestamp === 0n ? undefined : ack.receptionTimestamp,
    commitTimestamp: ack.commitTimestamp === 0n ? undefined : ack.commitTimestamp,
    error: stored ? undefined : wireName(ackErrors, ack.ackError),
  };
}

function nonEmpty(text: string): string | undefined {
  return text === '' ? undefined : text;
}

/** A policy that is in no list is read as the server reads it: no ack but the leader's. */
function policyOf(code: number): AckPolicy {
  if (code === ackPolicies.all) return 'all';
  return code === ackPolicies.none ? 'none' : 'leader';
}
