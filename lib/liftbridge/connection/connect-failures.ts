import {
  AuthenticationError,
  BrokerTimeoutError,
  ConnectionError,
  type WeirError,
  type WeirErrorOptions,
} from '../../core/errors.js';
import {
  clientRefused,
  inBrackets,
  isNoTls,
  isOfSystem,
  messageOf,
  tlsSetUp,
  unreachable,
} from '../../core/socket-failures.js';
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

const nobodyListens = 'nobody listens there; check the port, and that the broker runs';
const noTls = 'it does not speak TLS on this port; check the port, or connect without tls';
const noHttp2OverTls = 'it offers no HTTP/2 over TLS; check that this is the gRPC port';

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
  const advice = setUpAdvice(code);
  if (advice !== undefined) return new ConnectionError(`${cannot}: ${advice}${inBrackets(code)}`, final);
  if (phase === 'connecting') {
    const reason = code === 'ECONNREFUSED' ? nobodyListens : (unreachable[code ?? ''] ?? messageOf(error));
    return new ConnectionError(`${cannot}: ${reason}${inBrackets(code)}`, options);
  }
  if (code === 'ERR_HTTP2_ERROR') return new ConnectionError(`${cannot}: ${noHttp2(tls)} (${messageOf(error)})`, final);
  if (error !== undefined && !isOfSystem(code)) {
    return new ConnectionError(`${cannot}: ${tls ? 'TLS failed: ' : ''}${messageOf(error)}${inBrackets(code)}`, final);
  }
  const before = phase === 'securing' ? 'TLS was set up' : 'it had sent its HTTP/2 settings';
  return new ConnectionError(
    `${cannot}: it closed the connection before ${before}${inBrackets(code)}; ${closedAdvice(attempt)}`,
    options,
  );
}

function refusal(code: string | undefined, { certified }: Attempt): string | undefined {
  // with TLS 1.2, Go says of a certificate that is missing that it is bad
  const missing = code === 'ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE' && !certified;
  return clientRefused[missing ? 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED' : (code ?? '')];
}

function setUpAdvice(code: string | undefined): string | undefined {
  if (isNoTls(code)) return noTls;
  return code === 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL' ? noHttp2OverTls : tlsSetUp[code ?? ''];
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
