import type { Arrival } from './http.js';
import type { Ack, Acks } from './acks.js';
import type { Body } from '../body.js';

/** A message that has come whole over a websocket, until it is answered. @internal */
export class WebsocketArrival implements Arrival {
  private answered = false;

  constructor(
    readonly topic: Uint8Array,
    readonly body: Body,
    private readonly acks: Acks,
    private readonly ack: Ack,
  ) {}

  accept(subscribers: number): void {
    this.answer(subscribers);
  }

  refuse(): void {
    this.answer(0);
  }

  unwanted(): void {
    this.answer(0);
  }

  private answer(subscribers: number): void {
    if (this.answered) return;
    this.answered = true;
    this.acks.give(this.ack, subscribers);
  }
}
