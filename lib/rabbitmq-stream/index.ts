import { RabbitHandle, type RabbitMqStreamBroker } from './broker.js';
import { resolveOptions, type RabbitMqStreamOptions } from './options.js';

export type { RabbitMqStreamAdmin, StreamStats } from './admin.js';
export type {
  CreateStreamOptions,
  CreateSuperStreamOptions,
  DeleteStreamOptions,
  StreamArguments,
} from './admin-options.js';
export { amqp } from './amqp.js';
export type { RabbitMqStreamBroker, RabbitMqStreamDeliveryKind, RabbitMqStreamTypes } from './broker.js';
export { amqpDescribed, amqpType } from './codec/amqp/typed.js';
export type {
  AmqpDescribed,
  AmqpTyped,
  AmqpTypeInputs,
  AmqpTypeName,
  AmqpTypes,
  AmqpUuid,
} from './codec/amqp/typed.js';
export type {
  AmqpBody,
  AmqpFields,
  AmqpHeader,
  AmqpMessage,
  AmqpMessageId,
  AmqpMessageInit,
  AmqpProperties,
} from './codec/amqp/types.js';
export type { Compression } from './compression/compressor.js';
export type { StoreEvery } from '../core/store-every.js';
export type { TlsMaterial, TlsOptions } from '../core/tls.js';
export type { RabbitMqStreamDelivery } from './delivery.js';
export type { RabbitMqStreamFields } from './fields.js';
export type { Address, RabbitMqStreamOptions } from './options.js';
export { routeByHash, routeByKey } from './routing.js';
export type { RabbitMqStreamRouting } from './routing.js';
export type { RabbitMqStreamSinkOptions, SubEntryOptions } from './sink/options.js';
export type {
  RabbitMqStreamFilter,
  RabbitMqStreamSourceOptions,
  RabbitMqStreamStart,
  RabbitMqStreamUntil,
} from './source/options.js';

/**
 * A handle on RabbitMQ Streams, by the stream protocol. Nothing is connected until the first use or `connect()`. Connections
 * that are lost are made again by themselves: sources go on after what they have emitted, sinks with what is unconfirmed as
 * their options say.
 * @throws InvalidOptionError
 */
export function rabbitmqStream(options: RabbitMqStreamOptions = {}): RabbitMqStreamBroker {
  return new RabbitHandle(resolveOptions(options)) as unknown as RabbitMqStreamBroker;
}
