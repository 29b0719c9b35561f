import {
  AuthenticationError,
  AuthorizationError,
  BrokerTimeoutError,
  ConnectionError,
  FrameTooLargeError,
  InvalidOptionError,
  WeirError,
} from '../../core/errors.js';
import type { ErrorDetail } from '../../core/errors.js';

/** Codes of `nats` v2, and names of the error classes of v3. */
const authentication = new Set([
  'AUTHORIZATION_VIOLATION',
  'AUTHENTICATION_EXPIRED',
  'AUTHENTICATION_TIMEOUT',
  'ACCOUNT_EXPIRED',
  'BAD_AUTHENTICATION',
  'BAD_CREDS',
  // v3's AuthorizationError is the server's "Authorization Violation", which means that the credentials are wrong
  'AuthorizationError',
  'UserAuthenticationExpiredError',
]);
const authorization = new Set(['PERMISSIONS_VIOLATION', 'PermissionViolationError']);
const timeouts = new Set(['TIMEOUT', 'CONNECTION_TIMEOUT', 'TimeoutError', 'ETIMEDOUT']);
const wrongOptions = new Set(['INVALID_OPTION', 'NOT_FUNC', 'BAD API', 'InvalidArgumentError']);

/**
 * An error of the NATS client as one of ours.
 * @param what - what was tried, as the beginning of a sentence
 * @internal
 */
export function natsError(error: unknown, what: string): WeirError {
  if (error instanceof WeirError) return error;
  const code = codeOf(error);
  const options = { broker: 'nats-streaming', cause: error, detail: detailOf(error, code) } as const;
  const said = messageOf(error);
  if (authentication.has(code)) {
    return new AuthenticationError(
      `${what}: the NATS server did not accept the credentials (${said}); check user, pass, token or authenticator in natsOptions`,
      options,
    );
  }
  if (authorization.has(code)) {
    return new AuthorizationError(
      `${what}: the NATS server does not allow it (${said}); check the permissions of the user`,
      options,
    );
  }
  if (timeouts.has(code)) {
    return new BrokerTimeoutError(
      `${what}: no answer in time (${said}); check the address and that the server runs`,
      options,
    );
  }
  if (code === 'MAX_PAYLOAD_EXCEEDED' || said.includes('max_payload')) {
    return new FrameTooLargeError(`${what}: it is larger than the server's max_payload; nothing was sent`, options);
  }
  if (wrongOptions.has(code)) {
    return new InvalidOptionError(
      `${what}: the NATS client did not accept an option (${said}); check natsOptions`,
      options,
    );
  }
  return new ConnectionError(`${what}: ${said}`, options);
}

/** What the NATS server denied. @internal */
export interface Denied {
  readonly operation: 'publish' | 'subscription';
  readonly subject: string;
}

/** Reads a permission error of v2 or v3, or the status that tells of one. @internal */
export function deniedBy(source: unknown): Denied | undefined {
  const v2 = (source as { permissionContext?: Partial<Denied> } | null)?.permissionContext;
  const v3 = source as (Partial<Denied> & { name?: string }) | null;
  const found = v2 ?? (v3?.name === 'PermissionViolationError' ? v3 : undefined);
  const { operation, subject } = found ?? {};
  if ((operation !== 'publish' && operation !== 'subscription') || typeof subject !== 'string') return undefined;
  return { operation, subject };
}

/** @internal */
export function notAllowed({ operation, subject }: Denied, cause: unknown): AuthorizationError {
  const what = operation === 'publish' ? `publish on ${subject}` : `subscribe to ${subject}`;
  return new AuthorizationError(
    `the NATS server does not allow this client to ${what}; give its user that permission` +
      (operation === 'subscription' ? ', or an inboxPrefix that it may use' : ''),
    { broker: 'nats-streaming', cause, detail: { operation, subject } },
  );
}

function codeOf(error: unknown): string {
  const { code, name } = (error ?? {}) as { code?: unknown; name?: unknown };
  if (typeof code === 'string' && code !== '') return code;
  return typeof name === 'string' ? name : '';
}

function detailOf(error: unknown, code: string): ErrorDetail {
  const denied = deniedBy(error);
  return { code, ...(denied && { operation: denied.operation, subject: denied.subject }) };
}

function messageOf(error: unknown): string {
  const { message, code } = (error ?? {}) as { message?: unknown; code?: unknown };
  // an AggregateError of Node's sockets has a code and no message
  for (const text of [message, code]) if (typeof text === 'string' && text !== '') return text;
  return 'it gave no reason';
}
