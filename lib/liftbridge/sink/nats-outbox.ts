import type { Cancel, Clock } from '../../core/clock.js';
import { Deque } from '../../core/deque.js';
import {
  BrokerTimeoutError,
  ClosedError,
  ConnectionError,
  FrameTooLargeError,
  InvalidOptionError,
  OverflowError,
  ProtocolError,
  PublishUncertainError,
  type WeirError,
} from '../../core/errors.js';
import { ackErrors, ackPolicies } from '../codec/enums.js';
import { encodeEnvelope, openAck } from '../codec/envelope.js';
import { ackOf } from '../envelope.js';
import { headerEntries, keyBytes } from '../fields.js';
import type { NatsAck, NatsConnectionLike, NatsPublisherFields } from '../nats-publisher.js';
import { CorrelationTexts } from './correlation-texts.js';
import { randomPrefix } from './random-prefix.js';
import { ackRefusal } from './refusals.js';

const broker = 'liftbridge';

/** @internal */
export interface NatsOutboxSettings {
  /** ms */
  readonly ackTimeout: number;
  readonly maxInFlight: number;
  readonly buffer: number;
  /** The subject on which acks come. */
  readonly inbox: string;
  readonly clock: Clock;
}

/** A message that waits for its ack. */
interface Pending {
  readonly subject: string;
  readonly writtenAt: number;
  resolve(ack: NatsAck): void;
  reject(error: WeirError): void;
}

/** What is published on a NATS connection and not yet acknowledged. Nothing throws into the connection. @internal */
export class NatsOutbox {
  /** In the order of writing. */
  private readonly pending = new Map<string, Pending>();
  /** The places of the window that are taken: by what is pending, or by who has just got one. */
  private places = 0;
  private readonly waiting = new Deque<(error?: WeirError) => void>();
  private readonly texts = new CorrelationTexts(randomPrefix());
  private counter = 0;
  private readonly subscription: { unsubscribe(): void };
  private cancelTimer: Cancel | undefined;
  /** Why nothing is taken any more. */
  private over: WeirError | undefined;
  private closing: Promise<void> | undefined;
  private drained: (() => void) | undefined;

  /** @throws ConnectionError where the connection is closed or closing */
  constructor(
    private readonly nats: NatsConnectionLike,
    private readonly settings: NatsOutboxSettings,
  ) {
    if (nats.isClosed() || nats.isDraining()) {
      const state = nats.isClosed() ? 'closed' : 'draining, about to close';
      throw new ConnectionError(
        `natsPublisher(): the NATS connection that was given is ${state}; give one that is open`,
        {
          broker,
          retriable: false,
        },
      );
    }
    this.subscription = nats.subscribe(settings.inbox, {
      callback: (error, message) => {
        if (error === null) this.answered(message.data);
        else this.end(new ConnectionError(`no acks can be had from NATS: ${error.message}`, { broker, cause: error }));
      },
    });
    const closed = (error: unknown): void => {
      const reason = error instanceof Error ? `: ${error.message}` : '';
      this.end(
        new ConnectionError(`the NATS connection was closed${reason}; make a publisher on another one`, {
          broker,
          cause: error,
          retriable: false,
        }),
      );
    };
    nats.closed().then(closed, closed);
  }

  async publish(subject: string, value: Uint8Array, fields: NatsPublisherFields): Promise<NatsAck | undefined> {
    if (this.over !== undefined) throw this.over;
    if (fields.ackPolicy === 'none') {
      this.write(subject, this.envelope(value, fields, this.idFor(fields), undefined));
      return undefined;
    }
    if (this.places < this.settings.maxInFlight) this.places++;
    else await this.room();
    let acked: Promise<NatsAck>;
    try {
      acked = this.send(subject, value, fields);
    } catch (error) {
      this.leavePlace();
      throw error;
    }
    return acked;
  }

  close(): Promise<void> {
    this.closing ??= this.shut();
    return this.closing;
  }

  private async shut(): Promise<void> {
    this.over ??= new ClosedError('natsPublisher.publish(): this publisher was closed; make another one', { broker });
    for (let next = this.waiting.shift(); next !== undefined; next = this.waiting.shift()) next(this.over);
    if (this.pending.size > 0) {
      await new Promise<void>((resolve) => {
        this.drained = resolve;
      });
    }
    this.unsubscribe();
  }

  /** Publishes one that has its place in the window. */
  private send(subject: string, value: Uint8Array, fields: NatsPublisherFields): Promise<NatsAck> {
    const id = this.idFor(fields);
    if (this.pending.has(id)) {
      throw new InvalidOptionError(
        `cannot publish on '${subject}': the correlationId '${id}' is that of another message, whose ack has not come yet; wait for that, or take another one`,
        { broker },
      );
    }
    this.write(subject, this.envelope(value, fields, id, this.settings.inbox));
    return new Promise((resolve, reject) => {
      this.pending.set(id, { subject, writtenAt: this.settings.clock.now(), resolve, reject });
      this.arm(this.settings.ackTimeout);
    });
  }

  private idFor({ correlationId }: NatsPublisherFields): string {
    return correlationId ?? this.texts.of(++this.counter);
  }

  private envelope(
    value: Uint8Array,
    { key, headers, ackPolicy = 'leader', expectedOffset }: NatsPublisherFields,
    correlationId: string,
    ackInbox: string | undefined,
  ): Uint8Array {
    const entries = headers && headerEntries(headers);
    const policy = ackPolicies[ackPolicy];
    return encodeEnvelope(
      { key: keyBytes(key), value, headers: entries, ackInbox, correlationId, ackPolicy: policy, expectedOffset },
      { crc: true },
    );
  }

  /** Resolves when one of the places in the window is handed on. */
  private room(): Promise<void> {
    const { buffer, maxInFlight } = this.settings;
    if (this.waiting.length >= buffer) {
      throw new OverflowError(
        `natsPublisher.publish(): ${String(maxInFlight)} messages are unacknowledged and ${String(buffer)} wait; wait for some, or raise maxInFlight or buffer`,
        { broker },
      );
    }
    return new Promise((resolve, reject) => {
      this.waiting.push((error) => {
        if (error === undefined) resolve();
        else reject(error);
      });
    });
  }

  private write(subject: string, bytes: Uint8Array): void {
    if (this.over !== undefined) throw this.over;
    const { nats } = this;
    const max = nats.info?.max_payload;
    if (max !== undefined && bytes.length > max) {
      throw new FrameTooLargeError(
        `cannot publish on '${subject}': the message takes ${String(bytes.length)} bytes in its envelope, and the NATS server takes ${String(max)} (max_payload); send less, or raise it there`,
        { broker, detail: { size: bytes.length, max } },
      );
    }
    try {
      nats.publish(subject, bytes);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new ConnectionError(`cannot publish on '${subject}': ${reason}`, { broker, cause: error });
    }
  }

  /** Anybody may write to an inbox: what is no ack of ours is dropped. */
  private answered(data: Uint8Array): void {
    try {
      const ack = openAck(data);
      const pending = this.take(ack.correlationId);
      if (pending === undefined) return;
      if (ack.ackError === ackErrors.ok) {
        const { kind: _kind, error: _error, offset: _offset, ...rest } = ackOf(ack);
        pending.resolve({ ...rest, offset: ack.offset });
      } else {
        pending.reject(ackRefusal(`the NATS subject '${pending.subject}'`, ack.ackError));
      }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
    }
  }

  private take(id: string): Pending | undefined {
    const pending = this.pending.get(id);
    if (pending === undefined) return undefined;
    this.pending.delete(id);
    this.leavePlace();
    if (this.pending.size === 0) {
      this.disarm();
      this.drained?.();
    }
    return pending;
  }

  /** Who waits gets the place, before anybody who comes later. */
  private leavePlace(): void {
    const next = this.waiting.shift();
    if (next === undefined) this.places--;
    else next();
  }

  /** One timer for all: the oldest is the first to run out of time. */
  private arm(ms: number): void {
    this.cancelTimer ??= this.settings.clock.after(ms, () => {
      this.cancelTimer = undefined;
      this.expire();
    });
  }

  private disarm(): void {
    this.cancelTimer?.();
    this.cancelTimer = undefined;
  }

  private expire(): void {
    const { clock, ackTimeout } = this.settings;
    const now = clock.now();
    for (const [id, { writtenAt }] of this.pending) {
      if (writtenAt + ackTimeout > now) {
        this.arm(writtenAt + ackTimeout - now);
        return;
      }
      const reason = `no ack within ${String(ackTimeout)} ms. Is a stream bound to that subject, neither paused nor readonly?`;
      this.leave(id, reason, new BrokerTimeoutError(reason, { broker }));
    }
  }

  /** No ack comes for it. */
  private leave(id: string, reason: string, cause: WeirError): void {
    const pending = this.take(id);
    pending?.reject(
      new PublishUncertainError(
        `message ${id} for the NATS subject '${pending.subject}' was sent and not confirmed: ${reason}; it may be stored or not`,
        { broker, cause },
      ),
    );
  }

  /** No acks come any more. */
  private end(error: WeirError): void {
    this.over ??= error;
    for (let next = this.waiting.shift(); next !== undefined; next = this.waiting.shift()) next(this.over);
    for (const id of [...this.pending.keys()]) this.leave(id, error.message, error);
    this.unsubscribe();
  }

  private unsubscribe(): void {
    try {
      this.subscription.unsubscribe();
    } catch {
      // a closed connection has no subscriptions left
    }
  }
}
