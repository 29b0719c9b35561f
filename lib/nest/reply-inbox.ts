import type { Observable, Subscription } from 'rxjs';
import type { Broker } from '../core/broker.js';
import type { Decoder } from '../core/codec.js';
import type { Delivery } from '../core/delivery.js';
import { BrokerTimeoutError, ClosedError } from '../core/errors.js';
import { newOnly } from '../core/starts.js';
import { decodePayload, encodeReply, hasHeaders, readReply, type ReplyPacket } from './packets.js';

/** Milliseconds between two messages of an inbox to itself, and for how long it sends them. */
const every = 250;
const patience = 10_000;

/**
 * Where the answers to one client come. A subscription that the broker has not made yet misses what is published before,
 * and no protocol here tells when it is made: so the inbox writes to itself until it hears that.
 * @internal
 */
export class ReplyInbox {
  /** Resolves when answers would arrive. */
  readonly ready: Promise<void>;
  private readonly withHeaders: boolean;
  private readonly subscription: Subscription | undefined;
  private isOver = false;
  private timer: NodeJS.Timeout | undefined;
  private deadline: NodeJS.Timeout | undefined;
  private settle: { resolve: () => void; reject: (error: unknown) => void } | undefined;

  /**
   * @param token - what the ids of this client begin with, so that clients can share a channel
   * @param receive - gets what is for this client
   * @param lost - the subscription has ended; called once at most, and not after `close`
   */
  constructor(
    private readonly broker: Broker,
    readonly channel: string,
    private readonly token: string,
    private readonly codec: Decoder<unknown>,
    private readonly receive: (packet: ReplyPacket) => void,
    private readonly lost: (error: unknown) => void,
  ) {
    this.withHeaders = hasHeaders(broker);
    this.ready = new Promise((resolve, reject) => {
      this.settle = { resolve, reject };
    });
    // who waits for it hears of it, and when nobody does, nobody misses it
    this.ready.catch(() => undefined);
    const messages: Observable<Delivery> = broker.messages(channel, { start: newOnly() });
    this.subscription = messages.subscribe({
      next: (delivery) => {
        delivery.ack();
        this.read(delivery);
      },
      error: (error: unknown) => {
        this.end(error);
      },
      complete: () => {
        this.end(new ClosedError(`the subscription to the replies on '${channel}' has ended`));
      },
    });
    if (this.isOver) return;
    this.deadline = setTimeout(() => {
      this.end(new BrokerTimeoutError(`no message came through the reply channel '${channel}' in ${patience} ms`));
    }, patience);
    this.knock();
  }

  /** Unsubscribes. */
  close(): void {
    this.stop();
    this.settle?.reject(new ClosedError('the client is closed'));
    this.settle = undefined;
  }

  private knock(): void {
    const { bytes, fields } = encodeReply({ id: this.token, response: null }, nothing, this.withHeaders);
    const isFirst = this.timer === undefined;
    this.broker.publish(this.channel, bytes, fields).catch((error: unknown) => {
      this.end(error);
    });
    if (isFirst) this.timer = setInterval(() => this.knock(), every);
  }

  private read(delivery: Delivery): void {
    const packet = readReply(delivery, this.withHeaders);
    if (packet?.id.startsWith(this.token) !== true) return;
    if (packet.id === this.token) {
      clearInterval(this.timer);
      clearTimeout(this.deadline);
      this.settle?.resolve();
      this.settle = undefined;
      return;
    }
    if (packet.response === undefined) {
      this.receive(packet);
      return;
    }
    try {
      const response = decodePayload(packet.response, this.codec, { channel: this.channel, headers: delivery.headers });
      this.receive({ ...packet, response });
    } catch (err) {
      this.receive({ id: packet.id, err, isDisposed: true });
    }
  }

  private end(error: unknown): void {
    if (this.isOver) return;
    this.stop();
    this.settle?.reject(error);
    this.settle = undefined;
    this.lost(error);
  }

  private stop(): void {
    this.isOver = true;
    clearInterval(this.timer);
    clearTimeout(this.deadline);
    this.subscription?.unsubscribe();
  }
}

const nothing = { contentType: 'application/json', encode: () => new TextEncoder().encode('null') };
