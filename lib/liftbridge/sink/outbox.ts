import { ClosedError, FrameTooLargeError, type WeirError } from '../../core/errors.js';
import type { Entry, Publisher, PublishPort } from '../../core/publisher.js';
import { correlationDigits } from '../codec/correlation.js';
import { asyncErrorCodes } from '../codec/enums.js';
import { grpcHead } from '../codec/grpc-frame.js';
import { PublishResponseScan } from '../codec/publish-response.js';
import { Answers } from './answers.js';
import { Frames } from './frames.js';
import { giveBackSent, giveBackUnsent, refuseAll } from './give-back.js';
import type { SinkHost } from './host.js';
import { UnackedLane, type Lane } from './lane.js';
import { Line, type LineOwner } from './line.js';
import { resolveSinkSettings, type LiftbridgeSinkOptions } from './options.js';
import type { PublishCall } from './publish-call.js';
import { randomPrefix } from './random-prefix.js';
import { ackRefusal, asyncRefusal } from './refusals.js';
import { StreamPort } from './stream-port.js';
import { Unanswered } from './unanswered.js';

const broker = 'liftbridge';
/** What a server receives at most, in bytes. A larger request would end the call for all. */
const maxRequest = 4 * 1024 * 1024;
/** What is gathered is written when it has that many bytes, also within a turn. */
const flushBytes = 65_536;

/** What goes with a message, on the wire's terms. @internal */
export interface MessageParts {
  /** The user's own correlation id. */
  readonly id: string | undefined;
  readonly key: Uint8Array | undefined;
  /** Encoded. */
  readonly headers: Uint8Array | undefined;
  readonly expectedOffset: number | bigint | undefined;
}

const noParts: MessageParts = { id: undefined, key: undefined, headers: undefined, expectedOffset: undefined };

/**
 * All that a handle publishes with: one call carries the messages of all its channels, in their order. What one turn of the
 * event loop brings is written together.
 * @internal
 */
export class Outbox implements LineOwner {
  /** What generated correlation ids begin with. */
  private readonly prefix = randomPrefix();
  private readonly ports = new Map<Publisher, StreamPort>();
  /** Those whose stream was not known, the last time that something was heard. */
  private readonly doubtful = new Set<StreamPort>();
  private readonly unackedLanes = new Map<string, UnackedLane>();
  private lanes = 0;

  private readonly line: Line;
  private readonly frames = new Frames();
  /** Laid into frames or sent, and not answered. */
  private readonly unanswered: Unanswered;
  private readonly answers = new Answers();
  /** Laid into frames and not sent, and never answered. */
  private unacked: Entry[] = [];
  private unackedSent = false;
  private turnEnd: NodeJS.Immediate | undefined;
  /** When this turn began. */
  private turnAt = 0;
  /** While messages are given back, in whose order none may be written. */
  private givingBack = false;
  private hadChannel = false;
  /** When there was a main channel again, in ms; -Infinity: there was no other before. */
  reconnectedAt = -Infinity;
  private closed: Promise<void> | undefined;

  constructor(private readonly host: SinkHost) {
    this.line = new Line(host, new PublishResponseScan(this.prefix), this);
    const timeoutOf = ({ publisher }: Entry): number => this.ports.get(publisher)?.ackTimeout ?? Infinity;
    this.unanswered = new Unanswered(this.prefix, host.clock, timeoutOf);
  }

  /** A way to a stream. Nothing is done until the first message. */
  port(channel: string, options: LiftbridgeSinkOptions): PublishPort {
    return new StreamPort(channel, resolveSinkSettings(options, this.host.resolved.ackTimeout), this, this.host);
  }

  /** There is a main channel, for the first time or again. */
  located(): void {
    if (this.hadChannel) this.reconnectedAt = this.host.clock.now();
    this.hadChannel = true;
    this.line.located();
  }

  /**
   * The handle ends: what was sent and not answered is uncertain, what was not sent fails. Resolves when the server has read
   * what it does not answer, after `ms` at the latest.
   */
  close(ms = 0): Promise<void> {
    this.closed ??= this.shut(ms);
    return this.closed;
  }

  /** Whether `send` would send. */
  get writable(): boolean {
    return this.line.writable && !this.givingBack;
  }

  attached(publisher: Publisher, port: StreamPort): void {
    this.ports.set(publisher, port);
  }

  detached(publisher: Publisher, port: StreamPort): void {
    this.ports.delete(publisher);
    this.doubtful.delete(port);
  }

  /** Whether messages of it were sent and not answered. */
  awaits(publisher: Publisher): boolean {
    return this.unanswered.some((entry) => entry.publisher === publisher);
  }

  /** What the generated ids of messages with acks begin with. */
  get ackedPrefix(): string {
    return this.prefix;
  }

  unackedLane(stream: string, partition: number): UnackedLane {
    const lane = new UnackedLane(stream, partition, `${this.prefix}${(this.lanes++).toString(36)}-`);
    this.unackedLanes.set(lane.correlationPrefix, lane);
    return lane;
  }

  dropLane(lane: Lane): void {
    if (lane instanceof UnackedLane) this.unackedLanes.delete(lane.correlationPrefix);
  }

  /**
   * Lays a message into a frame, while `writable`.
   * @param ackTimeout - ms
   * @throws FrameTooLargeError, InvalidOptionError: nothing was sent
   */
  send(entry: Entry, lane: Lane, ackTimeout: number, parts = noParts): void {
    const { unanswered } = this;
    const { id } = parts;
    if (id !== undefined) unanswered.checkId(id, lane.stream);
    this.lay(entry, lane, id ?? unanswered.next, parts);
    unanswered.add(entry, id, this.turnAt, ackTimeout);
    if (this.frames.size >= flushBytes) this.flush();
  }

  /** The same for one that is never answered, and done when it has been written. @throws as `send` */
  sendUnacked(entry: Entry, lane: UnackedLane, parts = noParts): void {
    this.lay(entry, lane, parts.id ?? lane.next, parts);
    entry.id = parts.id ?? lane.count();
    this.unacked.push(entry);
    if (this.frames.size >= flushBytes) this.flush();
  }

  answered(scan: PublishResponseScan): void {
    // without any of the two it says nothing, and the message goes on waiting
    if (!scan.hasError && !scan.hasAck) return;
    const entry = this.unanswered.answered(scan.correlationId);
    if (entry === undefined) {
      if (scan.hasError) this.refusedLate(scan);
    } else if (scan.hasError) {
      this.refused(entry, scan.errorCode, scan.errorMessage);
    } else if (scan.ackError !== 0) {
      this.answers.add(entry, ackRefusal(`'${entry.publisher.settings.channel}'`, scan.ackError));
    } else {
      if (this.doubtful.size > 0) this.known(entry);
      this.answers.add(entry, scan.offset);
    }
  }

  flushed(): void {
    // a server sends a frame of HTTP/2 for each response, and Node hands over each on its own: they are many in a turn
    if (this.turnEnd === undefined) this.beginTurn();
  }

  /** Their time to be written has come: at the end of the turn, or when they are enough. */
  flush(): void {
    const { line, frames } = this;
    // what cannot be written any more is given back when the end of the call is told
    if (frames.size === 0 || line.current === undefined) return;
    line.write(frames.take(), this.unanswered.next);
    const { unacked } = this;
    if (unacked.length === 0) return;
    this.unacked = [];
    this.unackedSent = true;
    for (const entry of unacked) entry.publisher.confirmed(entry, undefined, undefined, false);
  }

  room(): void {
    for (const publisher of [...this.ports.keys()]) publisher.pump();
  }

  lost(call: PublishCall, current: boolean, error: WeirError): void {
    const { unanswered } = this;
    this.answers.tell();
    const sent = unanswered.takeAll(call.first, call.sentTo);
    const unsent: Entry[] = [];
    if (current) {
      unsent.push(...unanswered.takeAll(call.sentTo, unanswered.next), ...this.unacked);
      this.unacked = [];
      this.frames.take();
    }
    const { unseen } = call;
    const denied = !call.answered && (isDenial(error) || (unseen && !error.retriable));
    this.givingBack = true;
    try {
      // what was sent goes before it, where it is sent again
      giveBackUnsent(unsent);
      if (denied) this.deny(sent, error);
      else if (unseen) giveBackUnsent(sent);
      else giveBackSent(sent, `the call ended before its ack came (${error.message})`, error);
    } finally {
      this.givingBack = false;
    }
    this.room();
  }

  private lay(entry: Entry, { encoder, stream }: Lane, id: number | string, parts: MessageParts): void {
    const { frames } = this;
    const { key, headers, expectedOffset } = parts;
    const size = encoder.sizeOf(entry.bytes, id, key, headers, expectedOffset);
    if (size > maxRequest + grpcHead) throw tooLarge(stream, size - grpcHead);
    if (this.turnEnd === undefined) this.beginTurn();
    this.line.open(this.unanswered.next);
    const at = frames.reserve(size);
    encoder.write(frames.bytes, at, entry.bytes, id, key, headers, expectedOffset);
  }

  /**
   * What goes on until the end of the event loop's phase is written together, and not only until that of the microtasks: so
   * is what a chain of promises writes.
   */
  private beginTurn(): void {
    this.turnEnd = setImmediate(this.endTurn);
    this.turnAt = this.host.clock.now();
  }

  private readonly endTurn = (): void => {
    this.turnAt = this.host.clock.now();
    try {
      this.answers.tell();
    } finally {
      this.turnEnd = undefined;
      // with what has taken the room that came free
      this.flush();
    }
  };

  private refused(entry: Entry, code: number, said: string): void {
    const { publisher } = entry;
    if (code === asyncErrorCodes.notFound) {
      const port = this.ports.get(publisher);
      if (port !== undefined) {
        this.doubtful.add(port);
        if (port.unknown(entry)) return;
      }
    }
    this.answers.add(entry, asyncRefusal(publisher.settings.channel, code, said));
  }

  /** A message was stored. */
  private known({ publisher }: Entry): void {
    const port = this.ports.get(publisher);
    if (port !== undefined && this.doubtful.delete(port)) port.known();
  }

  /**
   * A refusal that nobody waits for. That of a message without acks is told as an event; a second answer, and one after its
   * time, are not.
   */
  private refusedLate({ correlationId, errorCode, errorMessage }: PublishResponseScan): void {
    if (typeof correlationId === 'number') return;
    const channel = this.unackedLanes.get(correlationId.slice(0, -correlationDigits))?.stream;
    if (channel === undefined) return;
    this.host.story.tell({ type: 'protocol', channel, error: asyncRefusal(channel, errorCode, errorMessage) });
  }

  /** Nobody may publish here: what was sent was not looked at, and what waits fails the same way. */
  private deny(sent: readonly Entry[], error: WeirError): void {
    refuseAll(sent, error);
    for (const publisher of [...this.ports.keys()]) publisher.failQueued(error);
  }

  private async shut(ms: number): Promise<void> {
    const { unanswered } = this;
    this.answers.tell();
    this.flush();
    clearImmediate(this.turnEnd);
    unanswered.close();
    // what could not be written is that of a call whose end is yet to be told
    const end = this.line.firstUnsent ?? unanswered.next;
    const sent = unanswered.takeAll(0, end);
    const unsent = [...unanswered.takeAll(end, unanswered.next), ...this.unacked];
    this.unacked = [];
    for (const port of [...this.ports.values()]) unsent.push(...port.abandon());
    const over = this.line.close(this.unackedSent ? ms : 0);
    const error = new ClosedError('the handle was closed before the message was sent; make another one', { broker });
    refuseAll(unsent, error);
    for (const entry of sent) {
      entry.publisher.refused(entry, entry.publisher.uncertain(entry, 'the handle was closed', undefined));
    }
    await over;
  }
}

function tooLarge(stream: string, size: number): FrameTooLargeError {
  return new FrameTooLargeError(
    `cannot publish to '${stream}': the message takes ${String(size)} bytes with what goes with it, and a Liftbridge server receives ${String(maxRequest)}; send less`,
    { broker, detail: { size, max: maxRequest } },
  );
}

/** Whether the server lets nobody publish, so that nothing of what was sent is stored. */
function isDenial({ code }: WeirError): boolean {
  return code === 'AUTHENTICATION' || code === 'AUTHORIZATION' || code === 'UNSUPPORTED';
}
