import { Client, credentials } from '@grpc/grpc-js';
import type { Contender, Job, Runner } from '../contender.js';
import { calls, isAck, messageTemplate, subscribeRequest, valueLength, writeMessage } from './liftbridge-messages.js';

/**
 * The calls through `@grpc/grpc-js` as its users write them: default options, a `write` a message as soon as the window has
 * room. Only the messages are made and read by hand, so that no message library is measured along with it.
 */
export const liftbridgeGrpcJs: Contender = {
  publish: (job) => open(job, publish),
  replay: (job) => open(job, replay),
};

type Task = (client: Client, job: Job, stream: string, messages: number) => Promise<void>;

async function open(job: Job, task: Task): Promise<Runner> {
  const { host, port } = job.server!;
  const client = new Client(`${host}:${port}`, credentials.createInsecure());
  await new Promise<void>((resolve, reject) => {
    client.waitForReady(Date.now() + 10_000, (error) => {
      if (error) reject(error);
      else resolve();
    });
  });
  return {
    run: (stream, messages) => task(client, job, stream, messages),
    async close() {
      client.close();
    },
  };
}

async function publish(client: Client, { size, window }: Job, stream: string, messages: number): Promise<void> {
  const call = client.makeBidiStreamRequest(calls.publishAsync, asItIs, asItIs);
  const template = messageTemplate(stream, size);
  let sent = 0;
  let acked = 0;
  await new Promise<void>((resolve, reject) => {
    const pump = (): void => {
      while (sent < messages && sent - acked < window) {
        // kept until it is written, so that each message needs its own
        const message = Buffer.allocUnsafe(template.bytes.length);
        writeMessage(template, ++sent, message, 0);
        call.write(message);
      }
    };
    call.on('error', reject);
    call.on('end', () => reject(new Error(`the call ended after ${acked} acks`)));
    call.on('data', (answer: Buffer) => {
      if (!isAck(answer, 0)) reject(new Error('a message was refused'));
      if (++acked === messages) resolve();
      else pump();
    });
    pump();
  });
  call.cancel();
}

async function replay(client: Client, { size }: Job, stream: string, messages: number): Promise<void> {
  const call = client.makeServerStreamRequest(calls.subscribe, asItIs, asItIs, subscribeRequest(stream));
  let seen = 0;
  let length = 0;
  await new Promise<void>((resolve, reject) => {
    call.on('error', reject);
    call.on('end', () => reject(new Error(`the call ended after ${seen} messages`)));
    call.on('data', (message: Buffer) => {
      // an empty message says that the subscription is there
      if (message.length === 0 || seen === messages) return;
      length += valueLength(message, 0);
      if (++seen === messages) resolve();
    });
  });
  call.cancel();
  if (length !== messages * size) throw new Error(`${length} bytes came in ${messages} messages of ${size}`);
}

function asItIs(bytes: Buffer): Buffer {
  return bytes;
}
