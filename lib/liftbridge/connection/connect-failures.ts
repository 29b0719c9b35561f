import {
  AuthenticationError,
  BrokerTimeoutError,
  ConnectionError,
  InvalidOptionError,
  type WeirError,
  type WeirErrorOptions,
} from '../../core/errors.js';
import { codeOf } from '../../core/tls.js';
import { addressText, type Address } from './address.js';

const broker = 'liftbridge';

/** How far a connection has come: without a socket, in the TLS handshake, waiting for the broker's HTTP/2 settings. @internal */
export type Phase = 'connecting' | 'securing' | 'greeting';

/** The attempt that an error is about. @internal */
export interface Attempt {
  readonly address: Address;
  readonly phase: Phase;
  readonly tls: boolean;
  /** Whether this side has a certificate to show. */
  readonly certified: boolean;
}

const unreachable: Readonly<Record<string, string>> = {
  ENOTFOUND: 'the name has no address; check the host',
  EAI_AGAIN: 'the name server did not answer; check the host and the network',
  ECONNREFUSED: 'nobody listens there; check the port, and that the broker runs',
  EHOSTUNREACH: 'there is no route to the host',
  ENETUNREACH: 'there is no route to the network',
  ETIMEDOUT: 'the host did not answer; check the address and the firewall',
};

/** What a broker's TLS alerts say about the certificate of the client, under OpenSSL's names. */
const clientRefused: Readonly<Record<string, string>> = {
  TLSV13_ALERT_CERTIFICATE_REQUIRED: 'it requires a client certificate; give tls.cert and tls.key',
  TLSV1_ALERT_UNKNOWN_CA: 'it does not trust the authority of the client certificate',
  SSLV3_ALERT_UNSUPPORTED_CERTIFICATE: 'it does not support the kind of the client certificate',
  SSLV3_ALERT_CERTIFICATE_REVOKED: 'the client certificate is revoked',
  SSLV3_ALERT_CERTIFICATE_EXPIRED: 'the client certificate has expired',
  SSLV3_ALERT_CERTIFICATE_UNKNOWN: 'it does not accept the client certificate',
  TLSV1_ALERT_ACCESS_DENIED: 'it denies access to the client certificate',
};

const authority = 'its certificate comes from an authority that is not trusted; give that as tls.ca';
const noVersion = 'TLS finds no version that both sides accept';
const noTls = 'it does not speak TLS on this port; check the port, or connect without tls';

/** What is a matter of set-up, on this side or the other, and does not pass by itself. */
const setUp: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'its certificate has expired',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet; check the clock of this machine',
  CERT_REVOKED: 'its certificate is revoked',
  CERT_SIGNATURE_FAILURE: 'the signature of its certificate is wrong',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is self-signed and not trusted; give it, or its authority, as tls.ca',
  SELF_SIGNED_CERT_IN_CHAIN: authority,
  UNABLE_TO_GET_ISSUER_CERT: authority,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: authority,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: authority,
  ERR_TLS_CERT_ALTNAME_INVALID:
    'its certificate is for another host; connect by a name that it has, or set tls.servername',
  ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE:
    'TLS finds nothing that both sides accept; if the broker requires a client certificate, give tls.cert and tls.key',
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: noVersion,
  ERR_SSL_UNSUPPORTED_PROTOCOL: noVersion,
  ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL: 'it offers no HTTP/2 over TLS; check that this is the gRPC port',
  ERR_SSL_WRONG_VERSION_NUMBER: noTls,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: noTls,
  ERR_SSL_RECORD_TOO_SMALL: noTls,
  ERR_SSL_HTTP_REQUEST: noTls,
};

/**
 * Why an attempt to connect has failed.
 * @param error - Node's; undefined where the other side closed without one
 * @internal
 */
export function notConnected(error: unknown, attempt: Attempt): WeirError {
  const { address, phase, tls } = attempt;
  const code = codeOf(error);
  const at = addressText(address);
  const cannot = `cannot connect to Liftbridge at ${at}`;
  const options: WeirErrorOptions = { broker, cause: error, detail: { address: at, code } };
  const final: WeirErrorOptions = { ...options, retriable: false };

  const refused = refusal(code, attempt);
  if (refused !== undefined) return new AuthenticationError(`${cannot}: ${refused}${inBrackets(code)}`, final);
  const advice = setUp[code ?? ''];
  if (advice !== undefined) return new ConnectionError(`${cannot}: ${advice}${inBrackets(code)}`, final);
  if (phase === 'connecting') {
    return new ConnectionError(`${cannot}: ${unreachable[code ?? ''] ?? messageOf(error)}${inBrackets(code)}`, options);
  }
  if (code === 'ERR_HTTP2_ERROR') return new ConnectionError(`${cannot}: ${noHttp2(tls)} (${messageOf(error)})`, final);
  // codes of the operating system are a word with an E; those of OpenSSL and of the user's own checks are final
  if (error !== undefined && !/^E[A-Z]+$/.test(code ?? '')) {
    return new ConnectionError(`${cannot}: ${tls ? 'TLS failed: ' : ''}${messageOf(error)}${inBrackets(code)}`, final);
  }
  const before = phase === 'securing' ? 'TLS was set up' : 'it had sent its HTTP/2 settings';
  return new ConnectionError(
    `${cannot}: it closed the connection before ${before}${inBrackets(code)}; ${closedAdvice(attempt)}`,
    options,
  );
}

function refusal(code: string | undefined, { certified }: Attempt): string | undefined {
  if (code === 'ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE') {
    // with TLS 1.2, Go says the same of a certificate that is missing
    return certified ? 'it does not accept the client certificate' : clientRefused['TLSV13_ALERT_CERTIFICATE_REQUIRED'];
  }
  return code?.startsWith('ERR_SSL_') ? clientRefused[code.slice('ERR_SSL_'.length)] : undefined;
}

function closedAdvice({ phase, tls, certified }: Attempt): string {
  const port = 'check that this is the gRPC port (9292 by default)';
  if (!tls) return `${port}, and set tls if it speaks TLS there`;
  return phase === 'greeting' && !certified
    ? `${port}; if it requires a client certificate, give tls.cert and tls.key`
    : port;
}

function noHttp2(tls: boolean): string {
  return `it does not speak HTTP/2 on this port; check that this is the gRPC port (9292 by default)${
    tls ? '' : ', and set tls if it speaks TLS there'
  }`;
}

/** The TLS of the broker has not agreed to speak HTTP/2. @internal */
export function notNegotiated(address: Address): WeirError {
  const at = addressText(address);
  return new ConnectionError(`cannot connect to Liftbridge at ${at}: ${noHttp2(true)} (ALPN without h2)`, {
    broker,
    detail: { address: at },
    retriable: false,
  });
}

/** @internal */
export function connectTimedOut({ address, phase, tls }: Attempt, limit: number): BrokerTimeoutError {
  const at = addressText(address);
  const missing = {
    connecting: 'no connection',
    securing: 'no TLS handshake',
    greeting: 'no HTTP/2 settings',
  }[phase];
  const advice =
    phase === 'connecting'
      ? 'check the address and the firewall'
      : `check that this is the gRPC port (9292 by default)${tls ? ', and that it speaks TLS' : ', and set tls if it speaks TLS there'}`;
  return new BrokerTimeoutError(
    `cannot connect to Liftbridge at ${at}: ${missing} within ${String(limit)} ms (connectTimeout); ${advice}`,
    { broker, detail: { address: at, timeout: limit } },
  );
}

/** Node's own message is not passed on: of a value of the wrong type it shows the value, which may be a secret. @internal */
export function badMaterial(error: unknown): InvalidOptionError {
  const { reason } = (error ?? {}) as { reason?: unknown };
  const said = typeof reason === 'string' ? reason : (codeOf(error) ?? 'no reason was given');
  return new InvalidOptionError(
    `tls: Node cannot use the certificates or keys that were given (${said}); ` +
      'check that they are PEM or DER, that key belongs to cert, and the passphrase',
    { broker },
  );
}

/** An error in words. @internal */
export function messageOf(error: unknown): string {
  const { message, reason } = (error ?? {}) as { message?: unknown; reason?: unknown };
  // OpenSSL's message is a line of numbers and file names, its reason says the same in words
  for (const text of [reason, message]) if (typeof text === 'string' && text !== '') return text;
  return 'no reason was given';
}

function inBrackets(code: string | undefined): string {
  return code === undefined ? '' : ` (${code})`;
}
