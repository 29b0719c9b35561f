import { Deque } from '../../core/deque.js';

/** What the broadcaster waits for: that a part was stored, or that a message was taken. @internal */
export interface Ack {
  readonly identifier: Uint8Array;
  /** The number of the part; undefined for the message as a whole, which its last part stands for. */
  readonly part: number | undefined;
  /** Of a message: for how many subscribers. */
  subscribers: number;
  /** Whether it can go. */
  ready: boolean;
}

/** Acks go in the order in which their messages came, whichever is ready first: the broadcaster drops the connection otherwise. @internal */
export class Acks {
  private readonly queue = new Deque<Ack>();

  constructor(private readonly send: (ack: Ack) => void) {}

  /** How many the broadcaster waits for. */
  get owed(): number {
    return this.queue.length;
  }

  /** Keeps a place for one. */
  expect(identifier: Uint8Array, part: number | undefined): Ack {
    const ack = { identifier, part, subscribers: 0, ready: false };
    this.queue.push(ack);
    return ack;
  }

  /** It can go, and with it those behind it that waited for it alone. */
  give(ack: Ack, subscribers = 0): void {
    ack.subscribers = subscribers;
    ack.ready = true;
    while (this.queue.peek()?.ready) this.send(this.queue.shift()!);
  }

  /** The connection is gone. */
  clear(): void {
    this.queue.clear();
  }
}
