const encoder = new TextEncoder();
// A byte order mark at the start is a character like any other here.
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** Up to this length a loop is faster than the platform's decoder. */
const shortText = 48;

/** A string as UTF-8. Subjects and ids are short and ASCII, which the loop makes faster than the platform does. */
export function encodeText(text: string): Uint8Array {
  const { length } = text;
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
  if (end - start > shortText) return decoder.decode(bytes.subarray(start, end));
  let text = '';
  for (let pos = start; pos < end; pos++) {
    const byte = bytes[pos]!;
    if (byte > 0x7f) return decoder.decode(bytes.subarray(start, end));
    text += String.fromCharCode(byte);
  }
  return text;
}
