import { liftbridge } from '../../lib/liftbridge/index.js';
import { startLiftbridge, type LiftbridgeServer } from '../support/brokers/index.js';
import { unique } from '../support/names.js';
import { describeContract } from './contract.js';

/** More than the suite has specs with a stream of their own. */
const streams = 220;

let server: LiftbridgeServer;
let free: string[];

describeContract(
  'liftbridge',
  {
    replay: true,
    starts: ['newOnly', 'latest', 'earliest', 'fromOffset', 'fromTime', 'fromAgo'],
    untils: ['untilNow', 'untilOffset', 'untilTime'],
    durable: 'position',
    queue: 'single',
    durableQueue: false,
    redelivery: { ackWait: 200, counted: true },
    keys: true,
    headers: 'bytes',
    ids: 'text',
    firstOffset: 0n,
    confirms: true,
    receiptOffsets: true,
    badChannels: ['', 'two words', 'two\nlines', 'a/b', '../up', 'a..b', 'x'.repeat(201)],
    maxPayload: 4 * 1024 * 1024,
  },
  {
    // a stream is made before it is used, and the specs take one when they begin
    start: async () => {
      server = await startLiftbridge();
      const broker = liftbridge({ brokers: server.url });
      free = Array.from({ length: streams }, () => unique('contract'));
      for (const name of free) await broker.createStream({ name });
      await broker.close();
    },
    stop: () => server.stop(),
    channel: () => {
      const stream = free.pop();
      if (stream === undefined) throw new Error('the suite takes more streams than were made for it');
      return stream;
    },
    broker: ({ closeTimeout }) => liftbridge({ brokers: server.url, closeTimeout }),
  },
);
