import type { Hashing } from '../platform.js';

/** What signing and verifying need. @internal */
export interface AuthDeps {
  readonly hashing: Pick<Hashing, 'hmacSha512'>;
  random(length: number): Uint8Array;
  /** Milliseconds since the Unix epoch. */
  now(): number;
}
