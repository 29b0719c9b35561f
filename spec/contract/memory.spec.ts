import { memory, type MemoryBroker } from '../../lib/memory/index.js';
import { describeContract } from './contract.js';

let store: MemoryBroker;

describeContract(
  'memory',
  {
    replay: true,
    starts: ['newOnly', 'latest', 'earliest', 'fromOffset', 'fromTime', 'fromAgo'],
    untils: ['untilNow', 'untilOffset', 'untilTime'],
    durable: 'shared',
    queue: 'shared',
    durableQueue: true,
    redelivery: { ackWait: 100, counted: true },
    keys: true,
    headers: true,
    ids: 'text',
    firstOffset: 1n,
    confirms: true,
    receiptOffsets: true,
    badChannels: ['', 'orders.*', 'orders.>', 'two words', 'line\nbreak'],
    maxPayload: undefined,
  },
  {
    start: () => {
      store = memory();
      return Promise.resolve();
    },
    stop: () => store.close(),
    broker: ({ closeTimeout }) => store.handle({ closeTimeout }),
  },
);
