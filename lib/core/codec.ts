/** What a decoder is told about the message whose bytes it gets. */
export interface DecodeInfo {
  /** The subject, stream or topic that the message came on. */
  readonly channel: string;
  /** The message's headers; empty where the broker has none. */
  readonly headers: ReadonlyMap<string, unknown>;
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
