export type { BrokerServer } from './broker-server.js';
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
export { stopAll } from './registry.js';
