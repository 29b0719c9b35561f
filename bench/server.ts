import { startNatsStreaming } from '../spec/support/brokers/index.js';
import type { ServerOfRound } from './rounds.js';

/**
 * A NATS Streaming server for one round, fresh where it is ours, so that no round pays for what the ones before left in
 * memory. One whose address is in RX_WEIR_NATS_STREAMING is used as it is, and must take `messages` in a channel.
 */
export const natsStreamingForRound: ServerOfRound = async () => {
  const given = process.env['RX_WEIR_NATS_STREAMING'];
  const server = await startNatsStreaming(given ? {} : { limits: { messages: 0, bytes: 0, channels: 0 } });
  const { host, port, cluster } = server;
  return { address: { host, port, cluster }, stop: () => server.stop() };
};
