import { guidDigits, guidTemplate, guidText, writeCounter } from './guid.js';
import { Reader } from '../../core/wire/reader.js';
import { takeBytes } from './slab.js';
import { encodeText } from '../../core/wire/text.js';
import { writeVarint } from '../../core/wire/varint.js';
import { delimitedSize, Writer } from '../../core/wire/writer.js';
import { frameOf } from './malformed.js';

/** A message on its way to a channel. */
export interface PubMsg {
  clientId: string;
  /** What the server's ack names. */
  guid: string;
  /** The channel. */
  subject: string;
  /** Handed on to the subscribers. */
  reply: string;
  data: Uint8Array;
  connId: Uint8Array;
  /** Not used by clients and server. */
  sha256: Uint8Array;
}

/** Of whom and where to the messages of a {@link PubMsgEncoder} are. */
export interface PubMsgEncoderOptions {
  readonly clientId: string;
  readonly connId: Uint8Array;
  /** The channel. */
  readonly subject: string;
  /** What generated guids begin with; unlike anything that callers use as a guid. Default: empty. */
  readonly guidPrefix?: string;
}

const replyTag = 0x22;
const dataTag = 0x2a;

/** Encodes the messages that one session publishes to one channel. What they share is encoded once. */
export class PubMsgEncoder {
  private readonly options: PubMsgEncoderOptions;
  private readonly prefix: string;
  /** Client id, guid with the digits of the last message, and subject. */
  private readonly head: Uint8Array;
  /** Where the digits end in the head. */
  private readonly digitsEnd: number;
  /** The connection id. */
  private readonly tail: Uint8Array;
  /** The counter whose digits the head holds. */
  private counter = 0;

  constructor(options: PubMsgEncoderOptions) {
    const { clientId, connId, subject, guidPrefix = '' } = options;
    const guid = guidTemplate(guidPrefix);
    this.options = options;
    this.prefix = guidPrefix;
    this.head = new Writer().string(1, clientId).bytes(2, guid).string(3, subject).finish();
    this.digitsEnd = new Writer().string(1, clientId).bytes(2, guid).finish().length;
    this.tail = new Writer().bytes(6, connId).finish();
  }

  /** The guid that a counter stands for. */
  guidText(counter: number): string {
    return guidText(this.prefix, counter);
  }

  /**
   * One message. Neither the data nor the result is kept.
   * @param guid - a counter (a safe integer, not negative) for a generated guid, or a guid as it is
   * @param reply - handed on to the subscribers
   */
  encode(guid: number | string, data: Uint8Array, reply?: string): Uint8Array {
    if (typeof guid === 'string') return encodePubMsg({ ...this.options, guid, data, ...(reply && { reply }) });
    const { head, tail } = this;
    const { length } = data;
    writeCounter(head, this.digitsEnd, guid, this.counter);
    this.counter = guid;
    if (reply) return this.encodeWithReply(data, encodeText(reply));
    const out = takeBytes(head.length + delimitedSize(length) + tail.length);
    out.set(head);
    this.finish(out, head.length, data);
    return out;
  }

  /** The length in bytes of what `encode` would give for as many bytes of data. */
  encodedSize(dataLength: number, guid?: number | string, reply?: string): number {
    let size = this.head.length + delimitedSize(dataLength) + this.tail.length;
    if (reply) size += delimitedSize(encodeText(reply).length);
    if (typeof guid !== 'string') return size;
    const generated = delimitedSize(encodeText(this.prefix).length + guidDigits);
    return size - generated + delimitedSize(encodeText(guid).length);
  }

  private encodeWithReply(data: Uint8Array, reply: Uint8Array): Uint8Array {
    const { head, tail } = this;
    const out = takeBytes(head.length + delimitedSize(reply.length) + delimitedSize(data.length) + tail.length);
    out.set(head);
    this.finish(out, writeField(out, head.length, replyTag, reply), data);
    return out;
  }

  private finish(out: Uint8Array, pos: number, data: Uint8Array): void {
    out.set(this.tail, data.length === 0 ? pos : writeField(out, pos, dataTag, data));
  }
}

function writeField(out: Uint8Array, pos: number, tag: number, content: Uint8Array): number {
  out[pos] = tag;
  const start = writeVarint(out, pos + 1, content.length, 0);
  out.set(content, start);
  return start + content.length;
}

/** One message, without what {@link PubMsgEncoder} prepares. */
export function encodePubMsg(message: Partial<PubMsg>): Uint8Array {
  return new Writer()
    .string(1, message.clientId)
    .string(2, message.guid)
    .string(3, message.subject)
    .string(4, message.reply)
    .bytes(5, message.data)
    .bytes(6, message.connId)
    .bytes(10, message.sha256)
    .finish();
}

/** Its bytes are views of the frame. Throws `ProtocolError`. */
export function decodePubMsg(bytes: Uint8Array): PubMsg {
  const reader = new Reader(bytes, frameOf('PubMsg'));
  const none = new Uint8Array(0);
  const message: PubMsg = { clientId: '', guid: '', subject: '', reply: '', data: none, connId: none, sha256: none };
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) message.clientId = reader.string();
    else if (field === 2) message.guid = reader.string();
    else if (field === 3) message.subject = reader.string();
    else if (field === 4) message.reply = reader.string();
    else if (field === 5) message.data = reader.view();
    else if (field === 6) message.connId = reader.view();
    else if (field === 10) message.sha256 = reader.view();
    else reader.skip();
  }
  return message;
}
