import type { Cancel, Clock } from '../../core/clock.js';
import type { WeirError } from '../../core/errors.js';
import { grpcStatus } from '../codec/grpc-status.js';
import type { Address } from './address.js';
import type { Call, CallHandlers, CallStatus } from './call.js';
import type { UnaryOptions } from './channel.js';
import { noGrpc, notAnswered, statusError } from './failures.js';

/** Begins the call of a unary request. */
type Begin = (handlers: CallHandlers) => Call;

/** A call with one message each way. @internal */
export class Unary<T> implements CallHandlers {
  readonly answer: Promise<T>;
  #resolve!: (value: T) => void;
  #reject!: (error: unknown) => void;
  readonly #address: Address;
  readonly #options: UnaryOptions<T>;
  readonly #call: Call;
  readonly #timer: Cancel;
  readonly #abort = (): void => this.#giveUp(this.#options.signal?.reason);
  #messages = 0;
  #value: T | undefined;

  constructor(address: Address, options: UnaryOptions<T>, clock: Clock, begin: Begin) {
    this.#address = address;
    this.#options = options;
    this.answer = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    const { timeout, signal } = options;
    this.#call = begin(this);
    this.#timer = clock.after(timeout, () => this.#giveUp(notAnswered(options.asked, address, timeout)));
    signal?.addEventListener('abort', this.#abort, { once: true });
  }

  message(bytes: Uint8Array, start: number, end: number): boolean {
    if (++this.#messages > 1) throw noGrpc('more than one message came in answer to a request that has one');
    this.#value = this.#options.decode(bytes.subarray(start, end));
    return true;
  }

  flushed(): void {
    // the end says when all is there
  }

  drained(): void {
    // nothing more is written
  }

  ended(status: CallStatus, cause: WeirError | undefined): void {
    this.#release();
    if (status.code === grpcStatus.ok && this.#messages === 1) {
      this.#resolve(this.#value as T);
      return;
    }
    const { asked } = this.#options;
    if (status.code === grpcStatus.ok) {
      this.#reject(statusError(status, asked, this.#address, cause ?? noGrpc('the answer has no message')));
      return;
    }
    this.#reject(
      (cause ? undefined : this.#options.fail?.(status)) ?? statusError(status, asked, this.#address, cause),
    );
  }

  /** Ends it for good; the answer is refused with the error. */
  #giveUp(error: unknown): void {
    this.#call.cancel();
    this.#release();
    this.#reject(error);
  }

  #release(): void {
    this.#timer();
    this.#options.signal?.removeEventListener('abort', this.#abort);
  }
}
