const encoder = new TextEncoder();
const loneSurrogate = /\p{Surrogate}/u;

/** Up to this length a loop is faster than the platform's own. */
const shortText = 32;

/**
 * Writes a string as UTF-8 and gives the position behind it. The target must have room for three bytes for each unit of
 * the string's length.
 */
export function writeText(target: Uint8Array, at: number, text: string): number {
  const { length } = text;
  if (length <= shortText) {
    let i = 0;
    for (; i < length; i++) {
      const unit = text.charCodeAt(i);
      if (unit > 0x7f) break;
      target[at + i] = unit;
    }
    if (i === length) return at + length;
  }
  return at + encoder.encodeInto(text, target.subarray(at)).written;
}

/** Whether UTF-8 can hold it: not where half of a surrogate pair stands alone. */
export function isWellFormed(text: string): boolean {
  return (text as { isWellFormed?: () => boolean }).isWellFormed?.() ?? !loneSurrogate.test(text);
}

/** Whether all of it is ASCII, as a symbol has to be. */
export function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    if (text.charCodeAt(i) > 0x7f) return false;
  }
  return true;
}
