import type { Contender } from '../contender.js';

/** Loads one contender, and no code of the others. */
export const contenders: Readonly<Record<string, () => Promise<Contender>>> = {
  memory: async () => (await import('./memory.js')).memoryContender,
  'nats-floor': async () => (await import('./nats-floor.js')).natsFloor,
  'node-nats-streaming': async () => (await import('./node-nats-streaming.js')).nodeNatsStreaming,
  operators: async () => (await import('./operators.js')).operators,
  'rx-weir-v2': async () => (await import('./rx-weir.js')).rxWeirOverV2,
  'rx-weir-v3': async () => (await import('./rx-weir.js')).rxWeirOverV3,
};
