import { Reader } from '../../core/wire/reader.js';
import { takeBytes } from './slab.js';
import { highOf, lowOf, varintSize, writeVarint } from '../../core/wire/varint.js';
import { Writer } from '../../core/wire/writer.js';
import { frameOf } from './malformed.js';

/** Tells the server that a message is done with. */
export interface Ack {
  /** The channel. */
  subject: string;
  /** A number where that is exact, else a bigint. */
  sequence: number | bigint;
}

const sequenceTag = 0x10;

/** Encodes the acks of one channel. */
export class AckEncoder {
  /** The subject, and the tag of the sequence. */
  private readonly head: Uint8Array;

  constructor(subject: string) {
    const subjectField = new Writer().string(1, subject).finish();
    this.head = new Uint8Array(subjectField.length + 1);
    this.head.set(subjectField);
    this.head[subjectField.length] = sequenceTag;
  }

  /** @param sequence - unsigned; a number must be a safe integer */
  encode(sequence: number | bigint): Uint8Array {
    const { head } = this;
    const low = lowOf(sequence);
    const high = highOf(sequence);
    if (low === 0 && high === 0) return head.slice(0, -1);
    const out = takeBytes(head.length + varintSize(low, high));
    out.set(head);
    writeVarint(out, head.length, low, high);
    return out;
  }
}

/** Throws `ProtocolError`. */
export function decodeAck(bytes: Uint8Array): Ack {
  const reader = new Reader(bytes, frameOf('Ack'));
  const ack: Ack = { subject: '', sequence: 0 };
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) ack.subject = reader.string();
    else if (field === 2) ack.sequence = reader.unsigned();
    else reader.skip();
  }
  return ack;
}
