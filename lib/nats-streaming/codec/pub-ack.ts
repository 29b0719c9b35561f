import { guidDigits, readCounter } from './guid.js';
import { Reader } from '../../core/wire/reader.js';
import { Writer } from '../../core/wire/writer.js';
import { frameOf } from './malformed.js';

/** What became of a published message. */
export interface PubAck {
  guid: string;
  /** Empty: it is stored. */
  error: string;
}

const guidTag = 0x0a;
/** A length from here on takes two bytes. */
const longLength = 0x80;

export function encodePubAck(ack: Partial<PubAck>): Uint8Array {
  return new Writer().string(1, ack.guid).string(2, ack.error).finish();
}

/** Throws `ProtocolError`. */
export function decodePubAck(bytes: Uint8Array): PubAck {
  const reader = new Reader(bytes, frameOf('PubAck'));
  const ack: PubAck = { guid: '', error: '' };
  for (let field = reader.next(); field !== 0; field = reader.next()) {
    if (field === 1) ack.guid = reader.string();
    else if (field === 2) ack.error = reader.string();
    else reader.skip();
  }
  return ack;
}

/**
 * The counter of a generated guid, straight from an ack that holds nothing else. -1 for any other frame (an error, another's
 * guid, a malformed one), which is then for `decodePubAck`.
 * @param prefix - the UTF-8 bytes of the prefix that the guids were generated with; at most 111 bytes can be known again
 */
export function readAckCounter(bytes: Uint8Array, prefix: Uint8Array): number {
  const length = prefix.length + guidDigits;
  if (bytes.length !== length + 2 || bytes[0] !== guidTag || bytes[1] !== length || length >= longLength) return -1;
  for (let i = 0; i < prefix.length; i++) if (bytes[i + 2] !== prefix[i]) return -1;
  return readCounter(bytes, bytes.length);
}
