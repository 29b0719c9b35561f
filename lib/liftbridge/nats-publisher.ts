import { randomBytes } from 'node:crypto';
import { checkOptions, checkValue, count, duration, instance, type Shape } from '../core/check.js';
import { systemClock } from '../core/clock.js';
import type { EnvelopedAck } from './envelope.js';
import {
  ackPolicyChecker,
  checkFieldCombinations,
  correlationIdChecker,
  expectedOffsetChecker,
  headersChecker,
  keyChecker,
  type LiftbridgeFields,
} from './fields.js';
import { publishSubject } from './names.js';
import { NatsOutbox } from './sink/nats-outbox.js';

/** The part of a received NATS message that is used here; `nats` v2 and `@nats-io/nats-core` v3 both have it. */
export interface NatsMessageLike {
  readonly data: Uint8Array;
}

/** The part of a NATS connection that is used here; `nats` v2 and `@nats-io/nats-core` v3 both have it. */
export interface NatsConnectionLike {
  /** What the server said of itself; undefined while there is no link to one. */
  readonly info?: { readonly max_payload: number } | undefined;
  publish(subject: string, payload?: Uint8Array): void;
  subscribe(
    subject: string,
    options?: { callback?: (error: Error | null, message: NatsMessageLike) => void },
  ): { unsubscribe(): void };
  /** Resolves when the connection is closed for good, with the reason if that is an error. */
  closed(): Promise<void | Error>;
  isClosed(): boolean;
  isDraining(): boolean;
}

/** What `natsPublisher` takes. */
export interface NatsPublisherOptions {
  /**
   * How long an ack may take, in milliseconds.
   * @defaultValue 5 000
   */
  readonly ackTimeout?: number | undefined;
  /**
   * The window: messages published and not yet acknowledged.
   * @defaultValue 1024
   */
  readonly maxInFlight?: number | undefined;
  /**
   * Messages that may wait for room in the window; one too many is an OverflowError.
   * @defaultValue 10 000
   */
  readonly buffer?: number | undefined;
  /**
   * What the subject begins with on which acks come.
   * @defaultValue '_INBOX'
   */
  readonly inboxPrefix?: string | undefined;
}

/** What a message that goes through NATS has beside its value. */
export type NatsPublisherFields = Pick<
  LiftbridgeFields,
  'key' | 'headers' | 'ackPolicy' | 'correlationId' | 'expectedOffset'
>;

/** What a server said of a message that it stored. */
export interface NatsAck extends Omit<EnvelopedAck, 'kind' | 'error' | 'offset'> {
  readonly offset: bigint;
}

/** Publishes on NATS, in the envelope in which Liftbridge streams take messages from there. */
export interface NatsPublisher extends AsyncDisposable {
  /**
   * Publishes on the subject of a stream (for its partition n above 0: `<subject>.<n>`), and resolves with the first ack, or
   * with undefined where the policy is `none`. While the window is full, it waits before that.
   * @throws InvalidOptionError, FrameTooLargeError, OffsetMismatchError, PublishError, OverflowError, ConnectionError where the
   * connection is closed, ClosedError; PublishUncertainError where no ack came in time, as when no stream is bound to the
   * subject, when the partition is paused (then the message is lost) or readonly, and when the link to NATS was down
   */
  publish(subject: string, value: Uint8Array, fields?: NatsPublisherFields): Promise<NatsAck | undefined>;
  /** Takes nothing more, waits for the acks that are due, and ends the subscription for them. The connection stays open. */
  close(): Promise<void>;
}

const optionsShape: Shape<NatsPublisherOptions> = {
  ackTimeout: duration({ min: 1 }),
  maxInFlight: count(),
  buffer: count({ min: 0, infinity: true }),
  inboxPrefix: publishSubject,
};

const fieldsShape: Shape<NatsPublisherFields> = {
  key: keyChecker,
  headers: headersChecker,
  ackPolicy: ackPolicyChecker,
  correlationId: correlationIdChecker,
  expectedOffset: expectedOffsetChecker,
};

const connectionChecker = instance(isConnection, "a connection of 'nats' v2 or '@nats-io/*' v3");
const valueChecker = instance((value) => value instanceof Uint8Array, 'a Uint8Array; encode it first');

/**
 * A publisher on a NATS connection of yours, which is used and never closed. It needs no Liftbridge server of its own: the
 * streams that are bound to a subject take what is published there.
 * @throws InvalidOptionError, ConnectionError where the connection is closed or closing
 */
export function natsPublisher(connection: NatsConnectionLike, options: NatsPublisherOptions = {}): NatsPublisher {
  checkValue('natsPublisher()', 'connection', connection, connectionChecker);
  checkOptions('natsPublisher()', options, optionsShape);
  const { ackTimeout = 5_000, maxInFlight = 1_024, buffer = 10_000, inboxPrefix = '_INBOX' } = options;
  const inbox = `${inboxPrefix}.${randomBytes(16).toString('hex')}`;
  const outbox = new NatsOutbox(connection, { ackTimeout, maxInFlight, buffer, inbox, clock: systemClock });
  return {
    // async, so that whatever is wrong with the call rejects
    async publish(subject, value, fields = {}) {
      const where = 'natsPublisher.publish()';
      checkValue(where, 'subject', subject, publishSubject);
      checkValue(where, 'value', value, valueChecker);
      checkOptions(where, fields, fieldsShape);
      checkFieldCombinations(where, fields);
      return outbox.publish(subject, value, fields);
    },
    close: () => outbox.close(),
    [Symbol.asyncDispose]: () => outbox.close(),
  };
}

function isConnection(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const like = value as Record<string, unknown>;
  return ['publish', 'subscribe', 'closed', 'isClosed', 'isDraining'].every((name) => typeof like[name] === 'function');
}
