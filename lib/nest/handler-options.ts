import type { ObservableInput } from 'rxjs';
import type { SourceOptions } from '../core/broker.js';
import {
  anything,
  checkOptions,
  codec,
  count,
  duration,
  either,
  func,
  instance,
  object,
  oneOf,
  required,
  text,
  type Shape,
} from '../core/check.js';
import type { Decoder } from '../core/codec.js';
import type { BrokerContext } from './context.js';

/** The transport that a {@link BrokerServer} has by default, for `@EventPattern(pattern, BROKER, options)`. */
export const BROKER: unique symbol = Symbol.for('rx-weir.nest.transport') as never;

/** Where a message goes whose handler failed too often. */
export interface HandlerDeadLetter {
  /** How many attempts there are: before the last, a message that failed is released, so that it comes again. */
  readonly after: number;
  /**
   * A channel of the same broker, to which its bytes are published with its key and headers; or a function that takes
   * it away. When that has completed the message is acked; when it fails, the message is released.
   */
  readonly to: string | ((context: BrokerContext, error: unknown) => ObservableInput<unknown>);
}

/**
 * What becomes of a message whose handler failed, after the exception filters:
 *
 * - `'release'`: it may come again
 * - `'ack'`: it is done with
 * - {@link HandlerDeadLetter}: it may come again until it failed `after` times, then goes `to`
 * - `'throw'`: it is released, and the subscription ends and is made again after a pause
 */
export type HandlerOnError = 'release' | 'ack' | 'throw' | HandlerDeadLetter;

/** How the messages for one handler come, and when they are acked. Given as the `extras` of Nest's own decorators. */
export interface HandlerOptions extends Pick<SourceOptions, 'start' | 'durable' | 'queue' | 'maxInFlight' | 'ackWait'> {
  /**
   * How many messages are worked on at a time; `maxInFlight` bounds it too.
   * @defaultValue Infinity
   */
  readonly concurrency?: number | undefined;
  /**
   * When a message is acked:
   *
   * - `'after'`: when the handler has completed, its Promise or Observable included
   * - `'before'`: before the handler is called; what fails is lost
   * - `'manual'`: when the handler calls `context.delivery.ack()`
   *
   * @defaultValue 'after'
   */
  readonly ack?: 'after' | 'before' | 'manual' | undefined;
  /**
   * What becomes of a message whose handler failed.
   * @defaultValue 'release'
   */
  readonly onError?: HandlerOnError | undefined;
  /** Makes values of the bytes. Default: the server's. */
  readonly codec?: Decoder<unknown> | undefined;
  /** Options that this broker's sources have on top, such as `{ superStream: true }`. */
  readonly source?: object | undefined;
}

/** {@link HandlerOptions} with what has a default said. @internal */
export interface ResolvedHandlerOptions extends HandlerOptions {
  readonly concurrency: number;
  readonly ack: 'after' | 'before' | 'manual';
  readonly onError: HandlerOnError;
  readonly codec: Decoder<unknown>;
}

/** What `start`, `maxInFlight` and the like accept, the broker says itself. @internal */
export const handlerShape: Shape<HandlerOptions> = {
  start: anything(),
  durable: text(),
  queue: text(),
  maxInFlight: count(),
  ackWait: duration({ min: 1 }),
  concurrency: count({ infinity: true }),
  ack: oneOf('after', 'before', 'manual'),
  onError: either(
    oneOf('release', 'ack', 'throw'),
    object<HandlerDeadLetter>({ after: required(count()), to: required(either(text(), func())) }),
  ),
  codec: codec('decode'),
  source: instance((value) => typeof value === 'object' && value !== null, "an object with options of the broker's"),
};

/**
 * The options of one handler over those of its server.
 * @param where - whose they are, for the error
 * @throws InvalidOptionError
 * @internal
 */
export function resolveHandlerOptions(
  where: string,
  own: HandlerOptions,
  defaults: HandlerOptions,
  codecOfServer: Decoder<unknown>,
): ResolvedHandlerOptions {
  checkOptions<HandlerOptions>(where, own, handlerShape);
  const given = Object.fromEntries(Object.entries(own).filter(([, value]) => value !== undefined));
  const all: HandlerOptions = { ...defaults, ...given };
  return {
    ...all,
    concurrency: all.concurrency ?? Infinity,
    ack: all.ack ?? 'after',
    onError: all.onError ?? 'release',
    codec: all.codec ?? codecOfServer,
  };
}
