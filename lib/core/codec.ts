/** What a decoder is told about the message whose bytes it gets. */
export interface DecodeInfo {
  /** The subject, stream or topic that the message came on. */
  readonly channel: string;
  /** The message's headers; empty where the broker has none. */
  readonly headers: ReadonlyMap<string, unknown>;
}

/**
 * Marks a codec whose bytes are the whole message as the broker keeps it, with all its sections, and not the body alone.
 * Brokers whose messages are bytes and nothing else make no difference.
 * @internal
 */
export const wholeMessage: unique symbol = Symbol.for('rx-weir.codec.whole') as never;

/** Whether a codec reads and writes whole messages. @internal */
export function isWhole(codec: object | undefined): boolean {
  return codec !== undefined && (codec as { readonly [wholeMessage]?: boolean })[wholeMessage] === true;
}

/** Bytes to values. May throw: a source hands what it throws to `onDecodeError` as the cause of a `DecodeError`. */
export interface Decoder<Out> {
  decode(bytes: Uint8Array, info: DecodeInfo): Out;
}

/** Values to bytes. May throw: the message is then refused before anything is sent. */
export interface Encoder<In> {
  encode(value: In): Uint8Array;
}

/**
 * Both directions. `In` is what a sink takes, `Out` what a source gives; they differ where decoding refines
 * (a schema with defaults or transforms).
 */
export interface Codec<In, Out = In> extends Encoder<In>, Decoder<Out> {
  /** The media type of the bytes, for brokers that carry one. */
  readonly contentType?: string;
}
