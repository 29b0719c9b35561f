import { Client, credentials } from '@grpc/grpc-js';
import {
  startLiftbridge,
  startLonelypss,
  startNatsStreaming,
  startRabbitMq,
  type RabbitMqServer,
} from '../spec/support/brokers/index.js';
import { calls, createStreamRequest, deleteStreamRequest } from './contenders/liftbridge-messages.js';
import type { RoundServer, ServerOfRound } from './rounds.js';

/**
 * A NATS Streaming server for one round, fresh where it is ours, so that no round pays for what the ones before left in
 * memory. One whose address is in RX_WEIR_NATS_STREAMING is used as it is, and must take `messages` in a channel.
 */
const natsStreaming: ServerOfRound = async () => {
  const given = process.env['RX_WEIR_NATS_STREAMING'];
  const server = await startNatsStreaming(given ? {} : { limits: { messages: 0, bytes: 0, channels: 0 } });
  const { host, port, cluster } = server;
  return { address: { host, port, cluster, login: undefined }, stop: () => server.stop() };
};

let rabbit: Promise<RabbitMqServer> | undefined;

/**
 * One RabbitMQ for all rounds, as it takes seconds to start: the one in RX_WEIR_RABBITMQ, or one that ends with the run.
 * Streams are made for a round and deleted after it.
 */
const rabbitMq: ServerOfRound = async (): Promise<RoundServer> => {
  const [{ host, port, username, password, vhost }, { rabbitmqStream }] = await Promise.all([
    (rabbit ??= startRabbitMq()),
    import('../lib/rabbitmq-stream/index.js'),
  ]);
  const broker = rabbitmqStream({ host, port, username, password, vhost });
  const made: string[] = [];
  return {
    address: { host, port, cluster: '', login: { username, password, vhost } },
    async makeChannel(channel) {
      await broker.createStream(channel);
      made.push(channel);
    },
    async stop() {
      try {
        for (const channel of made) await broker.deleteStream(channel);
      } finally {
        await broker.close();
      }
    },
  };
};

/** A Liftbridge for one round, fresh where it is ours. One whose address is in RX_WEIR_LIFTBRIDGE is used as it is. */
const liftbridge: ServerOfRound = async (): Promise<RoundServer> => {
  const server = await startLiftbridge();
  const { host, port } = server;
  const client = new Client(`${host}:${port}`, credentials.createInsecure());
  const made: string[] = [];
  return {
    address: { host, port, cluster: '', login: undefined },
    async makeChannel(channel) {
      await ask(client, calls.createStream, createStreamRequest(channel));
      made.push(channel);
    },
    async stop() {
      try {
        for (const channel of made) await ask(client, calls.deleteStream, deleteStreamRequest(channel));
      } finally {
        client.close();
        await server.stop();
      }
    },
  };
};

/** A broadcaster for one round, fresh where it is ours. One whose address is in RX_WEIR_LONELYPS is used as it is. */
const lonelyps: ServerOfRound = async (): Promise<RoundServer> => {
  const server = await startLonelypss();
  const { host, port, pid } = server;
  return { address: { host, port, cluster: '', login: undefined, pid }, stop: () => server.stop() };
};

/** Makes a call whose answer is empty, of 10 s at most. */
function ask(client: Client, path: string, request: Buffer): Promise<void> {
  const asItIs = (bytes: Buffer): Buffer => bytes;
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(path, asItIs, asItIs, request, { deadline: Date.now() + 10_000 }, (error) => {
      if (error) reject(error);
      else resolve();
    });
  });
}

/** The servers that benches are run on, by name. */
export const servers = { liftbridge, lonelyps, 'nats-streaming': natsStreaming, rabbitmq: rabbitMq } satisfies Record<
  string,
  ServerOfRound
>;
