import { InvalidOptionError, type BrokerName } from './errors.js';
import { codeOf } from './tls.js';

// What Node's and OpenSSL's error codes mean to somebody who sets up a connection. Which error they become, and what is said of a
// port where nobody listens or where no TLS is spoken, is the broker's matter.

/** Why a host was not reached; not ECONNREFUSED. @internal */
export const unreachable: Readonly<Record<string, string>> = {
  ENOTFOUND: 'the name has no address; check the host',
  EAI_AGAIN: 'the name server did not answer; check the host and the network',
  EHOSTUNREACH: 'there is no route to the host',
  ENETUNREACH: 'there is no route to the network',
  ETIMEDOUT: 'the host did not answer; check the address and the firewall',
};

/** Alerts by which a server says that it wants a certificate of the client, or another one. @internal */
export const clientRefused: Readonly<Record<string, string>> = {
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: 'it requires a client certificate; give tls.cert and tls.key',
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: 'it does not trust the authority of the client certificate',
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: 'it does not accept the client certificate',
  ERR_SSL_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE: 'it does not support the kind of the client certificate',
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_REVOKED: 'the client certificate is revoked',
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED: 'the client certificate has expired',
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN: 'it does not accept the client certificate',
  ERR_SSL_TLSV1_ALERT_ACCESS_DENIED: 'it denies access to the client certificate',
};

const authority = 'its certificate comes from an authority that is not trusted; give that as tls.ca';
const noVersion = 'TLS finds no version that both sides accept';

/** What is a matter of set-up, on this side or the other, and does not pass by itself. @internal */
export const tlsSetUp: Readonly<Record<string, string>> = {
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
    'TLS finds nothing that both sides accept; if it requires a client certificate, give tls.cert and tls.key',
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: noVersion,
  ERR_SSL_UNSUPPORTED_PROTOCOL: noVersion,
};

const noTls = new Set([
  'ERR_SSL_WRONG_VERSION_NUMBER',
  'ERR_SSL_PACKET_LENGTH_TOO_LONG',
  'ERR_SSL_RECORD_TOO_SMALL',
  'ERR_SSL_UNSUPPORTED_PROTOCOL_VERSION',
  'ERR_SSL_HTTP_REQUEST',
]);

/** Whether OpenSSL says that the other side does not speak TLS. @internal */
export function isNoTls(code: string | undefined): boolean {
  return code !== undefined && noTls.has(code);
}

/** Codes of the operating system are a word with an E; those of OpenSSL and of the user's own checks are final. @internal */
export function isOfSystem(code: string | undefined): boolean {
  return code !== undefined && /^E[A-Z]+$/.test(code);
}

/** An error in words. @internal */
export function messageOf(error: unknown): string {
  const { message, reason } = (error ?? {}) as { message?: unknown; reason?: unknown };
  // OpenSSL's message is a line of numbers and file names, its reason says the same in words
  for (const text of [reason, message]) if (typeof text === 'string' && text !== '') return text;
  return 'no reason was given';
}

/** The code behind a sentence. @internal */
export function inBrackets(code: string | undefined): string {
  return code === undefined ? '' : ` (${code})`;
}

/** Node's own message is not passed on: of a value of the wrong type it shows the value, which may be a secret. @internal */
export function badMaterial(error: unknown, broker: BrokerName): InvalidOptionError {
  const { reason } = (error ?? {}) as { reason?: unknown };
  const said = typeof reason === 'string' ? reason : (codeOf(error) ?? 'no reason was given');
  return new InvalidOptionError(
    `tls: Node cannot use the certificates or keys that were given (${said}); ` +
      'check that they are PEM or DER, that key belongs to cert, and the passphrase',
    { broker },
  );
}
