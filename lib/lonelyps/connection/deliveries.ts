import { Deque } from '../../core/deque.js';
import { ProtocolError } from '../../core/errors.js';
import type { Logger } from '../../core/logger.js';
import { MemoryBody, type Body, type BodyWriter } from '../body.js';
import type { ReceivePart, StreamHead } from '../codec/from-broadcaster.js';
import type { Platform } from '../platform.js';
import type { Ack, Acks } from './acks.js';
import type { Compressors, Decompress } from './compressors.js';
import { sameBytes } from './same-bytes.js';
import { WebsocketArrival } from './websocket-arrival.js';

const broker = 'lonelyps';

/** The broadcaster holds back after three, by default; one that never does is dropped before it fills the memory. */
const mostOwed = 255;

/** @internal */
export interface DeliveriesParts {
  readonly platform: Platform;
  readonly options: { readonly spoolSize: number; readonly maxMessageBytes: number };
  readonly compressors: Compressors;
  readonly acks: Acks;
  /** Counts the part. @throws ProtocolError where it is not signed as it should be */
  verify(part: ReceivePart, head: StreamHead): void;
  arrived(arrival: WebsocketArrival): void;
  /** The message came and cannot be kept: the disk is full, or failed. */
  missed(topic: Uint8Array): void;
  /** Something that came later than its frame was wrong: the connection ends. */
  failed(error: ProtocolError): void;
  readonly log: Logger;
}

/** A message of which some parts have come. */
class Incoming {
  received = 0;
  parts = 0;
  writer: BodyWriter | undefined;
  /** It cannot be kept; the rest is let go by. */
  unkept = false;

  constructor(
    readonly identifier: Uint8Array,
    readonly head: StreamHead,
    /** As its compressor was when it began; undefined where it is not compressed. */
    readonly decompress: Decompress | undefined,
  ) {}
}

interface ToStore {
  readonly incoming: Incoming;
  readonly payload: Uint8Array;
  readonly ack: Ack;
  readonly last: boolean;
}

/**
 * Puts messages together from their parts. What a part says is checked in the turn in which it comes; its bytes are stored one
 * part after the other, which is when it is acknowledged.
 * @internal
 */
export class Deliveries {
  private current: Incoming | undefined;
  private readonly waiting = new Deque<ToStore>();
  private storing: Incoming | undefined;
  private refusing = false;
  private over = false;

  constructor(private readonly parts: DeliveriesParts) {}

  /** @throws ProtocolError */
  take(part: ReceivePart): void {
    const incoming = this.current ?? this.begin(part);
    if (!sameBytes(part.identifier, incoming.identifier) || part.part !== incoming.parts) {
      throw wrong(`sent a part ${part.part} where part ${incoming.parts} of a message was due`);
    }
    this.parts.verify(part, incoming.head);
    const total = incoming.head.compressedLength;
    incoming.parts++;
    incoming.received += part.bytes.length;
    if (incoming.received > total)
      throw wrong(`sent ${incoming.received} bytes of a message that it said has ${total}`);
    if (this.parts.acks.owed >= mostOwed)
      throw wrong(`sent more than ${mostOwed} parts ahead of their acknowledgement`);
    const last = incoming.received === total;
    this.current = last ? undefined : incoming;
    const ack = this.parts.acks.expect(incoming.identifier, last ? undefined : part.part);
    this.waiting.push({ incoming, payload: part.bytes, ack, last });
    this.store();
  }

  /** What comes from here on is confirmed, for nobody, and dropped: the broadcaster must not wait for us while we leave. */
  refuse(): void {
    this.refusing = true;
  }

  /** The connection is gone. */
  clear(): void {
    this.over = true;
    this.current?.writer?.discard();
    this.storing?.writer?.discard();
    for (const { incoming } of this.waiting) incoming.writer?.discard();
    this.waiting.clear();
    this.current = undefined;
  }

  private begin({ head, part, identifier, bytes }: ReceivePart): Incoming {
    if (!head || part !== 0) throw wrong(`sent part ${part} of a message without its part 0`);
    const { compressor, compressedLength } = head;
    const length = Math.max(compressedLength, head.length);
    if (length > this.parts.options.maxMessageBytes) {
      throw wrong(
        `announced a message of ${length} bytes; maxMessageBytes allows ${this.parts.options.maxMessageBytes}`,
      );
    }
    if (compressor === 0 && compressedLength !== head.length) {
      throw wrong(`announced a message of both ${compressedLength} and ${head.length} bytes, uncompressed`);
    }
    // what is kept must not keep the whole frame with it, unless that is the message
    const isMessage = compressor === 0 && bytes.length === compressedLength && length <= this.parts.options.spoolSize;
    if (isMessage) return new Incoming(identifier, head, undefined);
    const decompress = compressor === 0 ? undefined : this.parts.compressors.decompressor(compressor);
    const own = { ...head, topic: new Uint8Array(head.topic), sha512: new Uint8Array(head.sha512) };
    return new Incoming(new Uint8Array(identifier), own, decompress);
  }

  private store(): void {
    while (!this.storing && !this.over) {
      const next = this.waiting.shift();
      if (!next) return;
      let later: Promise<void> | undefined;
      try {
        later = this.storeOne(next);
      } catch (error) {
        // thrown on, the failure would blame the part that has just come
        this.parts.failed(error as ProtocolError);
        return;
      }
      if (!later) continue;
      this.storing = next.incoming;
      later.then(
        () => {
          this.storing = undefined;
          this.store();
        },
        (error: unknown) => {
          this.storing = undefined;
          if (!this.over) this.parts.failed(error as ProtocolError);
        },
      );
    }
  }

  private storeOne(next: ToStore): Promise<void> | undefined {
    const { incoming, payload, ack, last } = next;
    const { acks, options } = this.parts;
    if (this.refusing) {
      incoming.unkept = true;
      incoming.writer?.discard();
    }
    if (incoming.unkept) {
      acks.give(ack);
      return undefined;
    }
    if (last && !incoming.writer && payload.length <= options.spoolSize) return this.whole(incoming, payload, ack);
    return this.spool(next);
  }

  /** A message in one part that stays in memory: nothing to wait for. */
  private whole(incoming: Incoming, payload: Uint8Array, ack: Ack): Promise<void> | undefined {
    const sha512 = this.parts.platform.hashing.sha512(payload);
    this.checkHash(sha512, incoming);
    if (incoming.decompress) return this.decompressed(incoming, incoming.decompress, payload, ack);
    this.handOver(incoming.head.topic, new MemoryBody(payload, sha512), ack);
    return undefined;
  }

  private async spool({ incoming, payload, ack, last }: ToStore): Promise<void> {
    const { platform, options, acks } = this.parts;
    let body: Body | undefined;
    try {
      incoming.writer ??= platform.startBody(options.spoolSize);
      await incoming.writer.write(payload);
      if (!last) {
        acks.give(ack);
        return;
      }
      body = await incoming.writer.end();
      this.checkHash(body.sha512, incoming);
      if (!incoming.decompress) {
        this.handOver(incoming.head.topic, body, ack);
        return;
      }
      const frame = await body.load();
      body.discard();
      await this.decompressed(incoming, incoming.decompress, frame, ack);
    } catch (error) {
      body?.discard();
      incoming.writer?.discard();
      if (error instanceof ProtocolError || this.over) throw error;
      this.unkept(incoming, ack, error);
    }
  }

  /** Its bytes are not in the frames that it came in, so that these can go. */
  private decompressed(
    incoming: Incoming,
    decompress: Decompress,
    frame: Uint8Array,
    ack: Ack,
  ): Promise<void> | undefined {
    const { platform, options } = this.parts;
    const { topic, length } = incoming.head;
    const bytes = decompress(frame, length);
    if (bytes.length <= options.spoolSize) {
      this.handOver(topic, new MemoryBody(bytes, platform.hashing.sha512(bytes)), ack);
      return undefined;
    }
    const writer = platform.startBody(options.spoolSize);
    return Promise.resolve(writer.write(bytes))
      .then(() => writer.end())
      .then((body) => this.handOver(topic, body, ack))
      .catch((error: unknown) => {
        writer.discard();
        if (!this.over) this.unkept(incoming, ack, error);
      });
  }

  private handOver(topic: Uint8Array, body: Body, ack: Ack): void {
    if (this.over || this.refusing) {
      body.discard();
      this.parts.acks.give(ack);
      return;
    }
    this.parts.arrived(new WebsocketArrival(topic, body, this.parts.acks, ack));
  }

  private unkept(incoming: Incoming, ack: Ack, error: unknown): void {
    incoming.unkept = true;
    this.parts.log.error(
      `lonelyps: a message of ${incoming.head.length} bytes could not be kept, and is lost here`,
      error,
    );
    this.parts.acks.give(ack);
    this.parts.missed(incoming.head.topic);
  }

  private checkHash(sha512: Uint8Array, { head }: Incoming): void {
    if (!sameBytes(sha512, head.sha512)) {
      throw wrong(`sent ${head.compressedLength} bytes that do not have the SHA-512 that it announced`);
    }
  }
}

function wrong(what: string): ProtocolError {
  return new ProtocolError(`The broadcaster ${what}.`, { broker });
}
