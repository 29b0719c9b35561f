import type { Codec } from '../core/codec.js';
import { DecodeError, InvalidOptionError } from '../core/errors.js';

/**
 * What a message type of protobufjs has, whether reflected (`root.lookupType('Order')`) or a generated static class.
 * Other generators fit where they have the same methods.
 */
export interface ProtobufType<In extends object, Out extends object = In> {
  encode(message: In): { finish(): Uint8Array };
  decode(bytes: Uint8Array): Out;
  /** Says what is wrong with a message; null if nothing is. */
  verify?(message: Record<string, unknown>): string | null;
}

/**
 * Messages of one protobuf type. A value is verified before it is encoded, where the type can, so that a wrong field is
 * refused instead of sent as something else.
 *
 * @example
 * ```ts
 * const order = protobuf<Order>(root.lookupType('shop.Order'));
 * broker.messages('orders', { codec: order });
 * ```
 * @throws InvalidOptionError if `type` has no `encode` and `decode`
 */
export function protobuf<In extends object, Out extends object>(type: ProtobufType<In, Out>): Codec<In, Out>;
/** The same for a reflected type, which does not know its fields at compile time: `T` is a promise of yours. */
export function protobuf<T extends object>(type: ProtobufType<T, object>): Codec<T>;
export function protobuf(type: ProtobufType<object>): Codec<object> {
  const like = type as Partial<ProtobufType<object>> | null | undefined;
  if (typeof like?.encode !== 'function' || typeof like.decode !== 'function') {
    throw new InvalidOptionError(
      'protobuf(type) takes a message type of protobufjs: a class made by pbjs, or what root.lookupType() gives; ' +
        `got ${type === null ? 'null' : `a value of type ${typeof type}`} without encode() and decode()`,
    );
  }
  return {
    contentType: 'application/protobuf',
    encode(value) {
      if (typeof value !== 'object' || value === null) {
        throw new DecodeError(`protobuf takes a message object; got ${value === null ? 'null' : typeof value}`);
      }
      const problem = type.verify?.(value as Record<string, unknown>);
      if (typeof problem === 'string') throw new DecodeError(`the message does not fit its protobuf type: ${problem}`);
      try {
        return type.encode(value).finish();
      } catch (cause) {
        throw new DecodeError(`the message cannot be written as protobuf: ${reasonOf(cause)}`, { cause });
      }
    },
    decode(bytes) {
      try {
        return type.decode(bytes);
      } catch (cause) {
        throw new DecodeError(`the bytes are not a message of that protobuf type: ${reasonOf(cause)}`, { cause });
      }
    },
  };
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
