export type { BrokerServer } from './broker-server.js';
export { startLiftbridge } from './liftbridge.js';
export { startLiftbridgeCluster, type LiftbridgeClusterOptions } from './liftbridge-cluster.js';
export type {
  LiftbridgeCluster,
  LiftbridgeNode,
  LiftbridgeNodeName,
  LiftbridgeOptions,
  LiftbridgeServer,
  LiftbridgeStreamDefaults,
} from './liftbridge-server.js';
export { lonelypss, startLonelypss } from './lonelypss.js';
export type { LonelypssAuth, LonelypssAuthChoice, LonelypssSide, LonelypssSideChoice } from './lonelypss-auth.js';
export type { LonelypssOptions, LonelypssServer } from './lonelypss-server.js';
export { startNatsServer, type NatsServerOptions } from './nats-server.js';
export {
  startNatsStreaming,
  type NatsStreamingLimits,
  type NatsStreamingServer,
  type NatsStreamingServerOptions,
} from './nats-streaming.js';
export {
  startNatsStreamingCluster,
  type NatsStreamingCluster,
  type NatsStreamingClusterOptions,
  type NatsStreamingNode,
} from './nats-streaming-cluster.js';
export { startRabbitMq } from './rabbitmq.js';
export { startRabbitMqCluster, type RabbitMqClusterOptions } from './rabbitmq-cluster.js';
export {
  ManagementError,
  type ListedConnection,
  type Permissions,
  type PublishOptions,
  type RabbitMqManagement,
  type StreamMembers,
} from './rabbitmq-management.js';
export type { RabbitMqCluster, RabbitMqNode, RabbitMqOptions, RabbitMqServer } from './rabbitmq-server.js';
export { stopAll } from './registry.js';
