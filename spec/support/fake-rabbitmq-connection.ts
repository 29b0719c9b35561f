import type { Socket } from 'node:net';
import { keyName } from '../../lib/rabbitmq-stream/codec/keys.js';
import { decodeClientFrame, type Fields } from './rabbitmq-requests.js';
import { until } from './wait.js';

/** A frame that a client has sent. */
export interface FakeFrame {
  readonly key: number;
  readonly version: number;
  /** The four bytes behind the version, which are the correlation id of most commands. */
  readonly correlationId: number;
  /** All of it, with the size before it. */
  readonly bytes: Buffer;
  /** What it says. Throws where a broker would drop the connection for it. */
  fields(): Fields;
}

/** The server's side of one connection. */
export class FakeConnection {
  readonly socket: Socket;
  /** What was received, a piece for each read of the socket. */
  readonly reads: Buffer[] = [];
  /** The whole frames that were received. */
  readonly frames: FakeFrame[] = [];
  /** Whether the client, or the server, has ended it. */
  closed = false;
  #rest = Buffer.alloc(0);

  constructor(socket: Socket, take: (frame: FakeFrame, connection: FakeConnection) => void) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.closed = true;
    });
    socket.on('data', (chunk: Buffer) => {
      this.reads.push(Buffer.from(chunk));
      this.#rest = Buffer.concat([this.#rest, chunk]);
      while (this.#rest.length >= 4 && this.#rest.length >= 4 + this.#rest.readUInt32BE(0)) {
        const bytes = this.#rest.subarray(0, 4 + this.#rest.readUInt32BE(0));
        this.#rest = this.#rest.subarray(bytes.length);
        const frame = fakeFrame(bytes);
        this.frames.push(frame);
        take(frame, this);
      }
    });
  }

  /** All bytes that were received. */
  get received(): Buffer {
    return Buffer.concat(this.reads);
  }

  /** The frames of one key that were received. */
  framesOf(key: number): readonly FakeFrame[] {
    return this.frames.filter((frame) => frame.key === key);
  }

  /** Waits for the nth frame of a key, counted from 1. */
  frame(key: number, nth = 1): Promise<FakeFrame> {
    const came = (): string => this.frames.map((frame) => keyName(frame.key)).join(', ');
    const message = (): string => `frame ${String(nth)} of ${keyName(key)}; came: ${came()}`;
    return until(() => this.framesOf(key)[nth - 1], { every: 2, message });
  }

  /** Waits until it has ended. */
  async ended(): Promise<void> {
    await until(() => this.closed, { every: 2, message: 'the client to end the connection' });
  }

  /** Writes bytes as they are: whole frames, half ones, or none. */
  raw(bytes: Uint8Array): void {
    if (!this.socket.destroyed) this.socket.write(bytes);
  }

  /** Sends what is written and then FIN. */
  end(): void {
    this.socket.end();
  }

  /** Drops it with RST. */
  reset(): void {
    this.socket.resetAndDestroy();
  }
}

function fakeFrame(bytes: Buffer): FakeFrame {
  return {
    key: bytes.readUInt16BE(4),
    version: bytes.readUInt16BE(6),
    correlationId: bytes.length >= 12 ? bytes.readUInt32BE(8) : 0,
    bytes,
    fields: () => decodeClientFrame(bytes, 4, bytes.length).fields,
  };
}
