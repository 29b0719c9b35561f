import { createHash } from 'node:crypto';

/** As Node makes it. */
export function sha512(bytes: Uint8Array): Uint8Array {
  return createHash('sha512').update(bytes).digest();
}
