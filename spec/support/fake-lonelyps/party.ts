import { createHash, createHmac, randomBytes } from 'node:crypto';
import { hmacKeyOf, type AuthSide, type LonelypsAuth } from '../../../lib/lonelyps/auth/auth-options.js';
import type { Refusal, SignedKind, Verifier } from '../../../lib/lonelyps/auth/auth.js';
import { makeVerifier } from '../../../lib/lonelyps/auth/verifier.js';
import { formatHmacHeader, toSign } from '../../../lib/lonelyps/codec/hmac-header.js';

/** What an authorization is for, and what of it is signed. */
export type Claim = readonly [kind: SignedKind, rest: () => Uint8Array];

/** How a signature differs from the right one. */
export interface SigningOptions {
  /** Signed with the rest. Default: none. */
  readonly tracing?: Uint8Array | undefined;
  /** ms from here, before or after. */
  readonly skew?: number | undefined;
  /** In place of the secret. */
  readonly side?: AuthSide | undefined;
}

const none: AuthSide = { type: 'none' };

/** A broadcaster's side of the authorization: it signs what goes to subscribers and checks what comes from them. */
export class Party {
  readonly #verifier: Verifier;

  constructor(readonly auth: LonelypsAuth) {
    const hashing = { hmacSha512: (key: Uint8Array, bytes: Uint8Array) => hmac(key, bytes) };
    this.#verifier = makeVerifier(auth.toBroadcaster ?? none, { hashing, now: Date.now });
  }

  /** '' where there is none. */
  sign([kind, rest]: Claim, options: SigningOptions = {}): string {
    const { tracing = new Uint8Array(0), skew = 0, side = this.auth.toSubscriber ?? none } = options;
    if (side.type === 'none') return '';
    if (side.type === 'token') return `Bearer ${side.token}`;
    const key = hmacKeyOf(side.secret);
    if (!key) throw new Error('The secret of an HMAC must have 64 bytes.');
    const timestamp = Math.floor((Date.now() + skew) / 1_000);
    const nonce = randomBytes(9).toString('base64url');
    return formatHmacHeader(timestamp, nonce, hmac(key, toSign(kind, timestamp, nonce, tracing, rest())));
  }

  verify([kind, rest]: Claim, tracing: Uint8Array, authorization: string): Refusal {
    return this.#verifier.verify(kind, rest, tracing, authorization);
  }
}

export function sha512(bytes: Uint8Array): Uint8Array {
  return createHash('sha512').update(bytes).digest();
}

export function bytesOf(value: string | Uint8Array): Uint8Array {
  return typeof value === 'string' ? Buffer.from(value) : value;
}

function hmac(key: Uint8Array, bytes: Uint8Array): Uint8Array {
  return createHmac('sha512', key).update(bytes).digest();
}
