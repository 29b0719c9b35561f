import {
  AuthenticationError,
  ConnectionError,
  ProtocolError,
  PublishError,
  type WeirError,
  type WeirErrorOptions,
} from '../../core/errors.js';
import type { Refusal } from '../auth/auth.js';
import type { HttpAnswer, HttpFailure } from '../connection/http.js';
import type { Verdict } from './verdict.js';

/** Which request it was, for errors. @internal */
export interface Asked {
  readonly base: string;
  readonly path: string;
  /** Whether it was a message, which was certainly not delivered where it is refused. */
  readonly publishing: boolean;
  /** How we authorize ourselves. */
  readonly auth: 'none' | 'token' | 'hmac';
}

type Failed = Exclude<Verdict<never>, { kind: 'done' }>;

const busy = new Set([502, 503, 504]);
const broker = 'lonelyps';

/** No answer came. @internal */
export function failed(failure: unknown): Failed {
  const { error, written } = failure as HttpFailure;
  // a message that cannot be read, or was changed while it was read, is announced as another than comes: never delivered
  if (error.code === 'PUBLISH' || error.code === 'INVALID_OPTION') return { kind: 'final', error };
  return { kind: 'next', error, fate: written ? 'unknown' : 'unwritten' };
}

/** An answer with a status other than of success. @internal */
export function refusedBy({ status, retryAfter }: HttpAnswer, asked: Asked): Failed {
  const { base, path, publishing, auth } = asked;
  const said = `lonelypss at ${base} answered POST ${path} with ${String(status)}`;
  const detail = { address: base, status };
  const Refused: new (message: string, options: WeirErrorOptions) => WeirError = publishing
    ? PublishError
    : status === 400
      ? ProtocolError
      : ConnectionError;
  const refused = (advice: string, retriable: boolean): WeirError =>
    new Refused(`${said}: ${advice}`, { broker, detail, retriable });
  if (busy.has(status)) {
    const error = refused('it, or what it stands on, cannot serve at the moment; try again later', true);
    return { kind: 'next', error, fate: 'refused', retryAfter };
  }
  if (status === 401 || status === 403) return { kind: 'final', error: unauthorized(said, auth, detail) };
  if (status === 400) {
    return { kind: 'final', error: refused('it could not read the request; check what stands between', false) };
  }
  if (status === 500) return { kind: 'final', error: refused('it has failed; see its log', false) };
  return {
    kind: 'final',
    error: refused('a broadcaster does not; check the address, and its path where it has one', false),
  };
}

/** It answered something that a broadcaster does not: whether the request was heeded, nobody can tell. @internal */
export function garbled(cause: unknown, { base, path }: Asked): Failed {
  const why = cause instanceof ProtocolError ? cause.message : String(cause);
  const error = new ProtocolError(
    `the answer of ${base} to POST ${path} is none of lonelypss: ${why}; check the address, and what stands between`,
    { broker, cause, detail: { address: base } },
  );
  return { kind: 'next', error, fate: 'unknown' };
}

/** It answered without saying who it is, or somebody else did. @internal */
export function notTrusted(refusal: Exclude<Refusal, undefined>, { base, path }: Asked): Failed {
  const problems = {
    missing: 'has no authorization; check that the broadcaster was set up with the same as auth.toSubscriber',
    wrong: 'has a wrong authorization; check auth.toSubscriber',
    stale: 'was authorized at another time; check the clocks of this machine and the broadcaster',
    replayed: 'has an authorization that was used before',
  };
  const error = new AuthenticationError(`the answer of ${base} to POST ${path} ${problems[refusal]}`, {
    broker,
    detail: { address: base, refusal },
  });
  return { kind: 'next', error, fate: 'unknown' };
}

function unauthorized(said: string, auth: Asked['auth'], detail: WeirErrorOptions['detail']): AuthenticationError {
  const advice = {
    none: 'it asks for an authorization; give auth.toBroadcaster',
    token: 'it does not accept the token; check auth.toBroadcaster',
    hmac:
      'it does not accept the signature; check auth.toBroadcaster, that the clocks of this machine and the broadcaster ' +
      'are less than 120 s apart, and that nothing between changes the request',
  };
  return new AuthenticationError(`${said}: ${advice[auth]}`, { broker, detail });
}
