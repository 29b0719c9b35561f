import { wholeMessage, type Codec, type DecodeInfo } from '../core/codec.js';
import { DecodeError, InvalidOptionError } from '../core/errors.js';
import { decodeBytesMessage, decodeMessage } from './codec/amqp/decode.js';
import { checkMessage, encodeMessage } from './codec/amqp/encode.js';
import type { AmqpMessage, AmqpMessageInit } from './codec/amqp/types.js';

/**
 * Whole AMQP 1.0 messages, both ways: properties, application properties and annotations beside the body, and bodies
 * that are sequences or values. Bytes that are no AMQP message are refused.
 *
 * @example
 * ```ts
 * const events = broker.sink('events', { codec: amqp() });
 * events.next({ body: bytes, properties: { subject: 'created' }, applicationProperties: { attempt: 1 } });
 * ```
 */
export function amqp(): Codec<AmqpMessageInit, AmqpMessage>;
/**
 * The same with a codec for the body. It gets the bytes of data, or of a value that is a string or binary; a message
 * with another body is a `DecodeError`. Where the codec has a media type and the message no `contentType`, it is set.
 *
 * @example
 * ```ts
 * broker.messages('orders', { codec: amqp(json<Order>()) }).subscribe(({ value }) => {
 *   console.log(value.properties?.messageId, value.body.total);
 * });
 * ```
 * @throws InvalidOptionError if that is no codec
 */
export function amqp<In, Out>(bodyCodec: Codec<In, Out>): Codec<AmqpMessageInit<In>, AmqpMessage<Out>>;
export function amqp(bodyCodec?: Codec<unknown>): Codec<never, AmqpMessage<unknown>> {
  if (bodyCodec === undefined) return new PlainCodec();
  const like = bodyCodec as Partial<Codec<unknown>> | null;
  if (typeof like?.encode !== 'function' || typeof like.decode !== 'function') {
    throw new InvalidOptionError(
      'amqp(bodyCodec) takes a codec for the body, such as json() or text, or nothing; ' +
        `got ${bodyCodec === null ? 'null' : `a value of type ${typeof bodyCodec}`} without encode() and decode()`,
    );
  }
  return new BodyCodec(bodyCodec);
}

class PlainCodec implements Codec<AmqpMessageInit, AmqpMessage> {
  readonly [wholeMessage] = true;

  encode(message: AmqpMessageInit): Uint8Array {
    return encodeMessage(message);
  }

  decode(bytes: Uint8Array): AmqpMessage {
    try {
      return decodeMessage(bytes);
    } catch (cause) {
      throw undecodable(cause);
    }
  }
}

class BodyCodec implements Codec<AmqpMessageInit<unknown>, AmqpMessage<unknown>> {
  readonly [wholeMessage] = true;

  constructor(private readonly codec: Codec<unknown>) {}

  encode(message: AmqpMessageInit<unknown>): Uint8Array {
    checkMessage(message);
    const { contentType } = this.codec;
    const body = this.codec.encode(message.body);
    const properties =
      contentType === undefined
        ? message.properties
        : { ...message.properties, contentType: typeOf(message, contentType) };
    return encodeMessage({ ...message, body, properties });
  }

  decode(bytes: Uint8Array, info: DecodeInfo): AmqpMessage<unknown> {
    const message = bytesMessage(bytes);
    if (message.body === undefined) {
      throw new DecodeError(
        'the body of the message is a sequence, or a value that is neither a string nor binary, and a codec takes bytes: ' +
          'read it with amqp() alone',
      );
    }
    return { ...message, body: this.codec.decode(message.body, info) };
  }
}

function typeOf(message: AmqpMessageInit<unknown>, contentType: string): string {
  return message.properties?.contentType ?? contentType;
}

function bytesMessage(bytes: Uint8Array): AmqpMessage<Uint8Array | undefined> {
  try {
    return decodeBytesMessage(bytes);
  } catch (cause) {
    throw undecodable(cause);
  }
}

function undecodable(cause: unknown): DecodeError {
  return new DecodeError(cause instanceof Error ? cause.message : String(cause), { cause });
}
