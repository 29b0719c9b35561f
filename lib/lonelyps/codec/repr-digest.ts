import { decodeBase64 } from './base64.js';

const sha512Length = 64;

/**
 * The SHA-512 that a `Repr-Digest` header gives, among others or alone; undefined where it gives none that is one.
 * Between colons, as RFC 9530 has it, or without them, as lonelypss writes it.
 * @param header - the values of several such headers joined with commas
 * @internal
 */
export function sha512OfReprDigest(header: string | undefined): Uint8Array | undefined {
  if (header === undefined) return undefined;
  for (const part of header.split(',')) {
    const equals = part.indexOf('=');
    if (equals < 0 || part.slice(0, equals).trim() !== 'sha-512') continue;
    const value = part.slice(equals + 1).trim();
    const quoted = value.length > 1 && value.startsWith(':') && value.endsWith(':');
    const digest = decodeBase64(quoted ? value.slice(1, -1) : value);
    return digest?.length === sha512Length ? digest : undefined;
  }
  return undefined;
}
