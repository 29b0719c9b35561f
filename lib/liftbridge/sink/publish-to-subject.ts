import { checkOptions, checkValue, duration, instance, signal, type Shape } from '../../core/check.js';
import { ConnectionError, PublishUncertainError, WeirError } from '../../core/errors.js';
import { ackErrors, ackPolicies } from '../codec/enums.js';
import { grpcStatus } from '../codec/grpc-status.js';
import { encodePublishToSubjectRequest } from '../codec/requests.js';
import { decodePublishToSubjectResponse } from '../codec/responses.js';
import type { CallStatus } from '../connection/call.js';
import { ackOf, type EnvelopedAck } from '../envelope.js';
import {
  ackPolicyChecker,
  correlationIdChecker,
  headerEntries,
  headersChecker,
  keyBytes,
  keyChecker,
  type AckPolicy,
  type LiftbridgeHeaders,
} from '../fields.js';
import { publishSubject } from '../names.js';
import type { SinkChannel } from './host.js';
import { randomPrefix } from './random-prefix.js';
import { ackRefusal, natsRefusal } from './refusals.js';

/** What `publishToSubject` takes beside the value. */
export interface PublishToSubjectOptions {
  /** A string goes out as UTF-8. */
  readonly key?: Uint8Array | string | undefined;
  /** The names `subject` and `reply` are the server's own and not accepted. */
  readonly headers?: LiftbridgeHeaders | undefined;
  /** @defaultValue 'leader' */
  readonly ackPolicy?: AckPolicy | undefined;
  /** What the message is called in its ack. Default: made here. */
  readonly correlationId?: string | undefined;
  /**
   * How long the ack may take, in milliseconds.
   * @defaultValue what the handle's `ackTimeout` says, 5 000
   */
  readonly ackTimeout?: number | undefined;
  /** Gives up waiting. The message may be stored. */
  readonly signal?: AbortSignal | undefined;
}

/** Which stream has the message, and where. */
export interface SubjectReceipt extends Omit<EnvelopedAck, 'kind' | 'error' | 'offset'> {
  readonly offset: bigint;
}

/** What is needed of a session. @internal */
export interface SubjectSession {
  readonly main: SinkChannel | undefined;
  call<T>(
    method: string,
    request: Uint8Array,
    options: {
      readonly asked: string;
      decode(bytes: Uint8Array): T;
      fail?(status: CallStatus): WeirError | undefined;
      readonly repeat?: boolean | undefined;
      readonly timeout?: number | undefined;
      readonly signal?: AbortSignal | undefined;
    },
  ): Promise<T>;
}

const shape: Shape<PublishToSubjectOptions> = {
  key: keyChecker,
  headers: headersChecker,
  ackPolicy: ackPolicyChecker,
  correlationId: correlationIdChecker,
  ackTimeout: duration({ min: 1 }),
  signal: signal(),
};

const valueChecker = instance((value) => value instanceof Uint8Array, 'a Uint8Array; encode it first');

/**
 * Publishes on a NATS subject, to whatever streams are bound to it; the session is connected. Resolves with the first ack, or
 * with undefined where the policy is `none`.
 * @param ackTimeout - ms, where the options do not say
 * @throws InvalidOptionError, AuthorizationError, OffsetMismatchError, FrameTooLargeError, PublishError; PublishUncertainError
 * where no ack came in time, as when no stream is bound to the subject
 * @internal
 */
export async function publishToSubject(
  session: SubjectSession,
  subject: string,
  value: Uint8Array,
  options: PublishToSubjectOptions = {},
  ackTimeout = 5_000,
): Promise<SubjectReceipt | undefined> {
  const where = 'publishToSubject()';
  checkValue(where, 'subject', subject, publishSubject);
  checkValue(where, 'value', value, valueChecker);
  checkOptions(where, options, shape);
  const { key, headers, ackPolicy = 'leader', correlationId = `${randomPrefix()}${randomPrefix()}`, ...rest } = options;
  const { ackTimeout: timeout = ackTimeout, signal: aborter } = rest;
  if (session.main === undefined) {
    throw new ConnectionError(`${where}: there is no connection to Liftbridge; connect first`, {
      broker: 'liftbridge',
    });
  }
  const request = encodePublishToSubjectRequest({
    key: keyBytes(key),
    value,
    subject,
    headers: headers && headerEntries(headers),
    correlationId,
    ackPolicy: ackPolicies[ackPolicy],
  });
  const target = `the NATS subject '${subject}'`;
  const uncertain = (reason: string, cause: unknown): PublishUncertainError =>
    new PublishUncertainError(
      `message ${correlationId} for ${target} was sent and not confirmed: ${reason}; it may be stored or not`,
      { broker: 'liftbridge', cause },
    );
  const late = `no ack within ${String(timeout)} ms. Is a stream bound to that subject, neither paused nor readonly?`;
  try {
    const { ack } = await session.call('PublishToSubject', request, {
      asked: `publish on the NATS subject '${subject}'`,
      decode: decodePublishToSubjectResponse,
      fail: ({ code, message }) =>
        code === grpcStatus.deadlineExceeded ? uncertain(late, undefined) : natsRefusal(target, message),
      // it may have been stored the first time
      repeat: false,
      timeout,
      signal: aborter,
    });
    if (ackPolicy === 'none') return undefined;
    if (ack === undefined) throw uncertain('the server waits for no ack', undefined);
    if (ack.ackError !== ackErrors.ok) throw ackRefusal(target, ack.ackError);
    const { kind: _kind, error: _error, offset: _offset, ...receipt } = ackOf(ack);
    return { ...receipt, offset: ack.offset };
  } catch (error) {
    if (!(error instanceof WeirError)) throw error;
    if (error.code === 'TIMEOUT') throw uncertain(late, error);
    throw error.code === 'CONNECTION' ? uncertain(error.message, error) : error;
  }
}
