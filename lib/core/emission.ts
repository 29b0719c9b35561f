import type { Decoder } from './codec.js';
import type { BaseDelivery, Delivery } from './delivery.js';
import { deliveryTold } from './diagnostics.js';
import { DecodeError, WeirError } from './errors.js';
import type { Until } from './starts.js';

/** Who receives what a source emits: an RxJS subscriber, seen from a room that knows no operators. @internal */
export interface Receiver {
  next(delivery: Delivery<unknown>): void;
  error(error: unknown): void;
  complete(): void;
}

/** @internal */
export interface EmissionOptions {
  readonly codec?: Decoder<unknown> | undefined;
  readonly onDecodeError?: 'error' | 'skip' | ((delivery: Delivery) => unknown) | undefined;
}

/** The last step of a message on its way in: decoded, and handed to the receiver or to what `onDecodeError` says. @internal */
export class Emission {
  constructor(
    private readonly options: EmissionOptions,
    private readonly receiver: Receiver,
  ) {}

  /** Emits a delivery that holds its place in the window. */
  emit(delivery: BaseDelivery<unknown>): void {
    const { codec } = this.options;
    if (deliveryTold.hasSubscribers) tellDelivered(delivery);
    if (codec === undefined || this.decoded(delivery, codec)) this.receiver.next(delivery);
  }

  /** Emits a copy of a delivery that is out and unsettled. */
  emitCopy(copy: BaseDelivery<unknown>, first: BaseDelivery<unknown>): void {
    copy.first = first;
    const { codec } = this.options;
    if (codec !== undefined) {
      try {
        copy.decode(codec);
      } catch {
        return; // the first of them went to onDecodeError, and is unsettled until that is done
      }
    }
    this.receiver.next(copy);
  }

  private decoded(delivery: BaseDelivery<unknown>, codec: Decoder<unknown>): boolean {
    try {
      delivery.decode(codec);
      return true;
    } catch (error) {
      this.undecodable(delivery, error as DecodeError);
      return false;
    }
  }

  private undecodable(delivery: BaseDelivery<unknown>, error: DecodeError): void {
    const policy = this.options.onDecodeError ?? 'error';
    if (policy === 'skip') {
      delivery.ack();
      return;
    }
    // the error goes first in both cases: the place that comes free must not let another one in before it
    if (policy === 'error') {
      this.receiver.error(error);
      delivery.release();
      return;
    }
    const fail = (cause: unknown): void => {
      this.receiver.error(
        new DecodeError(
          `${error.message}; and onDecodeError failed: ${cause instanceof Error ? cause.message : String(cause)}`,
          { broker: error.broker, cause },
        ),
      );
      delivery.release();
    };
    try {
      Promise.resolve(policy(delivery as BaseDelivery<Uint8Array>)).then(() => {
        delivery.ack();
      }, fail);
    } catch (cause) {
      fail(cause);
    }
  }
}

function tellDelivered(delivery: BaseDelivery<unknown>): void {
  const { broker, channel, wireBytes } = delivery;
  deliveryTold.publish({ broker, channel, delivery, bytes: wireBytes });
}

/** Where a delivery lies with regard to the end of the source. @internal */
export function position(until: Until, delivery: BaseDelivery<unknown>): 'before' | 'last' | 'beyond' {
  if (until.kind === 'untilOffset') {
    const offset = BigInt(delivery.offsetKey);
    return offset < until.offset ? 'before' : offset === until.offset ? 'last' : 'beyond';
  }
  if (until.kind === 'untilTime') {
    const time = delivery.timestamp;
    return time !== undefined && time > nanoseconds(until.time) ? 'beyond' : 'before';
  }
  // brokers resolve untilNow() to an offset before they open the intake
  throw new WeirError('untilNow() was not resolved to an offset', 'UNSUPPORTED');
}

/** Whole milliseconds for themselves: as a number, nanoseconds since 1970 are exact to some 200 of them only. */
function nanoseconds(ms: number): bigint {
  const whole = Math.floor(ms);
  return BigInt(whole) * 1_000_000n + BigInt(Math.floor((ms - whole) * 1e6));
}
