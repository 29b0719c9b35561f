import { connect, Offset, type Client } from 'rabbitmq-stream-js-client';
import { CompressionType } from 'rabbitmq-stream-js-client/dist/compression.js';
import {
  creditsOnChunkReceived,
  type ConsumerCreditPolicy,
} from 'rabbitmq-stream-js-client/dist/consumer_credit_policy.js';
import type { Contender, Job, Runner } from '../contender.js';

/**
 * The JavaScript client of the RabbitMQ organisation, as fast as we could make it: larger frames than its default, an await
 * for each `send` (without them it takes more), a window that the confirms move, and a consumer that does nothing
 * asynchronous.
 */
export const rabbitMqStreamJsClient: Contender = {
  publish: (job) => open(job, publish),
  publishGzip: (job) => open(job, publishGzip),
  replay: (job) => open(job, (client, job, channel, messages) => replay(client, job, channel, messages)),
  // chunks are asked for as they arrive, which may mix up their order
  replayEager: (job) =>
    open(job, (client, job, channel, messages) =>
      replay(client, job, channel, messages, creditsOnChunkReceived(10, 1)),
    ),
};

type Task = (client: Client, job: Job, channel: string, messages: number) => Promise<void>;

const perFrame = 1000;
const perSubEntry = 100;

async function open(job: Job, task: Task): Promise<Runner> {
  const { host, port, login } = job.server!;
  const client = await connect({ hostname: host, port, ...login! });
  return {
    run: (channel, messages) => task(client, job, channel, messages),
    close: () => client.close(),
  };
}

async function publish(client: Client, { size, window }: Job, stream: string, messages: number): Promise<void> {
  const data = Buffer.alloc(size, 97);
  const publisher = await client.declarePublisher({ stream, maxChunkLength: perFrame });
  await new Promise<void>((resolve, reject) => {
    let sent = 0;
    let confirmed = 0;
    let pumping = false;
    const pump = async (): Promise<void> => {
      if (pumping) return;
      pumping = true;
      while (sent < messages && sent - confirmed < window) {
        sent++;
        await publisher.send(data);
      }
      pumping = false;
    };
    publisher.on('publish_confirm', (error, ids) => {
      if (error !== null) reject(new Error(`a message was refused with ${error}`));
      confirmed += ids.length;
      if (confirmed === messages) resolve();
      else pump().catch(reject);
    });
    pump().catch(reject);
  });
  await publisher.close();
}

async function publishGzip(client: Client, { size, window }: Job, stream: string, messages: number): Promise<void> {
  const data = Array.from({ length: perSubEntry }, () => ({ content: Buffer.alloc(size, 97) }));
  const publisher = await client.declarePublisher({ stream });
  await new Promise<void>((resolve, reject) => {
    let sent = 0;
    let confirmed = 0;
    const pump = (): void => {
      while (sent < messages && sent - confirmed < window) {
        const count = Math.min(perSubEntry, messages - sent);
        sent += count;
        publisher.sendSubEntries(data.slice(0, count), CompressionType.Gzip).catch(reject);
      }
    };
    publisher.on('publish_confirm', (error, ids) => {
      if (error !== null) reject(new Error(`a message was refused with ${error}`));
      // one id for each sub-entry, the last of which may be smaller
      confirmed = Math.min(messages, confirmed + ids.length * perSubEntry);
      if (confirmed === messages) resolve();
      else pump();
    });
    pump();
  });
  await publisher.close();
}

async function replay(
  client: Client,
  { size }: Job,
  stream: string,
  messages: number,
  creditPolicy?: ConsumerCreditPolicy,
): Promise<void> {
  let seen = 0;
  let bytes = 0;
  let finish!: () => void;
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const options = { stream, offset: Offset.first(), ...(creditPolicy && { creditPolicy }) };
  const consumer = await client.declareConsumer(options, (message) => {
    if (seen === messages) return;
    bytes += message.content.length;
    if (++seen === messages) finish();
  });
  await finished;
  await client.closeConsumer(consumer.extendedId);
  if (bytes !== messages * size) throw new Error(`${bytes} bytes came in ${messages} messages of ${size}`);
}
