import {
  AuthenticationError,
  AuthorizationError,
  ConnectionError,
  FrameTooLargeError,
  InUseError,
  InvalidOptionError,
  OffsetNotFoundError,
  ProtocolError,
  PublishError,
  StreamExistsError,
  StreamNotFoundError,
  StreamUnavailableError,
  UnsupportedError,
  type WeirError,
  type WeirErrorOptions,
} from '../../core/errors.js';
import { responseCodeName, responseCodes } from '../codec/response-codes.js';

/** What a request is about, for the error that it may end with. @internal */
export interface RequestSubject {
  /** After "cannot": `create the stream 'orders'`. Without secrets. */
  readonly action: string;
  readonly stream?: string | undefined;
  /** The name of a producer, or the one that an offset is stored under. */
  readonly reference?: string | undefined;
  /**
   * What "precondition failed" says about this request. `exists`: there is a stream or queue of that name with other
   * arguments; `in-use`: the id or name is taken; `invalid`: something given is not accepted.
   * @defaultValue 'invalid'
   */
  readonly precondition?: 'exists' | 'in-use' | 'invalid' | undefined;
}

/**
 * The typed error for a response code other than OK.
 * @internal
 */
export function failure(code: number, subject: RequestSubject): WeirError {
  const name = responseCodeName(code);
  const { action, stream, reference } = subject;
  const said = `cannot ${action}: RabbitMQ answered ${name} (${String(code)})`;
  const options: WeirErrorOptions = {
    broker: 'rabbitmq-stream',
    detail: {
      code,
      name,
      ...(stream !== undefined && { stream }),
      ...(reference !== undefined && { reference }),
    },
  };
  switch (code) {
    case responseCodes.STREAM_DOES_NOT_EXIST:
      return new StreamNotFoundError(`${said}; create the stream, or check its name and the virtual host`, options);
    case responseCodes.SUBSCRIPTION_ID_ALREADY_EXISTS:
      return new InUseError(`${said}; the subscription id is taken on this connection`, options);
    case responseCodes.SUBSCRIPTION_ID_DOES_NOT_EXIST:
    case responseCodes.PUBLISHER_DOES_NOT_EXIST:
      return new StreamUnavailableError(
        `${said}; the broker has removed it, as it does when a stream is deleted or its leader moves`,
        options,
      );
    case responseCodes.STREAM_ALREADY_EXISTS:
      return new StreamExistsError(`${said}; use it as it is, or delete it first`, options);
    case responseCodes.STREAM_NOT_AVAILABLE:
      return new StreamUnavailableError(`${said}; it may be electing a leader, try again`, options);
    case responseCodes.SASL_MECHANISM_NOT_SUPPORTED:
      return new AuthenticationError(
        `${said}; enable the mechanism in the broker's auth_mechanisms, or choose another with sasl`,
        options,
      );
    case responseCodes.AUTHENTICATION_FAILURE:
      return new AuthenticationError(`${said}; check username and password, or the client certificate`, options);
    case responseCodes.SASL_ERROR:
    case responseCodes.SASL_CHALLENGE:
    case responseCodes.SASL_CANNOT_CHANGE_MECHANISM:
    case responseCodes.SASL_CANNOT_CHANGE_USERNAME:
      return new AuthenticationError(said, options);
    case responseCodes.AUTHENTICATION_FAILURE_LOOPBACK:
      return new AuthorizationError(
        `${said}; this user may connect from the broker's own machine only, use another one`,
        options,
      );
    case responseCodes.VIRTUAL_HOST_ACCESS_FAILURE:
      return new AuthorizationError(
        `${said}; check that the virtual host exists and that the user has permissions on it`,
        options,
      );
    case responseCodes.FRAME_TOO_LARGE:
      return new FrameTooLargeError(said, options);
    case responseCodes.INTERNAL_ERROR:
      return new StreamUnavailableError(`${said}; the broker's log has the reason`, options);
    case responseCodes.ACCESS_REFUSED:
      return new AuthorizationError(`${said}; give the user that permission on the virtual host`, options);
    case responseCodes.PRECONDITION_FAILED:
      return precondition(said, subject, options);
    case responseCodes.NO_OFFSET:
      return new OffsetNotFoundError(`${said}; nothing is stored under that name`, options);
    case responseCodes.UNKNOWN_FRAME:
      return new ProtocolError(said, options);
    default:
      return new UnsupportedError(`${said}, a code that this client does not know`, options);
  }
}

function precondition(said: string, subject: RequestSubject, options: WeirErrorOptions): WeirError {
  switch (subject.precondition) {
    case 'exists':
      return new StreamExistsError(
        `${said}; a stream or queue of that name exists with other arguments, or an argument is not accepted`,
        options,
      );
    case 'in-use':
      return new InUseError(
        `${said}; the name is in use on this connection, or the broker takes nothing for the moment (a disk alarm)`,
        options,
      );
    default:
      return new InvalidOptionError(`${said}; something that was given is not accepted`, options);
  }
}

/**
 * The typed error for a Close that the broker has sent.
 * @internal
 */
export function closeFailure(code: number, reason: string, at: string): WeirError {
  const name = responseCodeName(code);
  const said = `RabbitMQ at ${at} closed the connection with ${name} (${String(code)}): ${reason || 'it gave no reason'}`;
  const options: WeirErrorOptions = { broker: 'rabbitmq-stream', detail: { code, name, reason } };
  switch (code) {
    case responseCodes.UNKNOWN_FRAME:
      // what it could not read is gone with the connection, and the next one starts afresh
      return new ProtocolError(said, { ...options, retriable: true });
    case responseCodes.FRAME_TOO_LARGE:
      return new FrameTooLargeError(`${said}; lower frameMax`, options);
    default:
      return new ConnectionError(said, options);
  }
}

/** What a broker says when a message that it was sent is not stored. @internal */
export function publishFailure(code: number, stream: string): PublishError {
  const name = responseCodeName(code);
  return new PublishError(
    `cannot publish to '${stream}': RabbitMQ refused the message with ${name} (${String(code)})`,
    {
      broker: 'rabbitmq-stream',
      detail: { code, name, stream },
      retriable: code === responseCodes.STREAM_NOT_AVAILABLE || code === responseCodes.PUBLISHER_DOES_NOT_EXIST,
    },
  );
}
