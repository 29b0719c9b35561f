import { AuthenticationError, ConnectionError, type ErrorDetail, type WeirError } from '../../core/errors.js';
import { codeOf } from '../../core/tls.js';

/** How far a socket has come. @internal */
export type SocketPhase = 'connecting' | 'securing' | 'ready';

/** The socket that an error is about. @internal */
export interface FailedSocket {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  readonly phase: SocketPhase;
  /** The step of the handshake that it was in, the name of a command; undefined when that was done. */
  readonly step?: string | undefined;
  /** Whether it ended in the middle of a frame. */
  readonly insideFrame?: boolean | undefined;
}

const unreachable: Readonly<Record<string, string>> = {
  ENOTFOUND: 'the name has no address; check the host',
  EAI_AGAIN: 'the name server did not answer; check the host and the network',
  ECONNREFUSED: 'nobody listens there; check the port, and that the stream plugin is enabled',
  EHOSTUNREACH: 'there is no route to the host',
  ENETUNREACH: 'there is no route to the network',
  ETIMEDOUT: 'the host did not answer; check the address and the firewall',
};

/** Alerts by which a server says that it wants a certificate of the client, or another one. OpenSSL's names. */
const clientRefused: Readonly<Record<string, string>> = {
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: 'it requires a client certificate; give tls.cert and tls.key',
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: 'it does not trust the authority of the client certificate',
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: 'it does not accept the client certificate',
  ERR_SSL_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE: 'it does not support the kind of the client certificate',
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_REVOKED: 'the client certificate is revoked',
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED: 'the client certificate has expired',
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN: 'it does not accept the client certificate',
  ERR_SSL_TLSV1_ALERT_ACCESS_DENIED: 'it denies access to the client certificate',
};

/** What OpenSSL says of bytes that are no TLS. */
const noTls = new Set([
  'ERR_SSL_WRONG_VERSION_NUMBER',
  'ERR_SSL_PACKET_LENGTH_TOO_LONG',
  'ERR_SSL_RECORD_TOO_SMALL',
  'ERR_SSL_UNSUPPORTED_PROTOCOL_VERSION',
  'ERR_SSL_HTTP_REQUEST',
]);

/** What is a matter of set-up, on this side or the other, and does not pass by itself. */
const setUpAdvice: Readonly<Record<string, string>> = {
  ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE:
    'TLS finds nothing that both sides accept; if the broker requires a client certificate, give tls.cert and tls.key',
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: 'TLS finds no version that both sides accept',
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'TLS finds no version that both sides accept',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet; check the clock of this machine',
  CERT_REVOKED: 'its certificate is revoked',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is self-signed and not trusted; give it, or its authority, as tls.ca',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate comes from an authority that is not trusted; give that as tls.ca',
  UNABLE_TO_GET_ISSUER_CERT: 'its certificate comes from an authority that is not trusted; give that as tls.ca',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate comes from an authority that is not trusted; give that as tls.ca',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate comes from an authority that is not trusted; give that as tls.ca',
  CERT_SIGNATURE_FAILURE: 'the signature of its certificate is wrong',
  ERR_TLS_CERT_ALTNAME_INVALID:
    'its certificate is for another host; connect by a name that it has, or set tls.servername',
};

/**
 * An error of the socket, or its end without one, as one of ours.
 * @internal
 */
export function socketFailure(error: unknown, socket: FailedSocket): WeirError {
  const code = codeOf(error);
  return socket.phase === 'ready' ? lost(error, code, socket) : notConnected(error, code, socket);
}

function notConnected(error: unknown, code: string | undefined, socket: FailedSocket): WeirError {
  const cannot = `cannot connect to RabbitMQ at ${addressOf(socket)}`;
  const refused = refusal(error, code, cannot);
  if (refused) return refused;
  const final = { ...about(error, code), retriable: false };
  const advice = setUpAdvice[code ?? ''];
  if (advice !== undefined) return new ConnectionError(`${cannot}: ${advice} (${code ?? ''})`, final);
  if (code !== undefined && noTls.has(code)) {
    return new ConnectionError(
      `${cannot}: it does not speak TLS on this port (${code}); use the TLS port (5551 by default), or connect without tls`,
      final,
    );
  }
  if (socket.phase === 'connecting') {
    const reason = unreachable[code ?? ''] ?? messageOf(error);
    return new ConnectionError(`${cannot}: ${reason}${inBrackets(code)}`, about(error, code));
  }
  // codes of the operating system are a word with an E; those of OpenSSL and the user's own checks are final
  if (error !== undefined && !/^E[A-Z]+$/.test(code ?? '')) {
    return new ConnectionError(`${cannot}: TLS failed: ${messageOf(error)}${inBrackets(code)}`, final);
  }
  return new ConnectionError(
    `${cannot}: it closed the connection before TLS was set up${inBrackets(code)}; check that this is the TLS port (5551 by default)`,
    about(error, code),
  );
}

function lost(error: unknown, code: string | undefined, socket: FailedSocket): WeirError {
  const { step, insideFrame } = socket;
  const inside = insideFrame ? ', in the middle of a frame' : '';
  if (step !== undefined) {
    const cannot = `cannot connect to RabbitMQ at ${addressOf(socket)}`;
    const how = error === undefined ? 'it closed the connection' : 'the connection was lost';
    return (
      refusal(error, code, cannot) ??
      new ConnectionError(
        `${cannot}: ${how} instead of answering ${step}${inside}${inBrackets(code)}${firstStepAdvice(socket)}`,
        about(error, code),
      )
    );
  }
  const where = `the connection to RabbitMQ at ${addressOf(socket)}`;
  const reason = error === undefined ? 'the broker closed it without a word' : messageOf(error);
  return (
    refusal(error, code, `${where} was refused`) ??
    new ConnectionError(`${where} was lost${inside}: ${reason}${inBrackets(code)}`, about(error, code))
  );
}

/** A broker that ends it before the first answer does not like what it is spoken to in, or by whom. */
function firstStepAdvice({ step, tls }: FailedSocket): string {
  if (step !== 'PeerProperties') return '';
  return tls
    ? '; if it requires a client certificate, give tls.cert and tls.key'
    : '; check that this is the stream port (5552 by default), and set tls if it is the TLS port';
}

/** With TLS 1.3 a server looks at the client's certificate when the client already counts as connected. */
function refusal(error: unknown, code: string | undefined, what: string): WeirError | undefined {
  const advice = clientRefused[code ?? ''];
  if (advice === undefined) return undefined;
  return new AuthenticationError(`${what}: ${advice} (${code ?? ''})`, about(error, code));
}

function about(
  error: unknown,
  code: string | undefined,
): {
  readonly broker: 'rabbitmq-stream';
  readonly cause?: unknown;
  readonly detail?: ErrorDetail;
} {
  return {
    broker: 'rabbitmq-stream',
    ...(error !== undefined && { cause: error }),
    ...(code !== undefined && { detail: { code } }),
  };
}

/** `host:port`, for messages. @internal */
export function addressOf({ host, port }: { readonly host: string; readonly port: number }): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

function inBrackets(code: string | undefined): string {
  return code === undefined ? '' : ` (${code})`;
}

function messageOf(error: unknown): string {
  const { message, reason } = (error ?? {}) as { message?: unknown; reason?: unknown };
  // OpenSSL's message is a line of numbers and file names, its reason says the same in words
  for (const text of [reason, message]) if (typeof text === 'string' && text !== '') return text;
  return 'no reason was given';
}
