import { createHmac } from 'node:crypto';
import type { AuthDeps } from '../../../lib/lonelyps/auth/auth-deps.js';

/** The platform's HMAC, for specs of what is made with it. */
export const hashing: AuthDeps['hashing'] = {
  hmacSha512: (key, bytes) => new Uint8Array(createHmac('sha512', key).update(bytes).digest()),
};
