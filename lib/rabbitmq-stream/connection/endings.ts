import {
  BrokerTimeoutError,
  ClosedError,
  ConnectionError,
  FrameTooLargeError,
  ProtocolError,
  UnsupportedError,
  type WeirError,
} from '../../core/errors.js';
import { keyName } from '../codec/keys.js';
import type { NodeAddress } from '../codec/responses.js';
import { addressOf } from './socket-failures.js';

// What a connection itself has to say when something ends; failures.ts has what a broker says, socket-failures.ts what Node says.

const broker = 'rabbitmq-stream';

/** @param step - the command whose answer was awaited; undefined: the socket was not connected @internal */
export function connectTimedOut(remote: NodeAddress, step: string | undefined, limit: number): BrokerTimeoutError {
  const missing = step === undefined ? 'no connection' : `no answer to ${step}`;
  return new BrokerTimeoutError(
    `cannot connect to RabbitMQ at ${addressOf(remote)}: ${missing} within ${String(limit)} ms (connectTimeout); ` +
      'check that this is the stream port (5552 by default, 5551 for TLS)',
    { broker },
  );
}

/** @internal */
export function notAnswered(remote: NodeAddress, action: string, key: number, limit: number): string {
  return (
    `cannot ${action}: RabbitMQ at ${addressOf(remote)} did not answer ${keyName(key)} within ` +
    `${String(limit)} ms (requestTimeout)`
  );
}

/** @internal */
export function speaksOther(remote: NodeAddress, what: string): ConnectionError {
  return new ConnectionError(`cannot connect to RabbitMQ at ${addressOf(remote)}: ${what}`, {
    broker,
    retriable: false,
  });
}

/** @internal */
export function unsupported(key: number, action: string, version: string | undefined): UnsupportedError {
  const name = keyName(key);
  const who = version === undefined ? 'the broker' : `RabbitMQ ${version}`;
  return new UnsupportedError(`cannot ${action}: ${who} does not know the command ${name}; it needs a later version`, {
    broker,
    detail: { key, name, version },
  });
}

/** @internal */
export function tooLarge(remote: NodeAddress, action: string, bytes: number, limit: number): FrameTooLargeError {
  return new FrameTooLargeError(
    `cannot ${action}: the frame has ${String(bytes)} bytes, and the connection to RabbitMQ at ` +
      `${addressOf(remote)} takes ${String(limit)} (the smaller of frameMax and the broker's stream.frame_max)`,
    { broker, detail: { bytes, limit } },
  );
}

/** @param heartbeat - seconds @internal */
export function dead(remote: NodeAddress, heartbeat: number): ConnectionError {
  return new ConnectionError(
    `the connection to RabbitMQ at ${addressOf(remote)} is dead: nothing came for two heartbeats of ` +
      `${String(heartbeat)} s`,
    { broker },
  );
}

/** What was thrown while a read was handled, by the codec or by one of the handlers. @internal */
export function dropped(remote: NodeAddress, error: unknown): WeirError {
  const where = `the connection to RabbitMQ at ${addressOf(remote)} was dropped`;
  if (error instanceof ProtocolError) {
    // the next connection starts afresh
    const options = { broker, cause: error, detail: error.detail, retriable: true } as const;
    return new ProtocolError(`${where}: ${error.message}`, options);
  }
  return new ConnectionError(`${where}: a handler of what came on it threw`, { broker, cause: error });
}

/** @internal */
export function closedByUs(remote: NodeAddress, action: string): ClosedError {
  return new ClosedError(`cannot ${action}: the connection to RabbitMQ at ${addressOf(remote)} is closed`, { broker });
}
