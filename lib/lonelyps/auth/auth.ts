/** What a signature is for: the kinds of the protocol, §2.3. @internal */
export const signedKinds = {
  exact: 1,
  glob: 2,
  notify: 3,
  configure: 4,
  check: 5,
  set: 6,
  continueReceive: 7,
  confirmReceive: 8,
  confirmMissed: 9,
  receive: 10,
  missed: 11,
  confirmExact: 12,
  confirmGlob: 13,
  confirmNotify: 14,
  checked: 15,
  wasSet: 16,
  confirmConfigure: 17,
  enablePreset: 18,
  enableCustom: 19,
  disableCustom: 20,
  continueNotify: 21,
} as const;

/** @internal */
export type SignedKind = (typeof signedKinds)[keyof typeof signedKinds];

/** Makes authorizations for what we say to the broadcaster. @internal */
export interface Signer {
  readonly type: 'none' | 'token' | 'hmac';
  /**
   * The authorization, '' for none. With HMAC it is good for one use.
   * @param rest - what is signed after the kind, time, nonce and (empty) tracing; called only where something is signed
   */
  sign(kind: SignedKind, rest: () => Uint8Array): string;
}

/** Why an authorization is not good; undefined where it is. @internal */
export type Refusal = 'missing' | 'wrong' | 'stale' | 'replayed' | undefined;

/** Checks the authorizations of what the broadcaster says to us. @internal */
export interface Verifier {
  readonly type: 'none' | 'token' | 'hmac';
  /** @param authorization - '' where there is none */
  verify(kind: SignedKind, rest: () => Uint8Array, tracing: Uint8Array, authorization: string): Refusal;
}

/** Both directions. @internal */
export interface Auth {
  readonly toBroadcaster: Signer;
  readonly toSubscriber: Verifier;
}
