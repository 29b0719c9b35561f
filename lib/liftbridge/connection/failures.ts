import {
  AuthenticationError,
  AuthorizationError,
  BrokerTimeoutError,
  ClosedError,
  ConnectionError,
  FrameTooLargeError,
  InvalidOptionError,
  OverflowError,
  ProtocolError,
  StreamExistsError,
  StreamNotFoundError,
  StreamUnavailableError,
  UnsupportedError,
  WeirError,
  type ErrorDetail,
  type WeirErrorOptions,
} from '../../core/errors.js';
import { grpcStatus } from '../codec/grpc-status.js';
import { addressText, type Address } from './address.js';
import type { CallStatus } from './call.js';
import { leaderless } from './leaderless.js';

const broker = 'liftbridge';

/**
 * The typed error for the end of a call other than OK.
 * @param asked - after "cannot": `create the stream 'orders'`
 * @param cause - what `ended` gave beside the status; the error is of its class then
 * @internal
 */
export function statusError(status: CallStatus, asked: string, address: Address, cause?: WeirError): WeirError {
  const { code, name, message } = status;
  const at = addressText(address);
  const cannot = `cannot ${asked} at ${at}`;
  const detail: ErrorDetail = { code, name, message, address: at };
  if (cause) return ofSameClass(`${cannot}: ${cause.message}`, cause, { ...cause.detail, ...detail });
  const said = `${cannot}: ${message || 'the broker gave no reason'} (${name})`;
  const options: WeirErrorOptions = { broker, detail };
  switch (code) {
    case grpcStatus.notFound:
      return new StreamNotFoundError(`${said}; create the stream, or check its name and the partition`, options);
    case grpcStatus.alreadyExists:
      return new StreamExistsError(`${said}; use it as it is, or delete it first`, options);
    case grpcStatus.unavailable:
      return new ConnectionError(said, options);
    case grpcStatus.cancelled:
      return new ConnectionError(`${said}; the broker, or something on the way to it, ended the call`, options);
    case grpcStatus.deadlineExceeded:
      return new BrokerTimeoutError(`${said}; it had no answer in time`, options);
    case grpcStatus.unauthenticated:
      return new AuthenticationError(`${said}; check the credentials`, options);
    case grpcStatus.permissionDenied:
      return new AuthorizationError(`${said}; let the policy of the broker allow it`, options);
    case grpcStatus.invalidArgument:
      return new InvalidOptionError(`${said}; something that was given is not accepted`, options);
    case grpcStatus.failedPrecondition:
      return new StreamUnavailableError(said, options);
    case grpcStatus.resourceExhausted:
      return exhausted(said, message, options);
    case grpcStatus.unimplemented:
      return new UnsupportedError(
        `${said}; check that this is the gRPC port of a Liftbridge server, and its version`,
        options,
      );
    default:
      return fault(said, status, options);
  }
}

/** One status has these meanings, which its text alone tells apart. */
function exhausted(said: string, message: string, options: WeirErrorOptions): WeirError {
  if (/larger than max|message too large/i.test(message)) {
    return new FrameTooLargeError(`${said}; send less in one message`, options);
  }
  // what servers say to a client that pings too often, and clients then say of the server
  if (/too_many_pings|bandwidth exhausted/i.test(message)) {
    return new ConnectionError(`${said}; the broker, or something on the way to it, wants fewer calls`, options);
  }
  return new OverflowError(said, options);
}

function fault(said: string, status: CallStatus, options: WeirErrorOptions): WeirError {
  const { code, message } = status;
  if (code === grpcStatus.unknown && /not authorized/i.test(message)) {
    return new AuthorizationError(`${said}; let the policy of the broker allow it`, options);
  }
  if (leaderless(status)) {
    return new StreamUnavailableError(`${said}; the brokers may be electing a leader of theirs, try again`, options);
  }
  if (/cursors stream does not exist/i.test(message)) {
    return new UnsupportedError(
      `${said}; the broker stores no cursors: set cursors.stream.partitions in its configuration`,
      options,
    );
  }
  const retriable = code === grpcStatus.ok || code === grpcStatus.aborted;
  return new StreamUnavailableError(said, { ...options, retriable });
}

function ofSameClass(message: string, cause: WeirError, detail: ErrorDetail): WeirError {
  const options: WeirErrorOptions = { broker, cause, detail, retriable: cause.retriable };
  switch (cause.code) {
    case 'AUTHENTICATION':
      return new AuthenticationError(message, options);
    case 'TIMEOUT':
      return new BrokerTimeoutError(message, options);
    case 'CLOSED':
      return new ClosedError(message, options);
    case 'FRAME_TOO_LARGE':
      return new FrameTooLargeError(message, options);
    case 'INVALID_OPTION':
      return new InvalidOptionError(message, options);
    case 'OVERFLOW':
      return new OverflowError(message, options);
    case 'PROTOCOL':
      return new ProtocolError(message, options);
    default:
      return new ConnectionError(message, options);
  }
}

/** The answer of a call did not come. @internal */
export function notAnswered(asked: string, address: Address, timeout: number): BrokerTimeoutError {
  const at = addressText(address);
  return new BrokerTimeoutError(`cannot ${asked} at ${at}: no answer within ${String(timeout)} ms`, {
    broker,
    detail: { address: at, timeout },
  });
}

/** What was thrown while messages were handed on, by the codec or by a handler. @internal */
export function brokenBy(thrown: unknown): WeirError {
  if (thrown instanceof WeirError) return thrown;
  return new ConnectionError('a handler of its messages threw', { broker, cause: thrown });
}

/** What came in an answer is no gRPC. @internal */
export function noGrpc(problem: string): ProtocolError {
  return new ProtocolError(
    `${problem}; check that this is the gRPC port of a Liftbridge server, and that nothing between changes what it says`,
    { broker },
  );
}
