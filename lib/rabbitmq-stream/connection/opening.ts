import { keyName } from '../codec/keys.js';
import type { Reader } from '../codec/reader.js';
import type { Tune } from '../codec/requests.js';
import type { ConnectionOptions } from './connection.js';
import type { RequestSubject } from './failures.js';
import { shakeHands, type Handshake } from './handshake.js';

/** What an opening does through the connection that it belongs to. @internal */
export interface OpeningLink {
  /** Sends a request of the handshake, and resolves with its answer. */
  ask<R>(
    key: number,
    make: (correlationId: number) => Uint8Array,
    read: (reader: Reader) => R,
    subject: RequestSubject,
  ): Promise<R>;
  agree(tune: Tune, frame: Uint8Array): void;
}

/**
 * What happens on a connection from the start until it can be used, and what ends that.
 * @internal
 */
export class Opening {
  readonly #connected = withResolvers<void>();
  readonly #tune = withResolvers<Tune>();
  readonly #failed = withResolvers<never>();
  #step: string | undefined;
  #isTuned = false;

  constructor() {
    // nobody waits for it when the handshake is done
    this.#failed.promise.catch(() => undefined);
  }

  /** The command whose answer is awaited; undefined while that is the socket. */
  get step(): string | undefined {
    return this.#step;
  }

  /** The socket can be written to. */
  connected(): void {
    this.#connected.resolve();
  }

  /** The broker has made its proposal. False: it has done so before. */
  tuned(tune: Tune): boolean {
    if (this.#isTuned) return false;
    this.#isTuned = true;
    this.#tune.resolve(tune);
    return true;
  }

  /** The connection ended. */
  fail(reason: unknown): void {
    this.#failed.reject(reason);
  }

  /** Does the handshake as soon as the socket is connected. Rejects also with what `fail` was called with. */
  run(options: ConnectionOptions, link: OpeningLink): Promise<Handshake> {
    return Promise.race([this.#shakeHands(options, link), this.#failed.promise]);
  }

  async #shakeHands(options: ConnectionOptions, link: OpeningLink): Promise<Handshake> {
    await this.#connected.promise;
    return shakeHands(
      {
        ask: (key, make, read, subject) => {
          this.#step = keyName(key);
          return link.ask(key, make, read, subject);
        },
        tune: () => {
          this.#step = 'SaslAuthenticate with Tune';
          return this.#tune.promise;
        },
        agree: (tune, frame) => link.agree(tune, frame),
      },
      options,
    );
  }
}

interface Resolvers<T> {
  readonly promise: Promise<T>;
  resolve(value: T): void;
  reject(reason: unknown): void;
}

function withResolvers<T>(): Resolvers<T> {
  let resolve!: (value: T) => void;
  let reject!: (reason: unknown) => void;
  const promise = new Promise<T>((onValue, onReason) => {
    resolve = onValue;
    reject = onReason;
  });
  return { promise, resolve: (value) => resolve(value), reject: (reason) => reject(reason) };
}
