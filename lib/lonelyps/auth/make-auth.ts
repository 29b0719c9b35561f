import type { AuthDeps } from './auth-deps.js';
import type { LonelypsAuth } from './auth-options.js';
import type { Auth } from './auth.js';
import { makeSigner } from './signer.js';
import { makeVerifier } from './verifier.js';

/** Both directions; one that is not given is none. @internal */
export function makeAuth(auth: LonelypsAuth, deps: AuthDeps): Auth {
  return {
    toBroadcaster: makeSigner(auth.toBroadcaster ?? { type: 'none' }, deps),
    toSubscriber: makeVerifier(auth.toSubscriber ?? { type: 'none' }, deps),
  };
}
