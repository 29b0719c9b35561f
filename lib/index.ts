/**
 * What all brokers share: operators, starts and ends, codecs, errors, and the types of a broker's handle.
 * The brokers themselves are entry points of their own, such as `rx-weir/memory`.
 *
 * @packageDocumentation
 */

export { bytes } from './codec/bytes.js';
export { json } from './codec/json.js';
export { protobuf, type ProtobufType } from './codec/protobuf.js';
export type {
  InferInput,
  InferOutput,
  StandardSchema,
  StandardSchemaIssue,
  StandardSchemaResult,
} from './codec/standard-schema.js';
export { text } from './codec/text.js';
export type { ReconnectOptions } from './core/backoff.js';
export type {
  AnyBroker,
  AnyDeliveryKind,
  Broker,
  BrokerEvent,
  BrokerTypes,
  ConfirmedReceipt,
  DeliveryKind,
  DeliveryOf,
  FailedReceipt,
  HotOptions,
  MessageFields,
  Outgoing,
  PublishOptions,
  PublishToOptions,
  Receipt,
  Sink,
  SinkOptions,
  SourceOptions,
  Status,
} from './core/broker.js';
export type { Codec, DecodeInfo, Decoder, Encoder } from './core/codec.js';
export type { Delivery } from './core/delivery.js';
export type { Diagnostics } from './core/diagnostics.js';
export {
  AuthenticationError,
  AuthorizationError,
  BrokerTimeoutError,
  ClosedError,
  ConnectionError,
  DecodeError,
  FrameTooLargeError,
  InUseError,
  InvalidOptionError,
  OffsetMismatchError,
  OffsetNotFoundError,
  OverflowError,
  ProtocolError,
  PublishError,
  PublishUncertainError,
  RoutingError,
  StreamExistsError,
  StreamNotFoundError,
  StreamUnavailableError,
  UnsupportedError,
  WeirError,
  errorCodes,
  type BrokerName,
  type ErrorCode,
  type ErrorDetail,
  type WeirErrorOptions,
} from './core/errors.js';
export type { Logger } from './core/logger.js';
export {
  earliest,
  fromAgo,
  fromOffset,
  fromTime,
  latest,
  newOnly,
  untilNow,
  untilOffset,
  untilTime,
  type Earliest,
  type FromAgo,
  type FromOffset,
  type FromTime,
  type Latest,
  type NewOnly,
  type Start,
  type Until,
  type UntilNow,
  type UntilOffset,
  type UntilTime,
} from './core/starts.js';
export { ackConcatMap, type AckConcatMapOptions } from './operators/ack-concat-map.js';
export { ackFilter } from './operators/ack-filter.js';
export { ackMergeMap, type AckMergeMapOptions } from './operators/ack-merge-map.js';
export { autoAck } from './operators/auto-ack.js';
export { bridgeTo, type BridgeOptions } from './operators/bridge-to.js';
export { idle } from './operators/idle.js';
export { mapValue } from './operators/map-value.js';
export type { Mapped } from './operators/mapped-delivery.js';
export type { DeadLetter, OnError } from './operators/on-error.js';
export { toAsyncIterable, type ToAsyncIterableOptions } from './operators/to-async-iterable.js';
