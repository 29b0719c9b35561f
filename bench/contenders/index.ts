import type { Contender } from '../contender.js';

/** Loads one contender, and no code of the others. */
export const contenders: Readonly<Record<string, () => Promise<Contender>>> = {
  'go-liftbridge': async () => (await import('./go-liftbridge.js')).goLiftbridge,
  'gufo-liftbridge': async () => (await import('./gufo-liftbridge.js')).gufoLiftbridge,
  liftbridge: async () => (await import('./liftbridge.js')).liftbridgeContender,
  'liftbridge-floor': async () => (await import('./liftbridge-floor.js')).liftbridgeFloor,
  'liftbridge-grpc-js': async () => (await import('./liftbridge-grpc-js.js')).liftbridgeGrpcJs,
  lonelyps: async () => (await import('./lonelyps.js')).lonelypsContender,
  'lonelyps-floor': async () => (await import('./lonelyps-floor.js')).lonelypsFloor,
  lonelypsc: async () => (await import('./lonelypsc.js')).lonelypsc,
  memory: async () => (await import('./memory.js')).memoryContender,
  'memory-instrumented': async () => (await import('./opentelemetry.js')).instrumentedMemory,
  'nats-floor': async () => (await import('./nats-floor.js')).natsFloor,
  'node-nats-streaming': async () => (await import('./node-nats-streaming.js')).nodeNatsStreaming,
  operators: async () => (await import('./operators.js')).operators,
  'rabbitmq-floor': async () => (await import('./rabbitmq-floor.js')).rabbitMqFloor,
  'rabbitmq-stream': async () => (await import('./rabbitmq-stream.js')).rabbitMqStream,
  'rabbitmq-stream-js-client': async () => (await import('./rabbitmq-stream-js-client.js')).rabbitMqStreamJsClient,
  rstream: async () => (await import('./rstream.js')).rstream,
  'rx-weir-v2': async () => (await import('./rx-weir.js')).rxWeirOverV2,
  'rx-weir-v3': async () => (await import('./rx-weir.js')).rxWeirOverV3,
};
