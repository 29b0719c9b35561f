import type { Logger } from '../core/logger.js';
import type { TlsOptions } from '../core/tls.js';
import type { Body, BodyWriter } from './body.js';
import type { ArrivalsOverHttp, HttpClient, HttpClientOptions, Listener, ListenerOptions } from './connection/http.js';
import type { Socket, SocketHandlers } from './connection/socket.js';

/** SHA-512, alone and with a key; synchronous, because a message is signed in the turn in which it is written. @internal */
export interface Hashing {
  sha512(bytes: Uint8Array): Uint8Array;
  sha256(bytes: Uint8Array): Uint8Array;
  hmacSha512(key: Uint8Array, bytes: Uint8Array): Uint8Array;
  /** For bytes that come in parts. */
  startSha512(): { update(part: Uint8Array): void; digest(): Uint8Array };
}

/** Compression of single frames, with or without a dictionary. @internal */
export interface Zstd {
  compress(bytes: Uint8Array, level: number, dictionary: Uint8Array | undefined): Uint8Array;
  /**
   * Undoes it. A frame may not say how much it holds.
   * @param length - how many bytes it must give; more or fewer throw
   */
  decompress(frame: Uint8Array, length: number, dictionary: Uint8Array | undefined): Uint8Array;
}

/** @internal */
export interface SocketOptions {
  readonly tls: TlsOptions | undefined;
  /** ms for the connection and its upgrade. */
  readonly connectTimeout: number;
  /** The largest message that is taken, in bytes. */
  readonly maxMessageBytes: number;
}

/**
 * What `publish` takes beside bytes: a `Blob`, a stream (of Node or of the web, or any async iterable of bytes), or in Node a file
 * by its path.
 */
export type LonelypsBytes = Blob | ReadableStream<Uint8Array> | AsyncIterable<Uint8Array> | { readonly file: string };

/** What is used of the platform: Node, or a page. @internal */
export interface Platform {
  readonly name: 'node' | 'browser';
  /**
   * Loads what the transport needs (hashes; `ws` or `undici` in Node).
   * @throws UnsupportedError that names the package to install
   */
  load(transport: 'http' | 'websocket'): Promise<void>;
  /** There once `load` resolved. */
  readonly hashing: Hashing;
  random(length: number): Uint8Array;
  /** Where bodies go as they come: into memory up to `spoolSize` bytes, beyond that to disk, where there is one. */
  startBody(spoolSize: number): BodyWriter;
  /**
   * Reads what `publish` was given, past `spoolSize` bytes onto disk.
   * @param where - the call, for errors
   * @throws PublishError where it is none of what can be read, or its reading fails
   * @throws InvalidOptionError where it is a file that cannot be read
   */
  toBody(where: string, value: unknown, spoolSize: number, signal: AbortSignal | undefined): Promise<Body>;
  /** Opens a websocket; the handlers are called from the next turn on. */
  openSocket(url: string, options: SocketOptions, handlers: SocketHandlers): Socket;
  /** Undefined where there is none. */
  loadZstd(): Promise<Zstd | undefined>;
  /** Undefined in a page, where only the websocket works (the broadcaster's HTTP has no CORS). */
  readonly http: HttpPlatform | undefined;
}

/** @internal */
export interface HttpPlatform {
  client(options: HttpClientOptions): HttpClient;
  /** Makes it without listening: its `handler` can be mounted, `listen()` opens a port. */
  listener(options: ListenerOptions, arrivals: ArrivalsOverHttp, log: Logger): Listener;
}
