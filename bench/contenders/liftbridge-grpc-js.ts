import { Client, credentials } from '@grpc/grpc-js';
import type { Contender, Job, Runner } from '../contender.js';
import { calls, isAck, messageTemplate, subscribeRequest, valueLength, writeMessage } from './liftbridge-messages.js';

/**
 * The calls through `@grpc/grpc-js` as fast as we could make them, their messages made and read by hand: what a client that
 * is built on it costs at least.
 */
export const liftbridgeGrpcJs: Contender = {
  publish: (job) => open(job, publish),
  replay: (job) => open(job, replay),
};

/** Bytes that the server may send ahead. With the default of 64 kB it waits for us again and again. */
const flowControlWindow = 8 << 20;

type Task = (client: Client, job: Job, stream: string, messages: number) => Promise<void>;

async function open(job: Job, task: Task): Promise<Runner> {
  const { host, port } = job.server!;
  const options = { 'grpc-node.flow_control_window': flowControlWindow };
  const client = new Client(`${host}:${port}`, credentials.createInsecure(), options);
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
      // a few acks at a time would make many small writes
      else if (sent - acked <= window / 2) pump();
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
