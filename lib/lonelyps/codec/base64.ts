const standard = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const forUrls = `${standard.slice(0, 62)}-_`;

const valuesOf = (alphabet: string): Uint8Array => {
  const values = new Uint8Array(128).fill(64);
  for (let i = 0; i < 64; i++) values[alphabet.charCodeAt(i)] = i;
  return values;
};
const standardValues = valuesOf(standard);
const urlValues = valuesOf(forUrls);

/** Base64 with `+` and `/`, padded. @internal */
export function encodeBase64(bytes: Uint8Array): string {
  return encode(bytes, standard, '=');
}

/** Base64 with `-` and `_`, without padding. @internal */
export function encodeBase64Url(bytes: Uint8Array): string {
  return encode(bytes, forUrls, '');
}

/** The bytes of base64 with `+` and `/`; padding may be missing. Undefined where it is none. @internal */
export function decodeBase64(text: string): Uint8Array | undefined {
  return decode(text, standardValues);
}

/** The bytes of base64 with `-` and `_`; padding may be missing. Undefined where it is none. @internal */
export function decodeBase64Url(text: string): Uint8Array | undefined {
  return decode(text, urlValues);
}

function encode(bytes: Uint8Array, alphabet: string, pad: string): string {
  const { length } = bytes;
  let text = '';
  let at = 0;
  for (; at + 2 < length; at += 3) {
    const bits = (bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!;
    text +=
      alphabet[bits >>> 18]! + alphabet[(bits >>> 12) & 63]! + alphabet[(bits >>> 6) & 63]! + alphabet[bits & 63]!;
  }
  if (at === length) return text;
  const bits = (bytes[at]! << 16) | ((bytes[at + 1] ?? 0) << 8);
  text += alphabet[bits >>> 18]! + alphabet[(bits >>> 12) & 63]!;
  return at + 1 === length ? text + pad + pad : text + alphabet[(bits >>> 6) & 63]! + pad;
}

function decode(text: string, values: Uint8Array): Uint8Array | undefined {
  let end = text.length;
  if (end % 4 === 0) for (let pads = 0; pads < 2 && text[end - 1] === '='; pads++) end--;
  if (end % 4 === 1) return undefined;
  const bytes = new Uint8Array(Math.floor((end * 3) / 4));
  let at = 0;
  let bits = 0;
  for (let i = 0; i < end; i++) {
    const value = values[text.charCodeAt(i)] ?? 64;
    if (value === 64) return undefined;
    bits = (bits << 6) | value;
    // after the second, third and fourth of four characters a byte is complete
    if ((i & 3) !== 0) bytes[at++] = bits >>> (6 - 2 * (i & 3));
  }
  return bytes;
}
