import { encodeText } from '../../core/wire/text.js';
import { decodeBase64, encodeBase64 } from './base64.js';
import { FieldWriter } from './field-writer.js';

/** The three parts of an `X-HMAC` authorization. @internal */
export interface HmacHeader {
  /** Seconds since the Unix epoch. */
  readonly timestamp: number;
  readonly nonce: string;
  /** 64 bytes. */
  readonly code: Uint8Array;
}

const prefix = 'X-HMAC ';
const codeLength = 64;
// more digits are no exact number, and the longest nonce and code have fewer characters than this
const pattern = /^X-HMAC (\d{1,15}):([^:]{0,255}):([A-Za-z0-9+/]{86}(?:==)?)$/;

/**
 * The bytes that an HMAC-SHA-512 is made of.
 * @param kind - one of `signedKinds`
 * @param timestamp - seconds since the Unix epoch
 * @param nonce - up to 255 bytes as UTF-8, without a colon
 * @param rest - from `signed`
 * @internal
 */
export function toSign(
  kind: number,
  timestamp: number,
  nonce: string,
  tracing: Uint8Array,
  rest: Uint8Array,
): Uint8Array {
  return new FieldWriter(12 + nonce.length + tracing.length + rest.length)
    .u8(kind)
    .u64(timestamp)
    .lp8(encodeText(nonce))
    .lp16(tracing)
    .raw(rest)
    .finish();
}

/** @param code - 64 bytes @internal */
export function formatHmacHeader(timestamp: number, nonce: string, code: Uint8Array): string {
  return `${prefix}${String(timestamp)}:${nonce}:${encodeBase64(code)}`;
}

/** Undefined where it is none. @internal */
export function parseHmacHeader(authorization: string): HmacHeader | undefined {
  const found = pattern.exec(authorization);
  if (found === null) return undefined;
  const nonce = found[2]!;
  const code = decodeBase64(found[3]!);
  if (code?.length !== codeLength || encodeText(nonce).length > 0xff) return undefined;
  return { timestamp: Number(found[1]), nonce, code };
}
