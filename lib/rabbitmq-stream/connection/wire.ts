import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Cancel, Clock } from '../../core/clock.js';
import { badMaterial } from '../../core/socket-failures.js';
import { nodeTlsOptions, type TlsOptions } from '../../core/tls.js';
import type { SocketPhase } from './socket-failures.js';

/** Bytes that one read of a plain socket brings at most. */
const readSize = 256 * 1024;

/** @internal */
export interface WireOptions {
  readonly host: string;
  readonly port: number;
  readonly tls?: TlsOptions | undefined;
  readonly clock: Clock;
}

/** What a socket tells. None of them may throw. @internal */
export interface WireEvents {
  /** Bytes can be written: the socket is connected, and TLS is set up where it was asked for. */
  ready(): void;
  /** The first `length` of the bytes, which are valid during the call only. */
  read(bytes: Uint8Array, length: number): void;
  drained(): void;
  /** It ended by itself, with an error of Node's or without: once, and not after `destroy` or `finish`. */
  lost(error: unknown, phase: SocketPhase): void;
}

/**
 * A socket, plain or TLS, without any knowledge of what is said over it.
 * @internal
 */
export class Wire {
  readonly #events: WireEvents;
  readonly #options: WireOptions;
  readonly #socket: Socket;
  readonly #gone: Promise<void>;
  #phase: SocketPhase = 'connecting';
  #over = false;
  #hardStop: Cancel | undefined;

  /** @throws InvalidOptionError where certificates or keys cannot be read */
  constructor(options: WireOptions, events: WireEvents) {
    this.#options = options;
    this.#events = events;
    this.#socket = options.tls ? this.#secure(options.tls) : this.#plain();
    const socket = this.#socket;
    // one write is one frame of the handshake, and a batch of frames later; nothing is gained by holding it back
    socket.setNoDelay(true);
    socket.on('drain', () => {
      if (!this.#over) events.drained();
    });
    socket.on('error', (error) => this.#lose(error));
    // the other side has no more to say, and nothing that is written now would be answered
    socket.on('end', () => this.#lose(undefined));
    this.#gone = new Promise((resolve) => {
      socket.once('close', () => {
        this.#hardStop?.();
        this.#lose(undefined);
        resolve();
      });
    });
  }

  /** Resolves when the socket is closed. */
  get gone(): Promise<void> {
    return this.#gone;
  }

  /** Writes bytes that must not change afterwards. False: the socket is full, and `drained` follows. */
  write(bytes: Uint8Array): boolean {
    return !this.#over && this.#socket.write(bytes);
  }

  /** Closes the socket when what was written has left it, or after `limit` milliseconds. */
  finish(limit: number): void {
    if (this.#over) return;
    this.#over = true;
    this.#hardStop = this.#options.clock.after(limit, () => this.#socket.destroy());
    this.#socket.destroySoon();
  }

  destroy(): void {
    this.#over = true;
    this.#socket.destroy();
  }

  #lose(error: Error | undefined): void {
    if (this.#over) return;
    this.destroy();
    this.#events.lost(error, this.#phase);
  }

  #ready(): void {
    this.#phase = 'ready';
    if (!this.#over) this.#events.ready();
  }

  #plain(): Socket {
    const { host, port } = this.#options;
    const socket = connectTcp({
      host,
      port,
      keepAlive: true,
      // one buffer for all reads: Node would otherwise make a fresh one for each
      onread: {
        buffer: new Uint8Array(readSize),
        callback: (length, bytes) => {
          if (!this.#over) this.#events.read(bytes, length);
          return true;
        },
      },
    });
    socket.once('connect', () => this.#ready());
    return socket;
  }

  #secure(tls: TlsOptions): Socket {
    const { host, port } = this.#options;
    let socket;
    try {
      socket = connectTls({ ...nodeTlsOptions(tls, isIP(host) === 0 ? host : undefined), host, port });
    } catch (error) {
      throw badMaterial(error, 'rabbitmq-stream');
    }
    socket.setKeepAlive(true);
    socket.once('connect', () => {
      this.#phase = 'securing';
    });
    socket.once('secureConnect', () => this.#ready());
    socket.on('data', (bytes: Uint8Array) => {
      if (!this.#over) this.#events.read(bytes, bytes.length);
    });
    return socket;
  }
}
