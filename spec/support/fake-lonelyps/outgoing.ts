import { randomBytes } from 'node:crypto';
import type { FakeSending } from './connection.js';

/** How a message is delivered over a websocket, and all that can be wrong with it. */
export interface FakeDelivery extends FakeSending {
  /** Bytes of a part. Default: as many as fit into the longest message. */
  readonly partBytes?: number | undefined;
  /** Default: 4 random bytes. */
  readonly identifier?: Uint8Array | undefined;
  /** The number of the compressor that the bytes are from. Default 0: none. */
  readonly compressor?: number | undefined;
  /** The length that is told, of what is sent. */
  readonly compressedLength?: number | undefined;
  /** The length that is told, of the message when it is decompressed. */
  readonly length?: number | undefined;
  /** The hash that is told and signed. */
  readonly sha512?: Uint8Array | undefined;
  /** The number of a part, from its place. */
  readonly partOf?: ((place: number) => number) | undefined;
  /** The identifier of a part, from its place. */
  readonly identifierOf?: ((place: number) => Uint8Array) | undefined;
}

interface Part {
  readonly identifier: Uint8Array;
  /** Undefined for the last one. */
  readonly part: number | undefined;
  send(): void;
  done(): void;
}

/** Sends parts while not too many are without an answer, and takes the answers in their order. */
export class Outgoing {
  readonly #waiting: Part[] = [];
  readonly #unanswered: Part[] = [];

  constructor(private readonly window: number) {}

  add(
    bytes: Uint8Array,
    size: number,
    { identifier = randomBytes(4), partOf = (place) => place, identifierOf = () => identifier }: FakeDelivery,
    send: (part: number, identifier: Uint8Array, piece: Uint8Array) => void,
  ): Promise<void> {
    const count = Math.max(1, Math.ceil(bytes.length / size));
    const last = new Promise<void>((resolve) => {
      for (let place = 0; place < count; place++) {
        const [part, id] = [partOf(place), identifierOf(place)];
        const isLast = place === count - 1;
        this.#waiting.push({
          identifier: id,
          part: isLast ? undefined : part,
          send: () => send(part, id, bytes.subarray(place * size, (place + 1) * size)),
          done: isLast ? resolve : () => undefined,
        });
      }
    });
    this.#flush();
    return last;
  }

  /** @throws Error where another answer was due */
  acknowledge(identifier: Uint8Array, part: number | undefined): void {
    const due = this.#unanswered.shift();
    const said = part === undefined ? 'a confirmation' : `an acknowledgement of part ${part}`;
    if (!due) throw new Error(`${said} of nothing`);
    if (due.part !== part || Buffer.compare(due.identifier, identifier) !== 0) throw new Error(`${said} out of order`);
    due.done();
    this.#flush();
  }

  /** The connection is gone. */
  end(): void {
    for (const { done } of [...this.#unanswered.splice(0), ...this.#waiting.splice(0)]) done();
  }

  #flush(): void {
    while (this.#unanswered.length < this.window) {
      const next = this.#waiting.shift();
      if (!next) return;
      this.#unanswered.push(next);
      next.send();
    }
  }
}
