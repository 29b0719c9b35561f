import type { InjectionToken, Injector } from '@angular/core';
import type { Observable } from 'rxjs';
import type { Broker } from '../core/broker.js';
import type { Decoder } from '../core/codec.js';
import type { Delivery } from '../core/delivery.js';

/** What all inject functions take. */
export interface InjectOptions<B extends Broker = Broker> {
  /** The broker's name, or its token: with a token of `brokerToken<B>()` channels and options are those of that broker. Default: the one without a name. */
  readonly broker?: string | InjectionToken<B> | undefined;
  /** For a call outside of an injection context: whose broker it is, and with what it ends. */
  readonly injector?: Injector | undefined;
}

/** What a broker takes as a channel to read from. */
export type ChannelOf<B extends Broker> = Parameters<B['messages']>[0];

/**
 * A channel, or a function that reads signals and gives one, such as a `Signal<string>`: when it gives another, the
 * subscription changes over. `undefined` is no channel: nothing is subscribed to meanwhile.
 */
export type ChannelInput<B extends Broker> = ChannelOf<B> | (() => ChannelOf<B> | undefined);

/** The source options of a broker, but the codec. */
export type SourceOptionsOf<B extends Broker> = Omit<NonNullable<Parameters<B['messages']>[1]>, 'codec'>;

/** A broker's own delivery, with a value of type `T`. */
export type DeliveryFrom<B extends Broker, T> = Broker extends B
  ? Delivery<T>
  : Delivery<T> & Omit<Emitted<ReturnType<B['messages']>>, keyof Delivery>;

type Emitted<O> = O extends Observable<infer D> ? D : never;

/** Options for reading with a codec of their own. */
export type CodedOptions<B extends Broker, T> = SourceOptionsOf<B> & InjectOptions<B> & { readonly codec: Decoder<T> };

/** Options for reading with the codec of `withCodec`, or as bytes. */
export type PlainOptions<B extends Broker> = SourceOptionsOf<B> & InjectOptions<B> & { readonly codec?: undefined };

/** Either. @internal */
export type AnyOptions<B extends Broker> = CodedOptions<B, unknown> | PlainOptions<B>;
