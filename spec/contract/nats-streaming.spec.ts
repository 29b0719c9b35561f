import { natsStreaming } from '../../lib/nats-streaming/index.js';
import { startNatsStreaming, type NatsStreamingServer } from '../support/brokers/index.js';
import { describeContract } from './contract.js';

let server: NatsStreamingServer;

describeContract(
  'nats-streaming',
  {
    replay: true,
    starts: ['newOnly', 'latest', 'earliest', 'fromOffset', 'fromTime', 'fromAgo'],
    untils: ['untilOffset', 'untilTime'],
    durable: 'client',
    queue: 'shared',
    durableQueue: true,
    redelivery: { ackWait: 1_000, counted: true },
    keys: false,
    headers: false,
    ids: 'text',
    firstOffset: 1n,
    confirms: true,
    receiptOffsets: false,
    badChannels: ['', 'orders.*', 'orders.>', 'two words', '.orders', 'orders.', 'or..ders'],
    maxPayload: 1024 * 1024,
  },
  {
    start: async () => {
      // a channel for each spec is more than the hundred that a server holds by default
      server = await startNatsStreaming({ limits: { channels: 0 } });
    },
    stop: () => server.stop(),
    broker: ({ client, closeTimeout }) =>
      natsStreaming({
        servers: server.url,
        clusterId: server.cluster,
        clientId: client,
        closeTimeout,
      }),
  },
);
