import { AuthenticationError, ConnectionError, type ErrorDetail, type WeirError } from '../../core/errors.js';
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

const nobodyListens = 'nobody listens there; check the port, and that the stream plugin is enabled';

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
  const advice = tlsSetUp[code ?? ''];
  if (advice !== undefined) return new ConnectionError(`${cannot}: ${advice} (${code ?? ''})`, final);
  if (isNoTls(code)) {
    return new ConnectionError(
      `${cannot}: it does not speak TLS on this port${inBrackets(code)}; use the TLS port (5551 by default), or connect without tls`,
      final,
    );
  }
  if (socket.phase === 'connecting') {
    const reason = code === 'ECONNREFUSED' ? nobodyListens : (unreachable[code ?? ''] ?? messageOf(error));
    return new ConnectionError(`${cannot}: ${reason}${inBrackets(code)}`, about(error, code));
  }
  if (error !== undefined && !isOfSystem(code)) {
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
