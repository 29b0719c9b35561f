/// <reference lib="esnext.disposable" preserve="true" />
import type { Observable, OperatorFunction, Subject } from 'rxjs';
import type { Decoder, Encoder } from './codec.js';
import type { Delivery } from './delivery.js';
import type { WeirError } from './errors.js';
import type { Start, Until } from './starts.js';

/** How the handle stands with its broker. */
export interface Status {
  /**
   * - `idle`: nothing was asked of it yet, or the first connect failed
   * - `connecting`: the first connect is under way
   * - `connected`: the broker answers
   * - `reconnecting`: the link or the session was lost and is being made again; sources and sinks wait
   * - `closed`: by `close()`, for good
   */
  readonly state: 'idle' | 'connecting' | 'connected' | 'reconnecting' | 'closed';
  /** Why it is not connected. */
  readonly cause?: unknown;
}

/** What happened beside the messages. Told on `broker.events`; nothing here ends a source. */
export type BrokerEvent =
  /** Messages between two offsets are not there any more, or may have passed unseen. */
  | {
      readonly type: 'gap';
      readonly channel: string;
      readonly from?: bigint;
      readonly to?: bigint;
      readonly reason: string;
    }
  /** The channel was emptied and its offsets begin anew. */
  | { readonly type: 'reset'; readonly channel: string; readonly last: bigint | undefined }
  /** A message was lost on its way to this handle. */
  | { readonly type: 'missed'; readonly channel: string }
  /** The stored position does not move, because this offset stays unsettled. */
  | { readonly type: 'stalled'; readonly channel: string; readonly offset: bigint }
  /** Another process took this handle's name. */
  | { readonly type: 'replaced'; readonly reason: string }
  /** The link to the broker dropped; the session may have survived. */
  | { readonly type: 'disconnected'; readonly cause?: unknown }
  /** The link is back. `session` tells whether the broker still knew this handle. */
  | { readonly type: 'reconnected'; readonly session: 'kept' | 'renewed' }
  /** The peer sent what it should not have; it was dropped. */
  | { readonly type: 'protocol'; readonly channel?: string; readonly error: WeirError }
  /** What `close()` left behind when its time was over. */
  | { readonly type: 'abandoned'; readonly unsettled: number; readonly unconfirmed: number };

/** What every source takes; each broker adds its own. */
export interface SourceOptions<S extends Start = Start, U extends Until = Until> {
  /** Where to begin; a stored position of a `durable` goes before it. Default `newOnly()`. */
  readonly start?: S | undefined;
  /** Where to complete. Default: never. */
  readonly until?: U | undefined;
  /** The name under which the broker keeps this subscription's position. */
  readonly durable?: string | undefined;
  /** The name of the group that shares the messages out among its members. */
  readonly queue?: string | undefined;
  /** The window: deliveries emitted and not yet settled or released. The broker waits beyond it. Default 1024. */
  readonly maxInFlight?: number | undefined;
  /** Milliseconds after which an unsettled delivery comes again. */
  readonly ackWait?: number | undefined;
  /**
   * What becomes of a message that the codec cannot decode: `'error'` ends the source with a `DecodeError` (the default),
   * `'skip'` acks it, a function gets the raw delivery, is awaited, and then it is acked: the dead-letter door.
   */
  readonly onDecodeError?: 'error' | 'skip' | ((delivery: Delivery) => unknown) | undefined;
  /** Completes the source, as `takeUntil` would. */
  readonly signal?: AbortSignal | undefined;
}

/** What `hot` takes on top. */
export interface HotOptions {
  /** Milliseconds for which the subscription is kept after the last listener left. Default 0. */
  readonly linger?: number | undefined;
}

/** What goes out beside the value. Not every broker carries every field; one that cannot refuses it. */
export interface MessageFields {
  readonly key?: Uint8Array | string | undefined;
  readonly headers?: ReadonlyMap<string, unknown> | Readonly<Record<string, unknown>> | undefined;
  /** The message's id on the wire, where the broker takes one. Default: made here. */
  readonly id?: string | bigint | undefined;
}

/** What a `message` function makes of a value. */
export type Outgoing<In, F extends MessageFields = MessageFields> = F & { readonly value: In };

/** What `publish` takes on top of the message's fields. */
export interface PublishOptions {
  /** Gives up waiting. What was not written is taken back; what was, may be stored. */
  readonly signal?: AbortSignal | undefined;
}

/** What a sink takes; each broker adds its own. */
export interface SinkOptions {
  /** The window: messages written and not yet confirmed. Default 1024. */
  readonly maxInFlight?: number | undefined;
  /** Values that may wait for room in the window. Default 10 000; for `publishTo` unbounded, as in `mergeMap`. */
  readonly buffer?: number | undefined;
  /** What becomes of a value too many: an `OverflowError` receipt for it (the default), or for the oldest that waits. */
  readonly overflow?: 'error' | 'drop-newest' | 'drop-oldest' | undefined;
  /** Accepts duplicates: what was written and not confirmed when the link was lost is sent again. Default false. */
  readonly resend?: boolean | undefined;
}

/** What `publishTo` and `publishFrom` take on top. */
export interface PublishToOptions {
  /** Whether a failure is emitted as a receipt (the default) or ends the stream as an error. */
  readonly onError?: 'emit' | 'throw' | undefined;
}

/** What became of one value. */
export type Receipt<T> = ConfirmedReceipt<T> | FailedReceipt<T>;

/** The broker has it; or, where `confirmed` is false, it was written to a broker that never says. */
export interface ConfirmedReceipt<T> {
  readonly ok: true;
  readonly confirmed: boolean;
  readonly value: T;
  readonly channel: string;
  /** The message's id on the wire. */
  readonly id: string | bigint;
  /** Where it was stored, if the broker tells. */
  readonly offset?: bigint;
  /** How many subscribers were told, if the broker tells. */
  readonly notified?: number;
  readonly error?: undefined;
}

/** It was refused (`PublishError`), never accepted (`OverflowError`, `ClosedError` …), or nobody can tell (`PublishUncertainError`). */
export interface FailedReceipt<T> {
  readonly ok: false;
  readonly error: WeirError;
  readonly value: T;
  readonly channel: string;
  readonly id?: string | bigint;
}

/** A Subject that publishes. As an Observable it emits each value that it accepted. */
export interface Sink<T> extends Subject<T> {
  /** Hot, in the order that the broker confirmed. A failure that nobody observes is reported as RxJS reports an unhandled error. */
  readonly receipts: Observable<Receipt<T>>;
  /** Values accepted and not yet confirmed; replays the current count, at most one emission a turn. */
  readonly pending: Observable<number>;
  /** Resolves while the window has room. */
  ready(): Promise<void>;
  /** Waits while the window is full, and resolves with the receipt, a failed one too. */
  send(value: T): Promise<Receipt<T>>;
  /** Resolves when everything accepted so far has its receipt. */
  flush(): Promise<void>;
}

/** A type-level function from a value's type to a broker's delivery of it. */
export interface DeliveryKind {
  readonly T: unknown;
  readonly type: Delivery<unknown>;
}

/** The types in which brokers differ. */
export interface BrokerTypes {
  readonly delivery: DeliveryKind;
  readonly source: object;
  readonly fields: MessageFields;
  readonly sink: object;
}

/** A delivery of which nothing more is known. */
export interface AnyDeliveryKind {
  readonly T: unknown;
  readonly type: Delivery<this['T']>;
}

/** The types of a broker of which nothing more is known. */
export interface AnyBroker extends BrokerTypes {
  readonly delivery: AnyDeliveryKind;
  readonly source: SourceOptions;
  readonly sink: SinkOptions;
}

/** The delivery of broker types `K` with a value of type `T`. */
export type DeliveryOf<K extends BrokerTypes, T> = (K['delivery'] & { readonly T: T })['type'];

/** A handle on a broker, the same for all. Making one does no I/O: the first use connects, or `connect()`. */
export interface Broker<K extends BrokerTypes = AnyBroker> extends AsyncDisposable {
  /** Replays the current state; completes after `closed`. */
  readonly status: Observable<Status>;
  /** Hot; completes with `close()`. */
  readonly events: Observable<BrokerEvent>;

  /** Connects now, and rejects if that fails within `connectTimeout`. */
  connect(options?: { readonly signal?: AbortSignal | undefined }): Promise<void>;

  /**
   * Cold: each subscriber has its own subscription at the broker. You settle each delivery.
   * Completes at `until`, with `signal` and with `close()`; errors when the broker refuses or retrying gives up.
   */
  messages<T>(channel: string, options: K['source'] & { readonly codec: Decoder<T> }): Observable<DeliveryOf<K, T>>;
  messages(
    channel: string,
    options?: K['source'] & { readonly codec?: undefined },
  ): Observable<DeliveryOf<K, Uint8Array>>;

  /**
   * Cold: the values alone, each settled when the subscriber's `next` returned, whatever came of it. For asynchronous
   * work below it that is at most once, without backpressure: take `messages` with `ackConcatMap` for that.
   */
  values<T>(channel: string, options: K['source'] & { readonly codec: Decoder<T> }): Observable<T>;
  values(channel: string, options?: K['source'] & { readonly codec?: undefined }): Observable<Uint8Array>;

  /**
   * One subscription shared by all who listen to the returned Observable. Each listener has a handle of its own; the
   * message is settled when all have, a listener that leaves releases its own, and the slowest sets the pace.
   */
  hot<T>(
    channel: string,
    options: K['source'] & HotOptions & { readonly codec: Decoder<T> },
  ): Observable<DeliveryOf<K, T>>;
  hot(
    channel: string,
    options?: K['source'] & HotOptions & { readonly codec?: undefined },
  ): Observable<DeliveryOf<K, Uint8Array>>;

  /** Resolves with the receipt when the broker has confirmed, and rejects with the error of a failed one. */
  publish<T>(
    channel: string,
    value: T,
    options: K['fields'] & PublishOptions & { readonly codec: Encoder<T> },
  ): Promise<ConfirmedReceipt<T>>;
  publish(
    channel: string,
    value: Uint8Array,
    options?: K['fields'] & PublishOptions & { readonly codec?: undefined },
  ): Promise<ConfirmedReceipt<Uint8Array>>;

  /** A Subject that publishes what it is given. */
  sink<V, In>(
    channel: string,
    options: K['sink'] & { readonly codec: Encoder<In>; readonly message: (value: V) => Outgoing<In, K['fields']> },
  ): Sink<V>;
  sink<T>(channel: string, options: K['sink'] & { readonly codec: Encoder<T>; readonly message?: undefined }): Sink<T>;
  sink<V>(
    channel: string,
    options: K['sink'] & {
      readonly codec?: undefined;
      readonly message: (value: V) => Outgoing<Uint8Array, K['fields']>;
    },
  ): Sink<V>;
  sink(
    channel: string,
    options?: K['sink'] & { readonly codec?: undefined; readonly message?: undefined },
  ): Sink<Uint8Array>;

  /** Publishes each value and emits its receipt. What arrives beyond the window waits, as in `mergeMap`. */
  publishTo<V, In>(
    channel: string,
    options: K['sink'] &
      PublishToOptions & { readonly codec: Encoder<In>; readonly message: (value: V) => Outgoing<In, K['fields']> },
  ): OperatorFunction<V, Receipt<V>>;
  publishTo<T>(
    channel: string,
    options: K['sink'] & PublishToOptions & { readonly codec: Encoder<T>; readonly message?: undefined },
  ): OperatorFunction<T, Receipt<T>>;
  publishTo<V>(
    channel: string,
    options: K['sink'] &
      PublishToOptions & {
        readonly codec?: undefined;
        readonly message: (value: V) => Outgoing<Uint8Array, K['fields']>;
      },
  ): OperatorFunction<V, Receipt<V>>;
  publishTo(
    channel: string,
    options?: K['sink'] & PublishToOptions & { readonly codec?: undefined; readonly message?: undefined },
  ): OperatorFunction<Uint8Array, Receipt<Uint8Array>>;

  /** Publishes from an iterable, pulling only while the window has room. Cold. */
  publishFrom<V, In>(
    channel: string,
    iterable: Iterable<V> | AsyncIterable<V>,
    options: K['sink'] &
      PublishToOptions & { readonly codec: Encoder<In>; readonly message: (value: V) => Outgoing<In, K['fields']> },
  ): Observable<Receipt<V>>;
  publishFrom<T>(
    channel: string,
    iterable: Iterable<T> | AsyncIterable<T>,
    options: K['sink'] & PublishToOptions & { readonly codec: Encoder<T>; readonly message?: undefined },
  ): Observable<Receipt<T>>;
  publishFrom<V>(
    channel: string,
    iterable: Iterable<V> | AsyncIterable<V>,
    options: K['sink'] &
      PublishToOptions & {
        readonly codec?: undefined;
        readonly message: (value: V) => Outgoing<Uint8Array, K['fields']>;
      },
  ): Observable<Receipt<V>>;
  publishFrom(
    channel: string,
    iterable: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
    options?: K['sink'] & PublishToOptions & { readonly codec?: undefined; readonly message?: undefined },
  ): Observable<Receipt<Uint8Array>>;

  /** Drops a stored position; unsubscribing never does. */
  forget(channel: string, position: { readonly durable: string; readonly queue?: string | undefined }): Promise<void>;

  /**
   * Takes in no more and completes the sources, waits at most `closeTimeout` for unsettled deliveries and accepted
   * publishes, then says goodbye. Always resolves, twice too; what was left behind is told as an `abandoned` event.
   */
  close(): Promise<void>;
}
