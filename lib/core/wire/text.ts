const encoder = new TextEncoder();
// A byte order mark at the start is a character like any other here.
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

// Names, subjects, keys and ids are short and mostly ASCII, which a loop makes many times faster than the platform does.
const longestLoop = 256;
const longestDecodeLoop = 24;

/** A string as UTF-8; what is not Unicode in it (half of a surrogate pair) becomes U+FFFD. */
export function encodeText(text: string): Uint8Array {
  const { length } = text;
  if (length > longestLoop) return encoder.encode(text);
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) {
    const unit = text.charCodeAt(i);
    if (unit > 0x7f) return encoder.encode(text);
    bytes[i] = unit;
  }
  return bytes;
}

/** UTF-8 as a string; what is not UTF-8 becomes U+FFFD, because a name that reads oddly is better than a lost frame. */
export function decodeText(bytes: Uint8Array, start: number, end: number): string {
  if (end - start > longestDecodeLoop) return decoder.decode(bytes.subarray(start, end));
  let text = '';
  for (let at = start; at < end; at++) {
    const byte = bytes[at]!;
    if (byte > 0x7f) return decoder.decode(bytes.subarray(start, end));
    text += String.fromCharCode(byte);
  }
  return text;
}
