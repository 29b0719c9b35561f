/** The brokers that have an entry point, as they name themselves in errors and statuses. */
export type BrokerName = 'memory' | 'nats-streaming' | 'rabbitmq-stream' | 'liftbridge' | 'lonelyps' | 'jetstream';

/** The class of each `code`: the one list that the union type, the names and the documentation come from. */
const errorNames = {
  CONNECTION: 'ConnectionError',
  AUTHENTICATION: 'AuthenticationError',
  AUTHORIZATION: 'AuthorizationError',
  TIMEOUT: 'BrokerTimeoutError',
  STREAM_EXISTS: 'StreamExistsError',
  STREAM_NOT_FOUND: 'StreamNotFoundError',
  STREAM_UNAVAILABLE: 'StreamUnavailableError',
  OFFSET_NOT_FOUND: 'OffsetNotFoundError',
  OFFSET_MISMATCH: 'OffsetMismatchError',
  ROUTING: 'RoutingError',
  IN_USE: 'InUseError',
  PUBLISH: 'PublishError',
  PUBLISH_UNCERTAIN: 'PublishUncertainError',
  OVERFLOW: 'OverflowError',
  DECODE: 'DecodeError',
  PROTOCOL: 'ProtocolError',
  FRAME_TOO_LARGE: 'FrameTooLargeError',
  UNSUPPORTED: 'UnsupportedError',
  CLOSED: 'ClosedError',
  INVALID_OPTION: 'InvalidOptionError',
} as const;

/** Every `code` that an error of this package can have. */
export const errorCodes = Object.keys(errorNames) as readonly ErrorCode[];

/** One of {@link errorCodes}. */
export type ErrorCode = keyof typeof errorNames;

/** What the wire said, for those who need its own words: code, name and whatever else identifies the refusal. */
export type ErrorDetail = Readonly<Record<string, string | number | bigint | boolean | undefined>>;

/** What can be told about an error beside its message. */
export interface WeirErrorOptions {
  /** The error that caused this one. */
  readonly cause?: unknown;
  /** The broker it happened on; absent where no broker was involved (an operator, an option). */
  readonly broker?: BrokerName | undefined;
  /** Whether the same call can succeed later without a change on the caller's side. The class has a default. */
  readonly retriable?: boolean | undefined;
  /** The wire's code and name. */
  readonly detail?: ErrorDetail | undefined;
}

const brand = Symbol.for('rx-weir.error');

/**
 * The base of all errors of this package. `instanceof` holds across copies of the package in one process
 * (two versions in one tree): the classes know their own by a registered symbol and the code.
 */
export class WeirError extends Error {
  /** What happened, one of {@link errorCodes}; stable across releases. */
  readonly code: ErrorCode;
  /** Whether the same call can succeed later without a change on the caller's side. */
  readonly retriable: boolean;
  /** The broker it happened on. */
  readonly broker: BrokerName | undefined;
  /** The wire's own code and name. */
  readonly detail: ErrorDetail | undefined;

  constructor(message: string, code: ErrorCode, options: WeirErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    // not new.target.name: a minified bundle has lost it
    this.name = errorNames[code];
    this.code = code;
    this.retriable = options.retriable ?? false;
    this.broker = options.broker;
    this.detail = options.detail;
  }

  /** A shape that survives `JSON.stringify`, causes included, without anything that the error did not say itself. */
  toJSON(): Record<string, unknown> {
    const { name, code, message, retriable, broker, cause } = this;
    const detail =
      this.detail &&
      Object.fromEntries(Object.entries(this.detail).map(([k, v]) => [k, typeof v === 'bigint' ? String(v) : v]));
    return { name, code, message, retriable, broker, detail, cause: causeToJSON(cause) };
  }

  /** @internal */
  get [brand](): true {
    return true;
  }

  /** @internal */
  static override [Symbol.hasInstance](value: unknown): boolean {
    if (Function.prototype[Symbol.hasInstance].call(this, value)) return true;
    if (typeof value !== 'object' || value === null || !(brand in value)) return false;
    if (this === WeirError) return true;
    return Object.hasOwn(this, 'kind') && (this as unknown as { kind: ErrorCode }).kind === (value as WeirError).code;
  }
}

function causeToJSON(cause: unknown): unknown {
  if (cause === undefined) return undefined;
  if (cause instanceof WeirError) return cause.toJSON();
  if (cause instanceof Error) return { name: cause.name, message: cause.message };
  return typeof cause === 'string' ? cause : Object.prototype.toString.call(cause);
}

/** The link to the broker could not be made, or was lost for good. */
export class ConnectionError extends WeirError {
  /** @internal */
  static readonly kind: ErrorCode = 'CONNECTION';

  constructor(message: string, options?: WeirErrorOptions) {
    super(message, ConnectionError.kind, { ...options, retriable: options?.retriable ?? true });
  }
}

/** The broker did not accept the credentials. */
export class AuthenticationError extends WeirError {
  /** @internal */
  static readonly kind: ErrorCode = 'AUTHENTICATION';

  constructor(message: string, options?: WeirErrorOptions) {
    super(message, AuthenticationError.kind, options);
  }
}

/** The credentials are good, but do not allow what was asked. */
export class AuthorizationError extends WeirError {
  /** @internal */
  static readonly kind: ErrorCode = 'AUTHORIZATION';

  constructor(message: string, options?: WeirErrorOptions) {
    super(message, AuthorizationError.kind, options);
  }
}

/** The broker did not answer in time. Named so that it does not hide RxJS's own `TimeoutError`. */
export class BrokerTimeoutError extends WeirError {
  /** @internal */
  static readonly kind: ErrorCode = 'TIMEOUT';

  constructor(message: string, options?: WeirErrorOptions) {
    super(message, BrokerTimeoutError.kind, { ...options, retriable: options?.retriable ?? true });
  }
}

/** The stream to create is there already. */
export class StreamExistsError extends WeirError {
  /** @internal */
  static readonly kind: ErrorCode = 'STREAM_EXISTS';

  constructor(message: string, options?: WeirErrorOptions) {
    super(message, StreamExistsError.kind, options);
  }
}

/** The stream does not exist, or exists no more. */
export class StreamNotFoundError extends WeirError {
  /** @internal */
  static readonly kind: ErrorCode = 'STREAM_NOT_FOUND';

  constructor(message: string, options?: WeirErrorOptions) {
    super(message, StreamNotFoundError.kind, options);
  }
}

/** The stream exists and cannot serve now: paused, read-only, without a leader. */
export class StreamUnavailableError extends WeirError {
  /** @internal */
  static readonly kind: ErrorCode = 'STREAM_UNAVAILABLE';

  constructor(message: string, options?: WeirErrorOptions) {
    super(message, StreamUnavailableError.kind, { ...options, retriable: options?.retriable ?? true });
  }
}

/** No position is stored under that name, or the offset asked for is not there. */
export class OffsetNotFoundError extends WeirError {
  /** @internal */
  static readonly kind: ErrorCode = 'OFFSET_NOT_FOUND';

  constructor(message: string, options?: WeirErrorOptions) {
    super(message, OffsetNotFoundError.kind, options);
  }
}

/** The stream was not at the offset that the publisher expected. */
export class OffsetMismatchError extends WeirError {
  /** @internal */
  static readonly kind: ErrorCode = 'OFFSET_MISMATCH';

  constructor(message: string, options?: WeirErrorOptions) {
    super(message, OffsetMismatchError.kind, options);
  }
}

/** No partition or queue takes the message. */
export class RoutingError extends WeirError {
  /** @internal */
  static readonly kind: ErrorCode = 'ROUTING';

  constructor(message: string, options?: WeirErrorOptions) {
    super(message, RoutingError.kind, options);
  }
}

/** A name that only one may hold is held by another: a client id, a durable, a producer. */
export class InUseError extends WeirError {
  /** @internal */
  static readonly kind: ErrorCode = 'IN_USE';

  constructor(message: string, options?: WeirErrorOptions) {
    super(message, InUseError.kind, options);
  }
}

/** The broker refused the message: it is certainly not stored. */
export class PublishError extends WeirError {
  /** @internal */
  static readonly kind: ErrorCode = 'PUBLISH';

  constructor(message: string, options?: WeirErrorOptions) {
    super(message, PublishError.kind, options);
  }
}

/** The message was written and no answer came: it may be stored or not, and nobody can tell. */
export class PublishUncertainError extends WeirError {
  /** @internal */
  static readonly kind: ErrorCode = 'PUBLISH_UNCERTAIN';

  constructor(message: string, options?: WeirErrorOptions) {
    super(message, PublishUncertainError.kind, options);
  }
}

/** A bounded buffer was full, and its policy did not let this one in. */
export class OverflowError extends WeirError {
  /** @internal */
  static readonly kind: ErrorCode = 'OVERFLOW';

  constructor(message: string, options?: WeirErrorOptions) {
    super(message, OverflowError.kind, { ...options, retriable: options?.retriable ?? true });
  }
}

/** A codec could not make a value of the bytes, or bytes of the value. */
export class DecodeError extends WeirError {
  /** @internal */
  static readonly kind: ErrorCode = 'DECODE';

  constructor(message: string, options?: WeirErrorOptions) {
    super(message, DecodeError.kind, options);
  }
}

/** A frame that the peer should not have sent. The connection is dropped, the process lives. */
export class ProtocolError extends WeirError {
  /** @internal */
  static readonly kind: ErrorCode = 'PROTOCOL';

  constructor(message: string, options?: WeirErrorOptions) {
    super(message, ProtocolError.kind, options);
  }
}

/** The message is larger than the broker takes; nothing was sent. */
export class FrameTooLargeError extends WeirError {
  /** @internal */
  static readonly kind: ErrorCode = 'FRAME_TOO_LARGE';

  constructor(message: string, options?: WeirErrorOptions) {
    super(message, FrameTooLargeError.kind, options);
  }
}

/** The broker, or this version of it, does not have what was asked for. */
export class UnsupportedError extends WeirError {
  /** @internal */
  static readonly kind: ErrorCode = 'UNSUPPORTED';

  constructor(message: string, options?: WeirErrorOptions) {
    super(message, UnsupportedError.kind, options);
  }
}

/** The handle was closed. */
export class ClosedError extends WeirError {
  /** @internal */
  static readonly kind: ErrorCode = 'CLOSED';

  constructor(message: string, options?: WeirErrorOptions) {
    super(message, ClosedError.kind, options);
  }
}

/** An option has a name or a value that is not accepted; the message says which, and what is. */
export class InvalidOptionError extends WeirError {
  /** @internal */
  static readonly kind: ErrorCode = 'INVALID_OPTION';

  constructor(message: string, options?: WeirErrorOptions) {
    super(message, InvalidOptionError.kind, options);
  }
}
