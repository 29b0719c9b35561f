import type { AmqpUuid } from './typed.js';

/**
 * A message of AMQP 1.0 with all that it has beside its body. Times are Dates, 64-bit integers are bigints, symbols are
 * strings, lists and arrays are arrays, maps are Maps; what JavaScript has no value for (a uuid, a decimal) is an
 * `AmqpTyped`, and a described value an `AmqpDescribed`.
 */
export interface AmqpMessage<B = AmqpBody> {
  readonly body: B;
  /** How the message is to be transferred. Streams don't act on it. */
  readonly header?: AmqpHeader | undefined;
  /** For the next hop only. */
  readonly deliveryAnnotations?: ReadonlyMap<string, unknown> | undefined;
  /** For the brokers on the way; RabbitMQ's own keys begin with `x-`. */
  readonly messageAnnotations?: ReadonlyMap<string, unknown> | undefined;
  readonly properties?: AmqpProperties | undefined;
  /** The application's own fields, what other protocols call headers. */
  readonly applicationProperties?: ReadonlyMap<string, unknown> | undefined;
  readonly footer?: ReadonlyMap<string, unknown> | undefined;
}

/**
 * A message to encode; what `AmqpMessage` is, with plain objects accepted for maps.
 *
 * A value is written as: an integer of 32 bits as int, a larger safe one as long, another number as double; a bigint as
 * long, or ulong where long is too small; a boolean, a string, a Uint8Array (binary), a Date (timestamp) and null as
 * what they are; an array as list, a Map or plain object as map. `amqpType` says it otherwise. A field that is
 * undefined is left out; a value of any other kind is an `InvalidOptionError`.
 */
export interface AmqpMessageInit<B = AmqpBody | Uint8Array> {
  readonly body: B;
  readonly header?: AmqpHeader | undefined;
  /** Its keys are written as symbols, so they have to be ASCII. */
  readonly deliveryAnnotations?: AmqpFields | undefined;
  /** Its keys are written as symbols, so they have to be ASCII. */
  readonly messageAnnotations?: AmqpFields | undefined;
  readonly properties?: AmqpProperties | undefined;
  readonly applicationProperties?: AmqpFields | undefined;
  /** Its keys are written as symbols, so they have to be ASCII. */
  readonly footer?: AmqpFields | undefined;
}

/** Names and values. */
export type AmqpFields = ReadonlyMap<string, unknown> | Readonly<Record<string, unknown>>;

/**
 * The three forms that the body of an AMQP message can have. Several data sections are given as one, and so are several
 * sequences. A message without a body has no data.
 */
export type AmqpBody =
  | { readonly kind: 'data'; readonly data: Uint8Array }
  | { readonly kind: 'sequence'; readonly items: readonly unknown[] }
  | { readonly kind: 'value'; readonly value: unknown };

/** The section by the same name. */
export interface AmqpHeader {
  readonly durable?: boolean | undefined;
  /** 0 to 255; 4 is meant where it is absent. */
  readonly priority?: number | undefined;
  /** Milliseconds, unsigned 32 bit. */
  readonly ttl?: number | undefined;
  readonly firstAcquirer?: boolean | undefined;
  /** How often it was tried before, unsigned 32 bit. */
  readonly deliveryCount?: number | undefined;
}

/** What tells one message from others: a bigint is a ulong on the wire. */
export type AmqpMessageId = string | bigint | Uint8Array | AmqpUuid;

/** The standard properties of a message. */
export interface AmqpProperties {
  readonly messageId?: AmqpMessageId | undefined;
  /** Who made the message. */
  readonly userId?: Uint8Array | undefined;
  readonly to?: string | undefined;
  readonly subject?: string | undefined;
  readonly replyTo?: string | undefined;
  readonly correlationId?: AmqpMessageId | undefined;
  /** A media type, ASCII. */
  readonly contentType?: string | undefined;
  /** ASCII. */
  readonly contentEncoding?: string | undefined;
  /** A time beyond what a Date can hold is given as the last that it can. */
  readonly absoluteExpiryTime?: Date | undefined;
  /** A time beyond what a Date can hold is given as the last that it can. */
  readonly creationTime?: Date | undefined;
  readonly groupId?: string | undefined;
  /** Unsigned 32 bit. */
  readonly groupSequence?: number | undefined;
  readonly replyToGroupId?: string | undefined;
}
