import type { Cancel } from '../../core/clock.js';
import { Deque } from '../../core/deque.js';
import { BrokerTimeoutError, ClosedError, ProtocolError, WeirError } from '../../core/errors.js';
import type { Body } from '../body.js';
import { decodeFromBroadcaster, type EnableZstd, type FromBroadcaster } from '../codec/from-broadcaster.js';
import { confirmReceiveMessage, continueReceiveMessage } from '../codec/to-broadcaster.js';
import type { Zstd } from '../platform.js';
import type { Pattern } from '../session/session.js';
import { Acks, type Ack } from './acks.js';
import { Authority } from './authority.js';
import { Change } from './change.js';
import { Compressors } from './compressors.js';
import type { Counters } from './counters.js';
import { Deliveries } from './deliveries.js';
import { Identifiers } from './identifiers.js';
import { Notification } from './notification.js';
import { Outbox } from './outbox.js';
import type { ConnectionParts, NotificationOutcome } from './parts.js';
import { Requests } from './requests.js';
import { sameBytes } from './same-bytes.js';
import type { Socket } from './socket.js';
import { Watchdog } from './watchdog.js';

const broker = 'lonelyps';

/**
 * A confirmed connection to one broadcaster. Made by `openConnection`, which hands over to it what the socket tells.
 * @internal
 */
export class Connection {
  private readonly authority: Authority;
  private readonly compressors: Compressors;
  private readonly requests: Requests;
  private readonly outbox: Outbox;
  private readonly acks = new Acks((ack) => this.acknowledge(ack));
  private readonly deliveries: Deliveries;
  private readonly watchdog: Watchdog;
  private readonly identifiers: Identifiers;
  private readonly changes = new Deque<Change>();
  private over: WeirError | undefined;
  /** What `closed` and everything else is told to: only once somebody has this connection. */
  private adopted = false;
  private closing: Promise<void> | undefined;
  private closed: (() => void) | undefined;
  private cancelClose: Cancel | undefined;
  private saidGoodbye = false;
  private wasWritable = true;
  private pumping = false;

  constructor(
    private readonly socket: Socket,
    private readonly parts: ConnectionParts,
    private readonly counters: Counters,
    zstd: Zstd | undefined,
  ) {
    const { auth, options, platform, clock, log, handlers } = parts;
    this.authority = new Authority(auth, counters);
    this.compressors = new Compressors(zstd, options.compression, log);
    this.identifiers = new Identifiers(platform.random(4));
    this.requests = new Requests(socket, () => this.watchdog.owes());
    this.outbox = new Outbox({
      requests: this.requests,
      authority: this.authority,
      compressors: this.compressors,
      hashing: () => platform.hashing,
      maxFrameBytes: options.maxFrameBytes,
      freed: () => this.pump(),
      broken: (error) => this.end(error),
    });
    this.deliveries = new Deliveries({
      platform,
      options,
      compressors: this.compressors,
      acks: this.acks,
      verify: (part, head) => this.authority.checkReceived(part, head.topic, part.identifier, head.sha512),
      arrived: (arrival) => handlers.arrived(arrival),
      missed: (topic) => handlers.missed(topic),
      failed: (error) => this.drop(error),
      log,
    });
    this.watchdog = new Watchdog({
      clock,
      interval: options.pingInterval,
      timeout: options.pingTimeout,
      ping: socket.ping,
      owed: () => this.requests.patience,
      silent: (ms) => this.end(this.silence(ms)),
    });
  }

  /** Why it is over; undefined while it is not. */
  get error(): WeirError | undefined {
    return this.over;
  }

  /** Whether `notify` would write. */
  get writable(): boolean {
    return !this.over && !this.closing && this.outbox.empty && this.requests.free;
  }

  /**
   * Subscribes or unsubscribes, in the order of the calls. A broadcaster drops a connection that does either twice.
   * @param done - once, never within this call, with an error where it is not known to be done
   */
  change(subscribe: boolean, pattern: Pattern, done: (error?: WeirError) => void): void {
    const over = this.over ?? this.leaving();
    if (over) {
      this.parts.clock.soon(() => done(over));
      return;
    }
    this.changes.push(new Change(subscribe, pattern, done));
    this.pump();
  }

  /**
   * Sends a message; what cannot be written at once waits in order. The body stays the caller's, who keeps it until the
   * outcome.
   */
  notify(topic: Uint8Array, body: Body, outcome: NotificationOutcome): void {
    const notification = new Notification(this.identifiers.next(), topic, body, outcome);
    const over = this.over ?? this.leaving();
    if (over) {
      this.parts.clock.soon(() => notification.lost(over));
      return;
    }
    this.outbox.push(notification);
    this.pump();
  }

  /** Waits for what is unanswered and says goodbye; after `ms` it is dropped. Never rejects. */
  close(ms: number): Promise<void> {
    if (this.closing) return this.closing;
    this.closing = new Promise((resolve) => {
      this.closed = resolve;
    });
    if (this.over) this.closed?.();
    else {
      this.wasWritable = false;
      this.deliveries.refuse();
      this.cancelClose = this.parts.clock.after(ms, () => this.end(new ClosedError(this.unconfirmed(), { broker })));
      this.pump();
    }
    return this.closing;
  }

  /** Drops it, as if it had been lost by `error`. */
  destroy(error: WeirError): void {
    this.end(error);
  }

  /** Somebody has it from here on, and is told. @throws what has ended it already */
  adopt(): void {
    if (this.over) throw this.over;
    this.adopted = true;
  }

  /** The socket brought a message. */
  message(bytes: Uint8Array): void {
    if (this.over) return;
    this.watchdog.alive();
    try {
      this.take(decodeFromBroadcaster(bytes));
    } catch (error) {
      this.drop(error);
      return;
    }
    this.pump();
  }

  /** Something came on the socket that is no message. */
  alive(): void {
    this.watchdog.alive();
  }

  /** The socket has room again. */
  drained(): void {
    this.requests.drained();
    this.pump();
  }

  /** The broadcaster did what it should not have: it is left. */
  drop(error: unknown): void {
    if (this.over) return;
    const known =
      error instanceof WeirError
        ? error
        : new ProtocolError(`A message of the broadcaster ${this.parts.url} could not be handled.`, {
            broker,
            cause: error,
          });
    this.parts.handlers.fault(known);
    this.end(known);
  }

  /** It is gone, or has to go. */
  end(error: WeirError): void {
    if (this.over) return;
    this.over = error;
    this.wasWritable = false;
    this.watchdog.stop();
    this.cancelClose?.();
    this.acks.clear();
    this.deliveries.clear();
    this.socket.terminate();
    if (this.adopted && !this.closing) this.parts.handlers.lost(error);
    this.requests.lost(error);
    for (let next = this.changes.shift(); next; next = this.changes.shift()) next.lost(error);
    this.outbox.lost(error);
    this.closed?.();
  }

  private take(message: FromBroadcaster): void {
    const { authority, compressors, parts } = this;
    switch (message.kind) {
      case 'receive':
        this.deliveries.take(message);
        return;
      case 'missed':
        authority.checkMissed(message, message.topic);
        if (!this.closing) parts.handlers.missed(new Uint8Array(message.topic));
        return;
      case 'enablePreset': {
        const { id, level, minSize, maxSize } = message;
        authority.checkPreset(message, id, level, minSize, maxSize);
        compressors.enablePreset(id, message);
        return;
      }
      case 'enableCustom':
        this.takeDictionary(message);
        return;
      case 'disableCustom':
        authority.checkDisabled(message, message.id);
        compressors.disableCustom(message.id);
        return;
      case 'confirmConfigure':
        throw new ProtocolError(`The broadcaster ${parts.url} confirmed the connection twice.`, { broker });
      default:
        this.requests.answered(message, authority);
    }
  }

  private takeDictionary(message: EnableZstd): void {
    const { id, level, minSize, maxSize, sha512 } = message;
    this.authority.checkCustom(message, id, level, minSize, maxSize, sha512);
    const dictionary = new Uint8Array(message.dictionary);
    if (!sameBytes(this.parts.platform.hashing.sha512(dictionary), sha512)) {
      throw new ProtocolError(`The broadcaster sent the dictionary ${id} with another SHA-512 than it has.`, {
        broker,
      });
    }
    this.compressors.enableCustom(id, message, dictionary);
  }

  private acknowledge({ identifier, part, subscribers }: Ack): void {
    if (this.over) return;
    try {
      const { authority } = this;
      this.requests.sendUnanswered(
        part === undefined
          ? confirmReceiveMessage(authority.confirmReceive(identifier, subscribers), identifier, subscribers)
          : continueReceiveMessage(authority.continueReceive(identifier, part), identifier, part),
      );
    } catch (error) {
      // where an arrival is answered there is nobody to throw at
      this.drop(error);
    }
  }

  /** Sends what can be sent: changes of subscriptions, then messages. */
  private pump(): void {
    if (this.over || this.pumping) return;
    this.pumping = true;
    try {
      while (this.requests.free) {
        const next = this.changes.peek();
        if (!next) break;
        const message = next.write(this.counters, this.authority);
        this.changes.shift();
        this.requests.send(message, next);
      }
      this.outbox.pump();
    } catch (error) {
      // a counter may be taken and its message not sent: nothing more on this connection would be accepted
      this.drop(error);
    } finally {
      this.pumping = false;
    }
    this.sayGoodbye();
    const was = this.wasWritable;
    this.wasWritable = this.writable;
    if (!was && this.wasWritable) this.parts.handlers.drained();
  }

  private sayGoodbye(): void {
    if (!this.closing || this.saidGoodbye || this.over) return;
    if (this.requests.unanswered > 0 || this.changes.length > 0 || !this.outbox.empty) return;
    this.saidGoodbye = true;
    this.socket.close();
  }

  private leaving(): ClosedError | undefined {
    return this.closing && new ClosedError(`The connection to ${this.parts.url} is being closed.`, { broker });
  }

  private unconfirmed(): string {
    return `The connection to ${this.parts.url} was closed before the broadcaster had confirmed this.`;
  }

  private silence(ms: number): BrokerTimeoutError {
    return new BrokerTimeoutError(
      `The broadcaster ${this.parts.url} gave no sign of life for ${ms} ms, and the connection was given up.`,
      { broker, detail: { silence: ms } },
    );
  }
}
