import { rabbitmqStream } from '../../lib/rabbitmq-stream/index.js';
import { startRabbitMq, type RabbitMqServer } from '../support/brokers/index.js';
import { unique } from '../support/names.js';
import { describeContract } from './contract.js';

/** More than the suite has specs with a stream of their own. */
const streams = 220;

let server: RabbitMqServer;
let free: string[];

describeContract(
  'rabbitmq-stream',
  {
    replay: true,
    starts: ['newOnly', 'latest', 'earliest', 'fromOffset', 'fromTime', 'fromAgo'],
    untils: ['untilNow', 'untilOffset', 'untilTime'],
    durable: 'position',
    queue: 'single',
    durableQueue: false,
    redelivery: { ackWait: 200, counted: true },
    keys: false,
    headers: true,
    ids: 'number',
    firstOffset: 0n,
    confirms: true,
    receiptOffsets: false,
    badChannels: ['', 'two\nlines', 'x'.repeat(256)],
    maxPayload: 1024 * 1024,
  },
  {
    // a stream is made before it is used, and the specs take one when they begin
    start: async () => {
      server = await startRabbitMq();
      const broker = rabbitmqStream({ url: server.url });
      free = Array.from({ length: streams }, () => unique('contract'));
      await Promise.all(free.map((stream) => broker.createStream(stream)));
      await broker.close();
    },
    stop: () => server.stop(),
    channel: () => {
      const stream = free.pop();
      if (stream === undefined) throw new Error('the suite takes more streams than were made for it');
      return stream;
    },
    broker: ({ client, closeTimeout }) => rabbitmqStream({ url: server.url, connectionName: client, closeTimeout }),
  },
);
