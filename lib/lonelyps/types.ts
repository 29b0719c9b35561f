import type { Observable, OperatorFunction } from 'rxjs';
import type {
  Broker,
  ConfirmedReceipt,
  HotOptions,
  Outgoing,
  PublishOptions,
  PublishToOptions,
  Receipt,
  Sink,
  SinkOptions,
} from '../core/broker.js';
import type { Decoder, Encoder } from '../core/codec.js';
import type { LonelypsRequestHandler } from './connection/http.js';
import type { LonelypsDelivery } from './delivery.js';
import type { LonelypsFields } from './fields.js';
import type { Missed } from './broker.js';
import type { LonelypsBytes } from './platform.js';
import type { LonelypsChannel, LonelypsTopic } from './selection.js';
import type { LonelypsSourceOptions } from './source/options.js';

/** The types of lonelyps. */
export interface LonelypsTypes {
  readonly delivery: LonelypsDeliveryKind;
  readonly source: LonelypsSourceOptions;
  readonly fields: LonelypsFields;
  readonly sink: SinkOptions;
}

/** From a value's type to the type of its delivery. */
export interface LonelypsDeliveryKind {
  readonly T: unknown;
  readonly type: LonelypsDelivery<this['T']>;
}

/**
 * A handle on lonelyps. Channels are topics, as text or as bytes; a source reads several of them, and patterns, too.
 *
 * Over HTTP, a sink sends one message after the other, so that they stay in order, unless `maxInFlight` says how many requests
 * may run side by side, in no order then. `publish` calls run side by side.
 */
export interface LonelypsBroker extends Broker<LonelypsTypes> {
  /** Hot: what was lost on its way to this handle, once for each topic of a burst. Completes with `close()`. */
  readonly missed: Observable<Missed>;

  /**
   * Takes the broadcaster's callbacks: for `node:http`, Express, Fastify (with `reply.hijack()`), Nest. Mount it where no body
   * parser reads the request before it.
   * @throws InvalidOptionError where the handle was not made with `receive: { handler: true, … }`
   */
  readonly handler: LonelypsRequestHandler;

  messages<T>(
    channel: LonelypsChannel,
    options: LonelypsSourceOptions & { readonly codec: Decoder<T> },
  ): Observable<LonelypsDelivery<T>>;
  messages(
    channel: LonelypsChannel,
    options?: LonelypsSourceOptions & { readonly codec?: undefined },
  ): Observable<LonelypsDelivery>;

  values<T>(channel: LonelypsChannel, options: LonelypsSourceOptions & { readonly codec: Decoder<T> }): Observable<T>;
  values(
    channel: LonelypsChannel,
    options?: LonelypsSourceOptions & { readonly codec?: undefined },
  ): Observable<Uint8Array>;

  hot<T>(
    channel: LonelypsChannel,
    options: LonelypsSourceOptions & HotOptions & { readonly codec: Decoder<T> },
  ): Observable<LonelypsDelivery<T>>;
  hot(
    channel: LonelypsChannel,
    options?: LonelypsSourceOptions & HotOptions & { readonly codec?: undefined },
  ): Observable<LonelypsDelivery>;

  /**
   * Resolves with the receipt, whose `notified` tells how many subscribers were told.
   * @throws PublishUncertainError (as a rejection, as those below) where nobody can tell whether it was delivered
   * @throws PublishError where it was refused
   */
  publish<T>(
    topic: LonelypsTopic,
    value: T,
    options: LonelypsFields & PublishOptions & { readonly codec: Encoder<T> },
  ): Promise<ConfirmedReceipt<T>>;
  /**
   * The same for bytes. A stream, a `Blob` or a file is read first, past `spoolSize` onto disk, because its length and hash go
   * before it; a file is read again as it is sent.
   * @throws PublishUncertainError (as a rejection, as those below) where nobody can tell whether it was delivered
   * @throws PublishError where it was refused, or a stream or `Blob` failed as it was read
   * @throws InvalidOptionError where a file cannot be read
   */
  publish<T extends Uint8Array | LonelypsBytes>(
    topic: LonelypsTopic,
    value: T,
    options?: LonelypsFields & PublishOptions & { readonly codec?: undefined },
  ): Promise<ConfirmedReceipt<T>>;

  sink<V, In>(
    topic: LonelypsTopic,
    options: SinkOptions & {
      readonly codec: Encoder<In>;
      readonly message: (value: V) => Outgoing<In, LonelypsFields>;
    },
  ): Sink<V>;
  sink<T>(
    topic: LonelypsTopic,
    options: SinkOptions & { readonly codec: Encoder<T>; readonly message?: undefined },
  ): Sink<T>;
  sink<V>(
    topic: LonelypsTopic,
    options: SinkOptions & {
      readonly codec?: undefined;
      readonly message: (value: V) => Outgoing<Uint8Array, LonelypsFields>;
    },
  ): Sink<V>;
  sink(
    topic: LonelypsTopic,
    options?: SinkOptions & { readonly codec?: undefined; readonly message?: undefined },
  ): Sink<Uint8Array>;

  publishTo<V, In>(
    topic: LonelypsTopic,
    options: SinkOptions &
      PublishToOptions & { readonly codec: Encoder<In>; readonly message: (value: V) => Outgoing<In, LonelypsFields> },
  ): OperatorFunction<V, Receipt<V>>;
  publishTo<T>(
    topic: LonelypsTopic,
    options: SinkOptions & PublishToOptions & { readonly codec: Encoder<T>; readonly message?: undefined },
  ): OperatorFunction<T, Receipt<T>>;
  publishTo<V>(
    topic: LonelypsTopic,
    options: SinkOptions &
      PublishToOptions & {
        readonly codec?: undefined;
        readonly message: (value: V) => Outgoing<Uint8Array, LonelypsFields>;
      },
  ): OperatorFunction<V, Receipt<V>>;
  publishTo(
    topic: LonelypsTopic,
    options?: SinkOptions & PublishToOptions & { readonly codec?: undefined; readonly message?: undefined },
  ): OperatorFunction<Uint8Array, Receipt<Uint8Array>>;

  publishFrom<V, In>(
    topic: LonelypsTopic,
    iterable: Iterable<V> | AsyncIterable<V>,
    options: SinkOptions &
      PublishToOptions & { readonly codec: Encoder<In>; readonly message: (value: V) => Outgoing<In, LonelypsFields> },
  ): Observable<Receipt<V>>;
  publishFrom<T>(
    topic: LonelypsTopic,
    iterable: Iterable<T> | AsyncIterable<T>,
    options: SinkOptions & PublishToOptions & { readonly codec: Encoder<T>; readonly message?: undefined },
  ): Observable<Receipt<T>>;
  publishFrom<V>(
    topic: LonelypsTopic,
    iterable: Iterable<V> | AsyncIterable<V>,
    options: SinkOptions &
      PublishToOptions & {
        readonly codec?: undefined;
        readonly message: (value: V) => Outgoing<Uint8Array, LonelypsFields>;
      },
  ): Observable<Receipt<V>>;
  publishFrom(
    topic: LonelypsTopic,
    iterable: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
    options?: SinkOptions & PublishToOptions & { readonly codec?: undefined; readonly message?: undefined },
  ): Observable<Receipt<Uint8Array>>;
}
