import type { Broker } from 'rx-weir';
import { memory } from 'rx-weir/memory';
import type { Contender, Runner } from '../contender.js';
import { publishFrom, publishToSink, replay } from './broker-tasks.js';

/** What can be measured with a broker in this process, on a fresh handle each time. */
export function tasksOn(make: () => Broker): Contender {
  const running = (tasks: (broker: Broker) => Omit<Runner, 'close'>): Runner => {
    const broker = make();
    return { ...tasks(broker), close: () => broker.close() };
  };
  return {
    publish: async (job) =>
      running((broker) => ({ run: (channel, messages) => publishFrom(broker, job, channel, messages) })),
    sink: async (job) =>
      running((broker) => ({ run: (channel, messages) => publishToSink(broker, job, channel, messages) })),
    replay: async (job) =>
      running((broker) => ({
        prepare: (channel, messages) => publishFrom(broker, job, channel, messages),
        run: (channel, messages) => replay(broker, job, channel, messages),
      })),
  };
}

/** The memory broker: what the library itself costs, without a wire. */
export const memoryContender = tasksOn(memory);
