import { memory } from 'rx-weir/memory';
import type { Contender } from '../contender.js';
import { publishFrom, publishToSink, replay } from './broker-tasks.js';

/** The memory broker: what the library itself costs, without a wire. */
export const memoryContender: Contender = {
  async publish(job) {
    const broker = memory();
    return {
      run: (channel, messages) => publishFrom(broker, job, channel, messages),
      close: () => broker.close(),
    };
  },
  async sink(job) {
    const broker = memory();
    return {
      run: (channel, messages) => publishToSink(broker, job, channel, messages),
      close: () => broker.close(),
    };
  },
  async replay(job) {
    const broker = memory();
    return {
      prepare: (channel, messages) => publishFrom(broker, job, channel, messages),
      run: (channel, messages) => replay(broker, job, channel, messages),
      close: () => broker.close(),
    };
  },
};
