import {
  AuthorizationError,
  FrameTooLargeError,
  InvalidOptionError,
  OffsetMismatchError,
  PublishError,
  StreamNotFoundError,
  StreamUnavailableError,
  type WeirError,
} from '../../core/errors.js';
import { ackErrors, asyncErrorCodes, wireName } from '../codec/enums.js';

const broker = 'liftbridge';
const codes = asyncErrorCodes;

/**
 * The error of a message that PublishAsync refused. All codes but PERMISSION_DENIED come before the server hands the message
 * on, or from the leader that did not append it, so that it is certainly not stored. That holds for INTERNAL too: the server
 * could not wake the partition, or its NATS client did not take the message.
 * @param code - one of `asyncErrorCodes`
 * @param said - the server's words
 * @internal
 */
export function asyncRefusal(channel: string, code: number, said: string): WeirError {
  const what = `cannot publish to '${channel}': the server says "${said}"`;
  const options = { broker, detail: { code, name: wireName(codes, code), message: said } } as const;
  switch (code) {
    case codes.notFound:
      return new StreamNotFoundError(`${what}; create it, or check its name and the partition`, options);
    case codes.readonly:
      return new StreamUnavailableError(
        `${what}; setStreamReadonly() with readonly: false lets it take messages`,
        options,
      );
    case codes.incorrectOffset:
      return mismatch(what, options);
    case codes.permissionDenied:
      return new AuthorizationError(
        `${what}; give this client the permission. Servers up to 1.9 store the message all the same`,
        options,
      );
    case codes.badRequest:
      if (isSize(said)) return tooLarge(what, options);
      return new InvalidOptionError(
        `${what}; a stream with optimistic concurrency control needs ackPolicy 'leader' or 'all'`,
        options,
      );
    case codes.internal:
      if (isSize(said)) return tooLarge(what, options);
      return new PublishError(`${what}; look into its log, and try again later`, { ...options, retriable: true });
    case codes.encryptionFailed:
      return unencrypted(what, options);
    default:
      return new PublishError(what, options);
  }
}

/**
 * The error of a message whose ack says that it is not stored.
 * @param target - where it was published, as words: `'orders'`, `the NATS subject 'orders'`
 * @param code - one of `ackErrors`, not ok
 * @internal
 */
export function ackRefusal(target: string, code: number): WeirError {
  const name = wireName(ackErrors, code);
  const what = `cannot publish to ${target}: the partition's leader answers ${name}`;
  const options = { broker, detail: { code, name } } as const;
  if (code === ackErrors.incorrectOffset) return mismatch(what, options);
  if (code === ackErrors.tooLarge) return tooLarge(what, options);
  if (code === ackErrors.encryption) return unencrypted(what, options);
  return new PublishError(what, options);
}

/**
 * The error of a message that the server could not give to NATS, whose words are all that tells of it; undefined: it was
 * something else.
 * @param target - as for `ackRefusal`
 * @internal
 */
export function natsRefusal(target: string, said: string): WeirError | undefined {
  if (!said.includes('failed to publish to NATS')) return undefined;
  const what = `cannot publish to ${target}: the server says "${said}"`;
  const options = { broker, detail: { message: said } } as const;
  if (isSize(said)) return tooLarge(what, options);
  return new PublishError(`${what}; look into its log, and try again later`, { ...options, retriable: true });
}

type Options = ConstructorParameters<typeof PublishError>[1];

function mismatch(what: string, options: Options): WeirError {
  return new OffsetMismatchError(
    `${what}; the next offset of the partition is not the expected one: read what came meanwhile, and decide anew`,
    options,
  );
}

function tooLarge(what: string, options: Options): WeirError {
  return new FrameTooLargeError(
    `${what}; send less, or raise clustering.replication.max.bytes of the servers (and max_payload of their NATS)`,
    options,
  );
}

function unencrypted(what: string, options: Options): WeirError {
  return new PublishError(`${what}; check the encryption key of the servers`, options);
}

/** The server has the limits of replication and of NATS, and tells of both by words only. */
function isSize(said: string): boolean {
  return said.includes('max replication size') || said.includes('maximum payload');
}
