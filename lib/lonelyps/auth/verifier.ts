import { encodeText } from '../../core/wire/text.js';
import { parseHmacHeader, toSign } from '../codec/hmac-header.js';
import type { AuthDeps } from './auth-deps.js';
import { hmacKeyOf, type AuthSide } from './auth-options.js';
import type { Refusal, SignedKind, Verifier } from './auth.js';
import { equalInConstantTime } from './constant-time.js';
import { notAKey } from './not-a-key.js';
import { maxSkew, Replays } from './replays.js';

/** Checks authorizations the way that `side` says. The secret is kept where no `inspect` finds it. @internal */
export function makeVerifier(
  side: AuthSide,
  deps: Pick<AuthDeps, 'hashing' | 'now'>,
  replays = new Replays(),
): Verifier {
  switch (side.type) {
    case 'none':
      return { type: 'none', verify: () => undefined };
    case 'token':
      return new TokenVerifier(side.token);
    case 'hmac':
      return new HmacVerifier(hmacKeyOf(side.secret) ?? notAKey(), deps, replays);
  }
}

class TokenVerifier implements Verifier {
  readonly type = 'token';
  readonly #expected: Uint8Array;

  constructor(token: string) {
    this.#expected = encodeText(`Bearer ${token}`);
  }

  verify(_kind: SignedKind, _rest: () => Uint8Array, _tracing: Uint8Array, authorization: string): Refusal {
    if (authorization === '') return 'missing';
    return equalInConstantTime(encodeText(authorization), this.#expected) ? undefined : 'wrong';
  }
}

class HmacVerifier implements Verifier {
  readonly type = 'hmac';
  readonly #key: Uint8Array;
  readonly #deps: Pick<AuthDeps, 'hashing' | 'now'>;
  readonly #replays: Replays;

  constructor(key: Uint8Array, deps: Pick<AuthDeps, 'hashing' | 'now'>, replays: Replays) {
    this.#key = key;
    this.#deps = deps;
    this.#replays = replays;
  }

  verify(kind: SignedKind, rest: () => Uint8Array, tracing: Uint8Array, authorization: string): Refusal {
    if (authorization === '') return 'missing';
    const header = parseHmacHeader(authorization);
    if (header === undefined) return 'wrong';
    const { timestamp, nonce, code } = header;
    const seconds = Math.floor(this.#deps.now() / 1000);
    if (Math.abs(seconds - timestamp) > maxSkew) return 'stale';
    const expected = this.#deps.hashing.hmacSha512(this.#key, toSign(kind, timestamp, nonce, tracing, rest()));
    if (!equalInConstantTime(code, expected)) return 'wrong';
    // only codes that are right are remembered, so that nobody else can fill the memory; when it is full, a code that
    // could be a replay is taken for one
    return this.#replays.use(timestamp, code, seconds) ? undefined : 'replayed';
  }
}
