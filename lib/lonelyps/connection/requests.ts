import { Deque } from '../../core/deque.js';
import { ProtocolError, type WeirError } from '../../core/errors.js';
import type { Authority } from './authority.js';
import type { Answer, Awaited } from './awaited.js';
import type { Socket } from './socket.js';

/** A broadcaster drops a connection with 255 messages that it has not looked at. */
const mostUnanswered = 64;

/** ms that a broadcaster gives one slow subscriber, by default, before it goes on and answers us. */
const slowness = 30_000;

/** What was sent and is not answered, in order. @internal */
export class Requests {
  private readonly awaited = new Deque<Awaited>();
  private roomy = true;

  /** @param owed - told when the broadcaster begins to owe an answer */
  constructor(
    private readonly socket: Pick<Socket, 'send'>,
    private readonly owed: () => void,
  ) {}

  /** Whether another one may be sent. */
  get free(): boolean {
    return this.roomy && this.awaited.length < mostUnanswered;
  }

  get unanswered(): number {
    return this.awaited.length;
  }

  /** ms that the next answer may take beyond the ordinary; undefined where none is due. */
  get patience(): number | undefined {
    const first = this.awaited.peek();
    return first && (first.slow ? slowness : 0);
  }

  send(bytes: Uint8Array, awaited: Awaited): void {
    this.awaited.push(awaited);
    if (this.awaited.length === 1) this.owed();
    this.sendUnanswered(bytes);
  }

  /** What gets no answer goes also where there is no room: there is little of it, and others wait for it. */
  sendUnanswered(bytes: Uint8Array): void {
    if (!this.socket.send(bytes)) this.roomy = false;
  }

  drained(): void {
    this.roomy = true;
  }

  /** @throws ProtocolError where it answers nothing, or something else */
  answered(answer: Answer, authority: Authority): void {
    const first = this.awaited.shift();
    if (!first) throw wrong(`sent ${answer.kind}, and nothing was asked`);
    let right = false;
    try {
      right = first.answered(answer, authority);
    } finally {
      // it is still to be told that it is lost
      if (!right) this.awaited.unshift(first);
    }
    if (!right) throw wrong(`sent ${answer.kind} where it was asked to ${first.asked}`);
  }

  /** The connection is gone. */
  lost(error: WeirError): void {
    for (let first = this.awaited.shift(); first; first = this.awaited.shift()) first.lost(error);
  }
}

function wrong(what: string): ProtocolError {
  return new ProtocolError(`The broadcaster ${what}.`, { broker: 'lonelyps' });
}
