import { LiftbridgeHandle, type LiftbridgeBroker } from './broker.js';
import { resolveOptions, type LiftbridgeOptions } from './options.js';

export { activity } from './activity.js';
export type { LiftbridgeAdmin } from './admin.js';
export type {
  CreateStreamOptions,
  FetchCursorOptions,
  DeleteStreamOptions,
  MetadataOptions,
  PauseStreamOptions,
  SetCursorOptions,
  SetStreamReadonlyOptions,
} from './admin-options.js';
export type { LiftbridgeBroker, LiftbridgeDeliveryKind, LiftbridgeTypes } from './broker.js';
export type { Activity, ActivityEvent, ActivityPartitions } from './codec/activity.js';
export type { StoreEvery } from '../core/store-every.js';
export type { TlsMaterial, TlsOptions } from '../core/tls.js';
export type { Address } from './connection/address.js';
export type { CallCredentialsLike, LiftbridgeCredentials, LiftbridgeMetadata } from './credentials.js';
export type { LiftbridgeDelivery } from './delivery.js';
export { envelope, openEnvelope } from './envelope.js';
export type { EnvelopedAck, EnvelopedMessage, EnvelopeOptions, OpenedEnvelope, PlainMessage } from './envelope.js';
export type { AckPolicy, LiftbridgeFields, LiftbridgeHeaders } from './fields.js';
export type {
  BrokerInfo,
  ClusterMetadata,
  EventTimes,
  GroupMetadata,
  PartitionInfo,
  PartitionMetadata,
  StreamMetadata,
} from './metadata.js';
export { natsPublisher } from './nats-publisher.js';
export type {
  NatsAck,
  NatsConnectionLike,
  NatsMessageLike,
  NatsPublisher,
  NatsPublisherFields,
  NatsPublisherOptions,
} from './nats-publisher.js';
export type { LiftbridgeOptions } from './options.js';
export { byKey, roundRobin } from './partitioners.js';
export type { PartitionedMessage, Partitioner } from './partitioners.js';
export type { LiftbridgeSinkOptions } from './sink/options.js';
export type { PublishToSubjectOptions, SubjectReceipt } from './sink/publish-to-subject.js';
export type { LiftbridgeSourceOptions, LiftbridgeStart, LiftbridgeUntil } from './source/options.js';

/**
 * A handle on a Liftbridge cluster, over gRPC. Nothing is connected until the first use or `connect()`. Connections that are
 * lost are made again by themselves: sources go on after what they have emitted, from whoever leads the partition then; sinks
 * with what is unconfirmed as their options say.
 * @throws InvalidOptionError
 */
export function liftbridge(options: LiftbridgeOptions = {}): LiftbridgeBroker {
  return new LiftbridgeHandle(resolveOptions(options)) as unknown as LiftbridgeBroker;
}
