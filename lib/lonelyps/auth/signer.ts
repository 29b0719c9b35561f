import { encodeBase64Url } from '../codec/base64.js';
import { formatHmacHeader, toSign } from '../codec/hmac-header.js';
import type { AuthDeps } from './auth-deps.js';
import { hmacKeyOf, type AuthSide } from './auth-options.js';
import type { SignedKind, Signer } from './auth.js';
import { notAKey } from './not-a-key.js';

// 96 bits: two messages of one second do not get the same nonce in the lifetime of a secret
const nonceBytes = 12;
const noTracing = new Uint8Array(0);

/** Makes authorizations the way that `side` says. The secret is kept where no `inspect` finds it. @internal */
export function makeSigner(side: AuthSide, deps: AuthDeps): Signer {
  switch (side.type) {
    case 'none':
      return { type: 'none', sign: () => '' };
    case 'token': {
      const authorization = `Bearer ${side.token}`;
      return { type: 'token', sign: () => authorization };
    }
    case 'hmac':
      return new HmacSigner(hmacKeyOf(side.secret) ?? notAKey(), deps);
  }
}

class HmacSigner implements Signer {
  readonly type = 'hmac';
  readonly #key: Uint8Array;
  readonly #deps: AuthDeps;

  constructor(key: Uint8Array, deps: AuthDeps) {
    this.#key = key;
    this.#deps = deps;
  }

  sign(kind: SignedKind, rest: () => Uint8Array): string {
    const deps = this.#deps;
    const timestamp = Math.floor(deps.now() / 1000);
    const nonce = encodeBase64Url(deps.random(nonceBytes));
    const code = deps.hashing.hmacSha512(this.#key, toSign(kind, timestamp, nonce, noTracing, rest()));
    return formatHmacHeader(timestamp, nonce, code);
  }
}
