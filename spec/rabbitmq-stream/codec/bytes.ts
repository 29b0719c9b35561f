/** The bytes that a hex string writes. */
export function hexBytes(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex, 'hex'));
}

export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex');
}

export function utf8(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text));
}

/** The same bytes as a view at an odd offset, with bytes around it that no length is good with. */
export function oddView(bytes: Uint8Array): Uint8Array {
  const buffer = new Uint8Array(bytes.length + 40).fill(0xff);
  buffer.set(bytes, 7);
  return buffer.subarray(7, 7 + bytes.length);
}

/** `length` bytes, different from one position to the next. */
export function someBytes(length: number, seed = 1): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => i * 7 + seed);
}

/** Memory as Node gives it: with the bytes of others in it. */
export function dirty(size: number): Uint8Array {
  return new Uint8Array(size).fill(0xee);
}
