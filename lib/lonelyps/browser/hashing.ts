import { UnsupportedError } from '../../core/errors.js';
import { rethrow } from '../../core/optional-package.js';
import type { Hashing } from '../platform.js';

/**
 * Hashes of `@noble/hashes`: those of a page itself (`crypto.subtle`) are asynchronous, and there only over https.
 * @throws UnsupportedError where the package is missing
 * @internal
 */
export async function loadHashing(): Promise<Hashing> {
  try {
    const [{ sha256, sha512 }, { hmac }] = await Promise.all([
      // the handlers tell bundlers that the package may be missing: a program that never connects needs none
      import('@noble/hashes/sha2.js').catch(rethrow),
      import('@noble/hashes/hmac.js').catch(rethrow),
    ]);
    return {
      sha256: (bytes) => sha256(bytes),
      sha512: (bytes) => sha512(bytes),
      hmacSha512: (key, bytes) => hmac(sha512, key, bytes),
      startSha512: () => sha512.create(),
    };
  } catch (cause) {
    throw new UnsupportedError(
      'lonelyps in a page needs the package @noble/hashes, version 2, which is not installed: npm install @noble/hashes',
      { broker: 'lonelyps', cause, detail: { package: '@noble/hashes' } },
    );
  }
}
