/**
 * Brokers in Angular applications, with zone.js and without: providers, streams that end with their component, signals.
 *
 * @packageDocumentation
 */

export {
  withCodec,
  withConnect,
  withName,
  withServer,
  type BrokerFeature,
  type ConnectFeatureOptions,
} from './features.js';
export { injectBroker } from './inject-broker.js';
export { injectBrokerStatus } from './inject-broker-status.js';
export { injectFrom } from './inject-from.js';
export { injectLatest } from './inject-latest.js';
export { injectMessages } from './inject-messages.js';
export { injectRecent, type RecentOptions } from './inject-recent.js';
export { injectValues } from './inject-values.js';
export type {
  ChannelInput,
  ChannelOf,
  CodedOptions,
  DeliveryFrom,
  InjectOptions,
  PlainOptions,
  SourceOptionsOf,
} from './options.js';
export { provideBroker } from './provide-broker.js';
export { BROKER, brokerToken } from './tokens.js';
