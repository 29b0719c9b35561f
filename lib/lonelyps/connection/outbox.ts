import { Deque } from '../../core/deque.js';
import { FrameTooLargeError, PublishError, WeirError } from '../../core/errors.js';
import { encodeText } from '../../core/wire/text.js';
import { MemoryBody, type Body } from '../body.js';
import type { StreamHead } from '../codec/from-broadcaster.js';
import { notifyMessage, notifyOverhead, notifyPartMessage } from '../codec/to-broadcaster.js';
import type { Hashing } from '../platform.js';
import type { Authority } from './authority.js';
import type { Compressors } from './compressors.js';
import { AwaitedConfirmation, AwaitedContinuation, type Notification } from './notification.js';
import { inParts } from './in-parts.js';
import type { Requests } from './requests.js';

const broker = 'lonelyps';

/** Parts of one message that may be unanswered, so that one is on its way while the other is looked at. */
const mostParts = 2;

/** A message that is sent in parts has parts of so many bytes: of each there are copies in memory until it has left. */
const partBytes = 1024 * 1024;

/** The parts of a longer one are longer: under HMAC they are numbered up to 255. */
const mostNumbers = 256;

/** A number that is written in two bytes more than another one makes the next head that much longer. */
const slack = 16;

/** @internal */
export interface OutboxParts {
  readonly requests: Requests;
  readonly authority: Authority;
  readonly compressors: Compressors;
  readonly hashing: () => Hashing;
  readonly maxFrameBytes: number;
  /** One message is through to its last part: something else can be sent. */
  freed(): void;
  /** A message broke off in the middle; the broadcaster waits for its rest, and has to be left. */
  broken(error: WeirError): void;
}

/** Sends messages one after the other: whole where they fit into a websocket message, else in parts. @internal */
export class Outbox {
  private readonly queue = new Deque<Notification>();
  /** One that is read from a file, or sent in parts. */
  private current: Notification | undefined;
  private wake: (() => void) | undefined;
  private over = false;

  constructor(private readonly parts: OutboxParts) {}

  /** Whether nothing waits here. */
  get empty(): boolean {
    return this.queue.length === 0 && !this.current;
  }

  push(notification: Notification): void {
    this.queue.push(notification);
  }

  /** Sends what can be sent. */
  pump(): void {
    const wake = this.wake;
    this.wake = undefined;
    wake?.();
    while (!this.over && !this.current && this.parts.requests.free) {
      const next = this.queue.shift();
      if (!next) return;
      try {
        this.begin(next);
      } catch (error) {
        // it is still to be told that it is lost
        this.queue.unshift(next);
        throw error;
      }
    }
  }

  /** The connection is gone. */
  lost(error: WeirError): void {
    this.over = true;
    this.wake?.();
    this.current?.lost(error);
    for (let next = this.queue.shift(); next; next = this.queue.shift()) next.lost(error);
  }

  private begin(notification: Notification): void {
    const { body } = notification;
    const sending =
      body.length > this.parts.maxFrameBytes
        ? this.stream(notification, headOf(notification), body)
        : body.bytes
          ? this.sendBytes(notification, body.bytes)
          : this.load(notification);
    if (sending) this.hold(notification, sending);
  }

  /** Nothing else is sent until it is through. */
  private hold(notification: Notification, sending: Promise<void>): void {
    this.current = notification;
    const done = (): void => {
      this.current = undefined;
      if (!this.over) this.parts.freed();
    };
    sending.then(done, (cause: unknown) => {
      const error = unreadable(notification, cause);
      notification.refused(error);
      if (notification.written && !this.over) this.parts.broken(error);
      done();
    });
  }

  private async load(notification: Notification): Promise<void> {
    const bytes = await notification.body.load();
    await this.turn(notification);
    if (!this.over) await this.sendBytes(notification, bytes);
  }

  private sendBytes(notification: Notification, bytes: Uint8Array): Promise<void> | undefined {
    const { compressors, hashing, authority, requests, maxFrameBytes } = this.parts;
    const { topic, identifier, body } = notification;
    const compressed = compressors.takes(bytes.length) ? compressors.compress(bytes) : undefined;
    const sent = compressed ? new MemoryBody(compressed.bytes, hashing().sha512(compressed.bytes)) : body;
    const head = headOf(notification, sent, compressed?.compressor);
    const authorization = authority.notify(topic, identifier, sent.sha512);
    const payload = compressed?.bytes ?? bytes;
    if (overhead(authorization, topic) + payload.length <= maxFrameBytes) {
      const message = notifyMessage(authorization, identifier, head, payload);
      notification.written = true;
      requests.send(message, new AwaitedConfirmation(notification, body.sha512));
      return undefined;
    }
    return this.stream(notification, head, sent);
  }

  private async stream(notification: Notification, head: StreamHead, body: Body): Promise<void> {
    const { authority, requests, maxFrameBytes } = this.parts;
    const { topic, identifier } = notification;
    let part = 0;
    const room = maxFrameBytes - overhead(authority.notify(topic, identifier, head.sha512), topic);
    if (room < 1) throw tooSmall(notification, maxFrameBytes);
    const size = Math.min(room, Math.max(partBytes, Math.ceil(body.length / mostNumbers)));
    for await (const { bytes, last } of inParts(body, size)) {
      await this.turn(notification);
      if (this.over) return;
      const authorization = authority.notify(topic, identifier, head.sha512);
      const message = notifyPartMessage(authorization, identifier, part, part === 0 ? head : undefined, bytes);
      notification.written = true;
      notification.unconfirmed++;
      requests.send(
        message,
        last ? new AwaitedConfirmation(notification, head.sha512) : new AwaitedContinuation(notification, part),
      );
      part++;
    }
  }

  /** Until another part of it may be sent, or the connection is gone. */
  private async turn(notification: Notification): Promise<void> {
    while (!this.over && (notification.unconfirmed >= mostParts || !this.parts.requests.free)) {
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
  }
}

function headOf({ topic, body }: Notification, sent: Body = body, compressor = 0): StreamHead {
  return { topic, compressor, compressedLength: sent.length, length: body.length, sha512: sent.sha512 };
}

function overhead(authorization: string, topic: Uint8Array): number {
  return notifyOverhead(encodeText(authorization).length, topic.length) + slack;
}

function unreadable(notification: Notification, cause: unknown): WeirError {
  if (cause instanceof WeirError) return cause;
  return new PublishError(
    `The notification ${notification.id} was given up: the bytes of its message could not be read.`,
    { broker, cause },
  );
}

function tooSmall({ topic }: Notification, maxFrameBytes: number): FrameTooLargeError {
  return new FrameTooLargeError(
    `A topic of ${topic.length} bytes leaves no room for a message: maxFrameBytes is ${maxFrameBytes}.`,
    { broker, detail: { limit: maxFrameBytes } },
  );
}
