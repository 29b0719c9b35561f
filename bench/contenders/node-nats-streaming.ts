import { once } from 'node:events';
import stan from 'node-nats-streaming';
import { clientId, type Contender, type Job, type Runner } from '../contender.js';

/**
 * The official client of old, as fast as its documentation says how: bytes in and out (`stanEncoding: 'binary'` spares it
 * the strings, and a Uint8Array spares it the copy that it makes of a Buffer), and as large a window as everybody has.
 */
export const nodeNatsStreaming: Contender = {
  publish: (job) => open(job, publish),
  replay: (job) => open(job, replay),
};

type Task = (client: stan.Stan, job: Job, channel: string, messages: number) => Promise<void>;

async function open(job: Job, task: Task): Promise<Runner> {
  const { host, port, cluster } = job.server!;
  const client = stan.connect(cluster, clientId(job), {
    url: `nats://${host}:${port}`,
    maxPubAcksInflight: job.window,
    stanEncoding: 'binary',
  });
  await once(client, 'connect');
  return {
    run: (channel, messages) => task(client, job, channel, messages),
    async close() {
      const closed = once(client, 'close');
      client.close();
      await closed;
    },
  };
}

function publish(client: stan.Stan, { size, window }: Job, channel: string, messages: number): Promise<void> {
  const data = new Uint8Array(size).fill(97);
  return new Promise((resolve, reject) => {
    let sent = 0;
    let confirmed = 0;
    const acked = (error: Error | undefined): void => {
      if (error) reject(error);
      else if (++confirmed === messages) resolve();
      else pump();
    };
    const pump = (): void => {
      while (sent < messages && sent - confirmed < window) {
        sent++;
        client.publish(channel, data, acked);
      }
    };
    pump();
  });
}

function replay(client: stan.Stan, { size, window }: Job, channel: string, messages: number): Promise<void> {
  const options = client
    .subscriptionOptions()
    .setDeliverAllAvailable()
    .setManualAckMode(true)
    .setAckWait(60_000)
    .setMaxInFlight(window);
  return new Promise((resolve, reject) => {
    const subscription = client.subscribe(channel, options);
    let seen = 0;
    let bytes = 0;
    subscription.on('error', reject);
    subscription.on('timeout', reject);
    subscription.on('message', (message: stan.Message) => {
      bytes += message.getData().length;
      message.ack();
      if (++seen < messages) return;
      subscription.close();
      if (bytes === messages * size) resolve();
      else reject(new Error(`${bytes} bytes came in ${messages} messages of ${size}`));
    });
  });
}
