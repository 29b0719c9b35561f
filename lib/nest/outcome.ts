import { checkOptions, duration } from '../core/check.js';
import { baseClass, nestMicroservices } from './packages.js';

const brand = Symbol.for('rx-weir.nest.outcome');

/**
 * What a handler wants to become of its message, where that is not what its options say. Made by {@link ack},
 * {@link release} and {@link deadLetter}; a handler, an interceptor or a filter may return it, emit it or throw it.
 *
 * It is an `RpcException`, so that it comes through Nest's own exception filter as it is.
 */
export class Outcome extends baseClass(() => nestMicroservices().RpcException) {
  /**
   * - `ack`: the message is done with
   * - `release`: it may come again
   * - `deadLetter`: it goes where the handler's `onError.to` says, at once
   */
  readonly kind: 'ack' | 'release' | 'deadLetter';
  /** Milliseconds to wait before the release. */
  readonly after: number;
  /** Why; what `onError.to` is given as the error. */
  readonly reason: unknown;

  /** @internal */
  constructor(kind: Outcome['kind'], after = 0, reason?: unknown) {
    super(`the outcome ${kind}() was thrown`);
    this.kind = kind;
    this.after = after;
    this.reason = reason;
  }

  /** Itself, which is what the default filter sends on. */
  override getError(): object {
    return this;
  }

  /** @internal */
  get [brand](): true {
    return true;
  }
}

let done: Outcome | undefined;

/** The message is done with, also where the handler has failed. */
export function ack(): Outcome {
  // one for all, because an error takes a picture of the stack each time
  return (done ??= new Outcome('ack'));
}

/**
 * The message may come again.
 * @param options - `after`: milliseconds to keep it before giving it back. It holds its place in the window until then,
 * and comes when the broker sends it: NATS Streaming after `ackWait`, the streams at once.
 * @throws InvalidOptionError
 */
export function release(options: { readonly after?: number | undefined } = {}): Outcome {
  checkOptions('release()', options, { after: duration({ max: 2 ** 31 - 1 }) });
  return new Outcome('release', options.after ?? 0);
}

/**
 * The message goes where `onError.to` of the handler says, without another attempt, and is acked. A handler without one
 * releases it.
 * @param reason - why; the error that `to` is given
 */
export function deadLetter(reason: unknown = new Error('the handler gave it up')): Outcome {
  return new Outcome('deadLetter', 0, reason);
}

/** The value as an outcome; undefined if it is something else. Holds across copies of the package. @internal */
export function asOutcome(value: unknown): Outcome | undefined {
  return typeof value === 'object' && value !== null && brand in value ? (value as Outcome) : undefined;
}
