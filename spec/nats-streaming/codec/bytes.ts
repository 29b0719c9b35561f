/** The bytes that a hex string writes. */
export function hexBytes(hex: string): Uint8Array {
  return Uint8Array.from({ length: hex.length / 2 }, (_, i) => parseInt(hex.slice(i * 2, i * 2 + 2), 16));
}

export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

export function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** The same bytes as a view at an odd offset, with bytes around it that any varint would go on into. */
export function oddView(bytes: Uint8Array): Uint8Array {
  const buffer = new Uint8Array(bytes.length + 40).fill(0xff);
  buffer.set(bytes, 7);
  return buffer.subarray(7, 7 + bytes.length);
}

/** Frames behind one another are one frame, in which the later fields count. */
export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}
