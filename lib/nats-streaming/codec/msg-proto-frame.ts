import { dataOf, emptyFields, replyOf, scanMessage, subjectOf, timestampOf } from './msg-proto.js';
import { Writer } from '../../core/wire/writer.js';

/** A message of a channel as a plain object: for what is not the hot path, and for servers made by hand. */
export interface MsgProto {
  sequence: bigint;
  /** The channel. */
  subject: string;
  reply: string;
  data: Uint8Array;
  /** Nanoseconds since the Unix epoch. */
  timestamp: bigint;
  redelivered: boolean;
  redeliveryCount: number;
  /** The checksum of the data; 0: none. */
  crc32: number;
}

export function encodeMessage(
  message: Partial<Omit<MsgProto, 'sequence'>> & { sequence?: number | bigint },
): Uint8Array {
  return new Writer()
    .int64(1, message.sequence)
    .string(2, message.subject)
    .string(3, message.reply)
    .bytes(4, message.data)
    .int64(5, message.timestamp)
    .bool(6, message.redelivered)
    .uint32(7, message.redeliveryCount)
    .uint32(10, message.crc32)
    .finish();
}

/** Its data is a view of the frame. Throws `ProtocolError`. */
export function decodeMessage(bytes: Uint8Array): MsgProto {
  const fields = emptyFields();
  scanMessage(bytes, fields);
  return {
    sequence: BigInt(fields.sequence),
    subject: subjectOf(bytes, fields),
    reply: replyOf(bytes, fields),
    data: dataOf(bytes, fields),
    timestamp: timestampOf(fields),
    redelivered: fields.redelivered,
    redeliveryCount: fields.redeliveryCount,
    crc32: fields.crc32,
  };
}
