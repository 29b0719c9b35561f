import {
  AuthenticationError,
  BrokerTimeoutError,
  ConnectionError,
  ProtocolError,
  WeirError,
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

const broker = 'lonelyps';

const advice: Readonly<Record<string, string>> = {
  ...unreachable,
  ECONNREFUSED: 'nobody listens there; check the port, and that the broadcaster runs',
  ECONNRESET: 'it closed the connection; check that this is the port of a broadcaster, and http or https',
};
const noTls = 'it does not speak TLS on this port; check the port, or connect without it';

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
  const refused = clientRefused[code ?? ''];
  if (refused !== undefined) {
    return new AuthenticationError(`${cannot}: ${refused}${inBrackets(code)}`, { ...options, retriable: false });
  }
  const setUp = isNoTls(code) ? noTls : tlsSetUp[code ?? ''];
  if (setUp !== undefined) {
    return new ConnectionError(`${cannot}: ${setUp}${inBrackets(code)}`, { ...options, retriable: false });
  }
  const retriable = code === undefined || code === 'UND_ERR_SOCKET' || isOfSystem(code);
  return new ConnectionError(`${cannot}: ${advice[code ?? ''] ?? messageOf(error)}${inBrackets(code)}`, {
    ...options,
    retriable,
  });
}

function connectTimedOut(address: string, limit: number, cause: unknown): BrokerTimeoutError {
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
  const said = `${messageOf(error)}${inBrackets(code)}`;
  return new ConnectionError(`the connection to lonelypss at ${address} ended before ${before}: ${said}`, options);
}

/** undici names the error, but has no code for all that its parser does not like. */
function isNoHttp(error: unknown, code: string | undefined): boolean {
  if (error instanceof Error && error.name === 'HTTPParserError') return true;
  return code === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH';
}
