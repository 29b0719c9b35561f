import type { Codec } from '../core/codec.js';
import { DecodeError } from '../core/errors.js';

/** The bytes as they are, both ways, without a copy: what a broker does without any codec. */
export const bytes: Codec<Uint8Array> = {
  contentType: 'application/octet-stream',
  encode(value) {
    if (isBytes(value)) return value;
    throw new DecodeError(
      `the bytes codec takes a Uint8Array; got ${describe(value)}: give the bytes, or a codec such as text or json()`,
    );
  },
  decode: (value) => value,
};

/** Also one of another realm, as test runners make them. */
function isBytes(value: unknown): value is Uint8Array {
  return ArrayBuffer.isView(value) && (value as Uint8Array)[Symbol.toStringTag] === 'Uint8Array';
}

function describe(value: unknown): string {
  if (value === undefined || value === null) return String(value);
  if (typeof value !== 'object') return `a ${typeof value}`;
  return Object.prototype.toString.call(value).slice(8, -1);
}
