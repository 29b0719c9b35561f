/**
 * Brokers in a Nest app: a module with injected handles, sources and sinks, health, and a shutdown that waits; a
 * transport for controllers with event and message patterns, and its client. Nest 10 to 12.
 *
 * @packageDocumentation
 */

export { BrokerRecord } from './broker-record.js';
export { BrokerClient, type BrokerClientEvents, type BrokerClientOptions } from './client.js';
export { BrokerContext, type BrokerContextParts } from './context.js';
export { InjectBroker, InjectSink, InjectSource, type InjectDecorator } from './decorators.js';
export { BROKER, type HandlerDeadLetter, type HandlerOnError, type HandlerOptions } from './handler-options.js';
export {
  BrokerHealthIndicator,
  type BrokerDetails,
  type BrokerHealth,
  type BrokerHealthLimits,
  type BrokerHealthOptions,
} from './health.js';
export { BrokerModule } from './module.js';
export type {
  BrokerFeature,
  BrokerModuleAsyncOptions,
  BrokerModuleOptions,
  BrokerSettings,
  BrokerSettingsFactory,
  FeatureModuleOptions,
  SinkFeature,
  SourceFeature,
} from './module-options.js';
export { OnBrokerEvent, OnBrokerRequest } from './on-broker.js';
export { Outcome, ack, deadLetter, release } from './outcome.js';
export type { ChannelPattern } from './patterns.js';
export {
  BrokerServer,
  type BrokerReplyOptions,
  type BrokerServerEvents,
  type BrokerServerOptions,
  type BrokerSubscription,
} from './server.js';
export {
  BrokerTester,
  BrokerTestingModule,
  type BrokerTestingOptions,
  type ProviderGetter,
  type ProviderOverrider,
  type TestDelivery,
  type WaitOptions,
} from './testing-module.js';
export { getBrokerToken, getSinkToken, getSourceToken } from './tokens.js';
export type { SourceHealth } from './watched-source.js';
