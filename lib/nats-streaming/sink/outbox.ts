import type { Cancel } from '../../core/clock.js';
import { BrokerTimeoutError, FrameTooLargeError, type WeirError } from '../../core/errors.js';
import { asWeirError, type Entry, type PublishPort } from '../../core/publisher.js';
import { guidText } from '../codec/guid.js';
import { encodePing } from '../codec/ping.js';
import { decodePubAck, readAckCounter } from '../codec/pub-ack.js';
import { PubMsgEncoder } from '../codec/pub-msg.js';
import { encodeText } from '../../core/wire/text.js';
import { randomId } from '../connection/random-id.js';
import type { NatsStreamingFields } from '../fields.js';
import type { StanHost } from '../host.js';
import { publishRefusal, refusedAsInvalid } from '../session/refusals.js';
import { giveBack } from './give-back.js';
import { GuidTexts } from './guid-texts.js';
import { Stragglers, type Key } from './stragglers.js';

/**
 * How long after the loss of a session the answers to what was published may take, in milliseconds. The server has sent them
 * already, or does so in the same moment as the answer that told of the loss.
 */
const answersWithin = 500;

/** What is published and not yet confirmed, of all channels of a handle: the server confirms them on one inbox. @internal */
export class Outbox {
  /** In the order of writing. Our own guids by their number, so that an ack costs no string. */
  private readonly unconfirmed = new Map<Key, Entry>();
  /** Refused in a way that a lost session explains too: they wait until that is known. */
  private doubtful: { entry: Entry; error: WeirError }[] = [];
  private counter = 0;
  private readonly prefix = `${randomId().slice(0, 12)}.`;
  private readonly prefixBytes = encodeText(this.prefix);
  private readonly guids = new GuidTexts(this.prefix);
  /** What the session before has left. */
  private readonly stragglers: Stragglers;
  private cancelTimer: Cancel | undefined;

  constructor(private readonly host: StanHost) {
    this.stragglers = new Stragglers(host.clock);
  }

  port(channel: string): PublishPort {
    return new StanPort(this, this.host, channel, this.prefix);
  }

  /** The key for an entry: the user's id, the one that it had when it was sent before, or the next number. */
  keyOf(entry: Entry): Key {
    if (entry.id !== undefined) return this.own(entry.id) ?? String(entry.id);
    return (entry.fields as NatsStreamingFields | undefined)?.id ?? ++this.counter;
  }

  add(key: Key, entry: Entry): void {
    entry.writtenAt = this.host.clock.now();
    this.unconfirmed.set(key, entry);
    this.arm();
  }

  has(key: Key): boolean {
    return this.unconfirmed.has(key) || this.stragglers.has(key);
  }

  /**
   * Takes an entry out, and gives it its id. The text is made here and not when it is written, because a window full of
   * texts is what the collector would have to carry along.
   */
  take(key: Key): Entry | undefined {
    const entry = this.unconfirmed.get(key);
    if (entry === undefined) return undefined;
    this.unconfirmed.delete(key);
    if (typeof key === 'number') entry.id ??= this.guids.of(key);
    return entry;
  }

  /** Takes what came on the ack inbox. */
  acked(data: Uint8Array): void {
    const counter = readAckCounter(data, this.prefixBytes);
    if (counter >= 0) {
      const entry = this.take(counter);
      entry?.publisher.confirmed(entry);
      return;
    }
    const ack = decodePubAck(data);
    const entry = this.take(this.own(ack.guid) ?? ack.guid);
    if (entry === undefined) return;
    if (ack.error === '') {
      entry.publisher.confirmed(entry);
      return;
    }
    const error = publishRefusal(entry.publisher.settings.channel, ack.error);
    if (!refusedAsInvalid(ack.error)) {
      entry.publisher.refused(entry, error);
      return;
    }
    this.doubtful.push({ entry, error });
    if (this.doubtful.length === 1) this.ask();
  }

  /** Takes what comes on the ack inbox of the session before, after `forgotten`. */
  ackedLate(data: Uint8Array): void {
    const ack = decodePubAck(data);
    this.stragglers.answered(this.own(ack.guid) ?? ack.guid, ack.error);
  }

  /** The NATS server does not let this client publish to these channels. */
  denied(channel: string, error: WeirError): void {
    for (const [key, entry] of [...this.unconfirmed]) {
      if (entry.publisher.settings.channel !== channel) continue;
      this.take(key);
      entry.publisher.refused(entry, error);
    }
  }

  /** Whether the server knows this session tells why it refused. If not, the session finds out too, and is renewed. */
  private ask(): void {
    const { session, resolved: options } = this.host;
    session.verify();
    const { pingRequests } = session.subjects;
    if (pingRequests === '') {
      this.known();
      return;
    }
    session.request(pingRequests, encodePing({ connId: session.connId }), options.connectTimeout, (error, reply) => {
      if (error !== undefined ? session.connected : reply!.length === 0) this.known();
    });
  }

  /** The server knows this session: what it refused, it refused for the message's sake. */
  private known(): void {
    const { doubtful } = this;
    this.doubtful = [];
    for (const { entry, error } of doubtful) entry.publisher.refused(entry, error);
  }

  /**
   * Something can be written.
   * @param kept - the server still knows the session: what it refused, it refused for the message's sake
   */
  connected(kept: boolean): void {
    if (kept) this.known();
    this.stragglers.connected();
  }

  /** Acks that were on their way are lost: nobody can tell any more what became of these. */
  lost(reason: string, cause: unknown): void {
    this.stragglers.end(reason, cause);
    giveBack([...this.takeAll().values()], reason, cause, false);
  }

  /**
   * The server had forgotten the session: what it refused for that is certainly not stored, and is sent again.
   * @param endAcks - ends the session's ack inbox; undefined where nothing more can come on it
   */
  forgotten(cause: unknown, endAcks: Cancel | undefined): void {
    const reason = 'the server lost this session';
    if (endAcks === undefined) {
      this.gone(reason, cause);
      return;
    }
    const waiting = this.takeAll();
    // where duplicates are accepted, there is no need to wait
    const resent = [...waiting.values()].filter(({ publisher }) => publisher.settings.resend);
    for (const [key, { publisher }] of waiting) if (publisher.settings.resend) waiting.delete(key);
    giveBack(resent, reason, cause, false);
    const refused = this.doubtful.map(({ entry }) => entry);
    this.doubtful = [];
    const ms = Math.min(answersWithin, this.host.resolved.ackTimeout);
    this.stragglers.begin({ waiting, refused, reason, cause, ms, endAcks });
  }

  /** There is no session any more, nor any that could follow by itself: what was refused waits for another, or fails. */
  gone(reason: string, cause: unknown): void {
    const { doubtful } = this;
    this.doubtful = [];
    this.lost(reason, cause);
    giveBack(
      doubtful.map(({ entry }) => entry),
      reason,
      cause,
      true,
    );
  }

  close(): void {
    this.cancelTimer?.();
    this.known();
    this.lost('the handle was closed', undefined);
  }

  private takeAll(): Map<Key, Entry> {
    const all = new Map(this.unconfirmed);
    for (const key of all.keys()) this.take(key);
    return all;
  }

  private own(id: string | bigint): number | undefined {
    const text = String(id);
    if (!text.startsWith(this.prefix)) return undefined;
    const counter = Number(text.slice(this.prefix.length));
    return guidText(this.prefix, counter) === text ? counter : undefined;
  }

  /** One timer for all: the oldest is the first to run out of time. */
  private arm(): void {
    const { clock, resolved: options } = this.host;
    if (this.cancelTimer !== undefined || options.ackTimeout === Infinity) return;
    this.cancelTimer = clock.after(options.ackTimeout, () => {
      this.cancelTimer = undefined;
      this.expire(clock.now() - options.ackTimeout);
    });
  }

  private expire(writtenBefore: number): void {
    const late: Entry[] = [];
    for (const [key, entry] of this.unconfirmed) {
      if (entry.writtenAt > writtenBefore) {
        this.rearm(entry.writtenAt - writtenBefore);
        break;
      }
      this.take(key);
      late.push(entry);
    }
    if (late.length === 0) return;
    const reason = `no confirmation within ${this.host.resolved.ackTimeout} ms`;
    giveBack(late, reason, new BrokerTimeoutError(reason, { broker: 'nats-streaming' }), false);
  }

  private rearm(ms: number): void {
    const { clock, resolved: options } = this.host;
    this.cancelTimer = clock.after(ms, () => {
      this.cancelTimer = undefined;
      this.expire(clock.now() - options.ackTimeout);
    });
  }
}

/** Writes the messages of one channel. */
class StanPort implements PublishPort {
  private encoder: PubMsgEncoder | undefined;
  private epoch = -1;
  private subject = '';

  constructor(
    private readonly outbox: Outbox,
    private readonly host: StanHost,
    private readonly channel: string,
    private readonly prefix: string,
  ) {}

  get writable(): boolean {
    return this.host.session.connected;
  }

  wake(): void {
    if (!this.host.session.connected) this.host.wake();
  }

  write(entry: Entry): void {
    const { session } = this.host;
    const encoder = this.encoder !== undefined && this.epoch === session.epoch ? this.encoder : this.renew();
    const replyTo = (entry.fields as NatsStreamingFields | undefined)?.replyTo;
    const key = this.outbox.keyOf(entry);
    if (typeof key === 'string' && this.outbox.has(key)) {
      throw publishRefusal(this.channel, `the id '${key}' is that of another message that is not confirmed yet`);
    }
    const { maxPayload } = session.link;
    if (maxPayload !== undefined && entry.bytes.length + 256 > maxPayload)
      this.checkSize(encoder, entry, key, replyTo, maxPayload);
    if (typeof key === 'string') entry.id = key;
    const bytes = encoder.encode(key, entry.bytes, replyTo);
    this.outbox.add(key, entry);
    try {
      session.link.publish(this.subject, bytes, session.ackInbox);
    } catch (error) {
      this.outbox.take(key);
      throw asWeirError(error, 'nats-streaming');
    }
  }

  /** The ids in every message are those of the session. */
  private renew(): PubMsgEncoder {
    const { session } = this.host;
    this.epoch = session.epoch;
    this.subject = `${session.subjects.pubPrefix}.${this.channel}`;
    this.encoder = new PubMsgEncoder({
      clientId: session.clientId,
      connId: session.connId,
      subject: this.channel,
      guidPrefix: this.prefix,
    });
    return this.encoder;
  }

  private checkSize(
    encoder: PubMsgEncoder,
    entry: Entry,
    key: Key,
    replyTo: string | undefined,
    maxPayload: number,
  ): void {
    const size = encoder.encodedSize(entry.bytes.length, typeof key === 'string' ? key : undefined, replyTo);
    // the server adds the sequence and the time when it delivers, and leaves out ids that take more room than that
    if (size <= maxPayload) return;
    throw new FrameTooLargeError(
      `publish('${this.channel}'): the message takes ${size} bytes with its envelope, and the server takes ${maxPayload} (max_payload); send less, or raise it there`,
      { broker: 'nats-streaming', detail: { size, maxPayload } },
    );
  }
}
