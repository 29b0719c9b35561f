import type { Outgoing, PublishToOptions, SinkOptions, SourceOptions } from './broker.js';
import { codec, count, duration, either, flag, func, oneOf, signal, text, type Shape } from './check.js';
import type { Decoder, Encoder } from './codec.js';

/** What a source was asked for, with the window filled in. @internal */
export interface SourceSettings extends SourceOptions {
  readonly maxInFlight: number;
  readonly codec?: Decoder<unknown> | undefined;
}

/** What a sink or a publishing operator was asked for. @internal */
export type SinkSettings = SinkOptions &
  PublishToOptions & {
    readonly codec?: Encoder<unknown> | undefined;
    readonly message?: ((value: unknown) => Outgoing<unknown>) | undefined;
  };

/** Messages in flight, where `maxInFlight` does not say. @internal */
export const defaultWindow = 1024;

/** Values that may wait for the window, where `buffer` does not say. @internal */
export const defaultBuffer = 10_000;

/** The options that the sources of all brokers take; starts and ends are each broker's own. @internal */
export const sourceShape: Shape = {
  durable: text(),
  queue: text(),
  maxInFlight: count(),
  ackWait: duration({ min: 1 }),
  codec: codec('decode'),
  onDecodeError: either(oneOf('error', 'skip'), func()),
  signal: signal(),
};

/** The options that the sinks of all brokers take. @internal */
export const sinkShape: Shape = {
  codec: codec('encode'),
  message: func(),
  maxInFlight: count(),
  buffer: count({ min: 0, infinity: true }),
  overflow: oneOf('error', 'drop-newest', 'drop-oldest'),
  resend: flag(),
};

/** What `publishTo` and `publishFrom` take on top. @internal */
export const publishToShape: Shape = { onError: oneOf('emit', 'throw') };
