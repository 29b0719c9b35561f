import type { Codec } from '../core/codec.js';
import { DecodeError } from '../core/errors.js';

const encoder = new TextEncoder();
// a leading U+FEFF is kept: what was encoded must come out again
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Strings as UTF-8. Bytes that are not UTF-8 are refused rather than replaced, and so are strings with half of a
 * surrogate pair, which UTF-8 cannot hold.
 */
export const text: Codec<string> = {
  contentType: 'text/plain; charset=utf-8',
  encode(value) {
    if (typeof value !== 'string') {
      const got = value === null ? 'null' : value === undefined ? 'undefined' : `a value of type ${typeof value}`;
      throw new DecodeError(`the text codec takes a string; got ${got}`);
    }
    if (!isWellFormed(value)) {
      throw new DecodeError('the text codec takes a string that UTF-8 can hold; got one with half of a surrogate pair');
    }
    return encoder.encode(value);
  },
  decode(bytes) {
    try {
      return decoder.decode(bytes);
    } catch (cause) {
      throw new DecodeError('the bytes are not UTF-8', { cause });
    }
  },
};

const loneSurrogate = /\p{Surrogate}/u;

/** The engine's own where it has one: it costs nothing for the strings that are ASCII. */
function isWellFormed(value: string): boolean {
  return (value as { isWellFormed?: () => boolean }).isWellFormed?.() ?? !loneSurrogate.test(value);
}
