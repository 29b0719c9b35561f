import { createHash, createHmac, hash } from 'node:crypto';
import type { Hashing } from '../platform.js';

/** Node's own OpenSSL. The one-shot `hash` spares an object for each message. @internal */
export const nodeHashing: Hashing = {
  sha512: (bytes) => hash('sha512', bytes, 'buffer'),
  sha256: (bytes) => hash('sha256', bytes, 'buffer'),
  hmacSha512: (key, bytes) => createHmac('sha512', key).update(bytes).digest(),
  startSha512: () => createHash('sha512'),
};
