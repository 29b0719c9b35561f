import type { MessageFields } from '../core/broker.js';
import { instance, text, type Shape } from '../core/check.js';
import type { AmqpProperties } from './codec/amqp/types.js';

/** What goes out beside the value on a RabbitMQ stream: the sections of an AMQP 1.0 message that stand before its body. */
export interface RabbitMqStreamFields extends MessageFields {
  /** Messages have no key here; a super stream's `routing` takes one from the value. */
  readonly key?: undefined;
  /** The application properties: strings, numbers, bigints, booleans, bytes, Dates and so on. */
  readonly headers?: ReadonlyMap<string, unknown> | Readonly<Record<string, unknown>> | undefined;
  /** The standard properties: `subject`, `correlationId`, `contentType` and so on. */
  readonly properties?: AmqpProperties | undefined;
  /** The message annotations, for brokers on the way; RabbitMQ's own keys begin with `x-`. Keys are ASCII. */
  readonly annotations?: ReadonlyMap<string, unknown> | Readonly<Record<string, unknown>> | undefined;
  /**
   * The publishing id, 0 to 2^64 - 1, larger than the one before. With a `producer` name the broker drops a message whose
   * id it has seen, and confirms it all the same. Default: the next one.
   */
  readonly id?: bigint | undefined;
  /** What consumers can filter by, instead of what the sink's `filterValue` would give. */
  readonly filterValue?: string | undefined;
}

/** The largest publishing id: 64 bits, unsigned. @internal */
export const maxPublishingId = 2n ** 64n - 1n;

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value);

/** @internal */
export const fieldsShape: Shape<Omit<RabbitMqStreamFields, 'key'>> = {
  headers: instance(isObject, 'a Map or an object with names and values'),
  properties: instance(isObject, 'an object with AMQP properties, such as subject'),
  annotations: instance(isObject, 'a Map or an object with names and values'),
  id: instance(
    (value) => typeof value === 'bigint' && value >= 0n && value <= maxPublishingId,
    'a bigint from 0n to 2n ** 64n - 1n',
  ),
  filterValue: text({ empty: true }),
};
