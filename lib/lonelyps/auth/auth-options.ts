import { oneOf, object, required, text, type Checker, type Shape } from '../../core/check.js';
import { decodeBase64Url } from '../codec/base64.js';
import { hmacKeyLength, isToken } from '../codec/secrets.js';

/** How one direction is authorized. Secrets never appear in an error, a log or what `inspect` shows of a handle. */
export type AuthSide = NoAuth | TokenAuth | HmacAuth;

/** Nothing is sent, and anything accepted. */
export interface NoAuth {
  readonly type: 'none';
}

/** A shared secret is sent as it is: for connections that nobody can listen to. */
export interface TokenAuth {
  readonly type: 'token';
  /** Printable ASCII. */
  readonly token: string;
}

/** Each message is signed with a key that is never sent; a signature is good once, and for two minutes. */
export interface HmacAuth {
  readonly type: 'hmac';
  /** 64 bytes, or the 86 characters that they are in URL-safe base64, as in `subscriber-secrets.json`. */
  readonly secret: string | Uint8Array;
}

/** How both directions are authorized. */
export interface LonelypsAuth {
  /** What we say to the broadcaster. Default: none. */
  readonly toBroadcaster?: AuthSide | undefined;
  /** What the broadcaster says to us. Default: none. */
  readonly toSubscriber?: AuthSide | undefined;
}

/** The key of an HMAC: a copy; undefined where it is none. @internal */
export function hmacKeyOf(given: unknown): Uint8Array | undefined {
  const key =
    typeof given === 'string' ? decodeBase64Url(given) : given instanceof Uint8Array ? given.slice() : undefined;
  return key?.length === hmacKeyLength ? key : undefined;
}

const hmacSecret: Checker = {
  accepts: '64 bytes as a Uint8Array, or as the 86 characters of their URL-safe base64',
  secret: true,
  problem: (name, value) =>
    hmacKeyOf(value) === undefined ? `${name} must be ${hmacSecret.accepts}; what was given is not shown` : undefined,
};

const printable = text({
  words: 'of printable ASCII, without spaces at its ends',
  secret: true,
  problem: (token) => (isToken(token) ? undefined : 'it has other characters'),
});

const sides: Readonly<Record<AuthSide['type'], Checker>> = {
  none: object<NoAuth>({ type: oneOf('none') }),
  token: object<TokenAuth>({ type: oneOf('token'), token: required(printable) }),
  hmac: object<HmacAuth>({ type: oneOf('hmac'), secret: required(hmacSecret) }),
};

const accepts = "{ type: 'none' }, { type: 'token', token } or { type: 'hmac', secret }";
const types = "'none', 'token' or 'hmac'";

const authSideChecker: Checker = {
  accepts,
  secret: true,
  problem(name, value) {
    const type: unknown = typeof value === 'object' && value !== null ? (value as { type?: unknown }).type : undefined;
    if (type === undefined) return `${name} must be ${accepts}`;
    // a type that is not known is not shown: someone may have mistaken it for the place of the secret
    if (typeof type !== 'string' || !Object.hasOwn(sides, type))
      return `${name}.type must be ${types}; what was given is not shown`;
    return sides[type as AuthSide['type']].problem(name, value);
  },
  meant: (value) => typeof value === 'object' && value !== null,
};

/** For `checkOptions`. @internal */
export const authShape: Shape<LonelypsAuth> = { toBroadcaster: authSideChecker, toSubscriber: authSideChecker };

/** What `auth` must be, where it is given as an object. Each of its members sees to it that no secret is shown. @internal */
export const authChecker: Checker = { ...object<LonelypsAuth>(authShape), secret: true };
