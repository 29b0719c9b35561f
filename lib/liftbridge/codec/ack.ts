import { ackErrors, ackPolicies } from './enums.js';
import { Reader } from '../../core/wire/reader.js';
import { frameOf } from './malformed.js';

/** What became of a published message. */
export interface Ack {
  stream: string;
  /** The NATS subject of the partition. */
  partitionSubject: string;
  /** The NATS subject that the message was published on. */
  msgSubject: string;
  /** Where it is stored; 0 where it is not. */
  offset: bigint;
  ackInbox: string;
  correlationId: string;
  /** One of `ackPolicies`. */
  ackPolicy: number;
  /** When the leader received it, in nanoseconds since the Unix epoch; 0: not known. */
  receptionTimestamp: bigint;
  /** When it was committed, in nanoseconds since the Unix epoch; 0: never. */
  commitTimestamp: bigint;
  /** One of `ackErrors`; 0: it is stored. */
  ackError: number;
}

/** Throws `ProtocolError`. */
export function decodeAck(bytes: Uint8Array, start = 0, end = bytes.length): Ack {
  return readAck(new Reader(bytes, frameOf('Ack'), start, end));
}

/** @internal */
export function readAck(reader: Reader): Ack {
  const ack: Ack = {
    stream: '',
    partitionSubject: '',
    msgSubject: '',
    offset: 0n,
    ackInbox: '',
    correlationId: '',
    ackPolicy: ackPolicies.leader,
    receptionTimestamp: 0n,
    commitTimestamp: 0n,
    ackError: ackErrors.ok,
  };
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) ack.stream = reader.string();
    else if (field === 2) ack.partitionSubject = reader.string();
    else if (field === 3) ack.msgSubject = reader.string();
    else if (field === 4) ack.offset = reader.int64();
    else if (field === 5) ack.ackInbox = reader.string();
    else if (field === 6) ack.correlationId = reader.string();
    else if (field === 7) ack.ackPolicy = reader.int32();
    else if (field === 8) ack.receptionTimestamp = reader.int64();
    else if (field === 9) ack.commitTimestamp = reader.int64();
    else if (field === 10) ack.ackError = reader.int32();
    else reader.skip();
  }
  return ack;
}
