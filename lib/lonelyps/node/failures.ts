import {
  BrokerTimeoutError,
  ConnectionError,
  InvalidOptionError,
  ProtocolError,
  WeirError,
  type WeirErrorOptions,
} from '../../core/errors.js';
import { codeOf } from '../../core/tls.js';

const broker = 'lonelyps';

const unreachable: Readonly<Record<string, string>> = {
  ENOTFOUND: 'the name has no address; check the host',
  EAI_AGAIN: 'the name server did not answer; check the host and the network',
  ECONNREFUSED: 'nobody listens there; check the port, and that the broadcaster runs',
  ECONNRESET: 'it closed the connection; check that this is the port of a broadcaster, and http or https',
  EHOSTUNREACH: 'there is no route to the host',
  ENETUNREACH: 'there is no route to the network',
  ETIMEDOUT: 'the host did not answer; check the address and the firewall',
};

const authority = 'its certificate comes from an authority that is not trusted; give that as tls.ca';
const selfSigned = 'its certificate is self-signed and not trusted; give it, or its authority, as tls.ca';
const noTls = 'it does not speak TLS on this port; check the port, or connect without it';
const noVersion = 'TLS finds no version that both sides accept';

/** What is a matter of set-up, on this side or the other, and does not pass by itself. */
const setUp: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'its certificate has expired',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet; check the clock of this machine',
  CERT_SIGNATURE_FAILURE: 'the signature of its certificate is wrong',
  DEPTH_ZERO_SELF_SIGNED_CERT: selfSigned,
  SELF_SIGNED_CERT_IN_CHAIN: authority,
  UNABLE_TO_GET_ISSUER_CERT: authority,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: authority,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: authority,
  ERR_TLS_CERT_ALTNAME_INVALID:
    'its certificate is for another host; connect by a name that it has, or set tls.servername',
  ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE: 'TLS finds nothing that both sides accept',
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: 'it does not accept the client certificate',
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: 'it requires a client certificate; give tls.cert and tls.key',
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: 'it does not trust the authority of the client certificate',
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: noVersion,
  ERR_SSL_UNSUPPORTED_PROTOCOL: noVersion,
  ERR_SSL_WRONG_VERSION_NUMBER: noTls,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: noTls,
  ERR_SSL_RECORD_TOO_SMALL: noTls,
  ERR_SSL_HTTP_REQUEST: noTls,
};

/**
 * No connection was made.
 * @param address - scheme, host and port
 * @internal
 */
export function notConnected(error: unknown, address: string, connectTimeout: number): WeirError {
  if (error instanceof WeirError) return error;
  const code = codeOf(error);
  if (code === 'UND_ERR_CONNECT_TIMEOUT') return connectTimedOut(address, connectTimeout, error);
  const cannot = `cannot connect to lonelypss at ${address}`;
  const options: WeirErrorOptions = { broker, cause: error, detail: { address, code } };
  const advice = setUp[code ?? ''];
  if (advice !== undefined) {
    return new ConnectionError(`${cannot}: ${advice} (${code!})`, { ...options, retriable: false });
  }
  const known = unreachable[code ?? ''];
  if (known !== undefined) return new ConnectionError(`${cannot}: ${known} (${code!})`, options);
  // codes of the operating system are a word with an E; those of OpenSSL and of the user's own checks are final
  const retriable = code === undefined || /^(E[A-Z]+|UND_ERR_SOCKET)$/.test(code);
  const said = code === undefined ? messageOf(error) : `${messageOf(error)} (${code})`;
  return new ConnectionError(`${cannot}: ${said}`, { ...options, retriable });
}

/** @internal */
export function connectTimedOut(address: string, limit: number, cause?: unknown): BrokerTimeoutError {
  return new BrokerTimeoutError(
    `cannot connect to lonelypss at ${address}: no connection within ${String(limit)} ms (connectTimeout); ` +
      'check the address and the firewall',
    { broker, cause, detail: { address, timeout: limit } },
  );
}

/**
 * The connection ended while something was going on.
 * @param before - what has not come, after "before"
 * @internal
 */
export function connectionLost(error: unknown, address: string, before: string): WeirError {
  if (error instanceof WeirError) return error;
  const code = codeOf(error);
  const options: WeirErrorOptions = { broker, cause: error, detail: { address, code } };
  if (isNoHttp(error, code)) {
    return new ProtocolError(
      `what came from ${address} before ${before} is not HTTP: ${messageOf(error)}; ` +
        'check that this is the port of a broadcaster, and what stands between',
      options,
    );
  }
  const said = code === undefined ? messageOf(error) : `${messageOf(error)} (${code})`;
  return new ConnectionError(`the connection to lonelypss at ${address} ended before ${before}: ${said}`, options);
}

/** undici names the error, but has no code for all that its parser does not like. */
function isNoHttp(error: unknown, code: string | undefined): boolean {
  if (error instanceof Error && error.name === 'HTTPParserError') return true;
  return code === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH';
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
