import { once } from 'node:events';
import { connect, type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2';
import type { Contender, Job, Runner } from '../contender.js';
import { calls, isAck, messageTemplate, subscribeRequest, valueLength, writeMessage } from './liftbridge-messages.js';

/**
 * gRPC frames of our own in a bare HTTP/2 stream, those of one turn in one buffer: what `node:http2` and the server allow.
 * It knows no statuses, no timers and no fields but those it needs.
 */
export const liftbridgeFloor: Contender = {
  publish: (job) => open(job, publish),
  replay: (job) => open(job, replay),
};

type Task = (session: ClientHttp2Session, job: Job, stream: string, messages: number) => Promise<void>;

/** Bytes before a gRPC message: whether it is compressed, and its length. */
const head = 5;
/** Messages that go into one buffer at most. */
const perWrite = 256;
/** Bytes that the server may send ahead in a call, and in all of them. */
const callWindow = 8 << 20;
const sessionWindow = 16 << 20;

async function open(job: Job, task: Task): Promise<Runner> {
  const { host, port } = job.server!;
  const session = connect(`http://${host}:${port}`, { settings: { initialWindowSize: callWindow } });
  await once(session, 'connect');
  session.setLocalWindowSize(sessionWindow);
  return {
    run: (stream, messages) => task(session, job, stream, messages),
    async close() {
      session.destroy();
    },
  };
}

async function publish(session: ClientHttp2Session, { size, window }: Job, stream: string, messages: number) {
  const call = start(session, calls.publishAsync);
  const template = messageTemplate(stream, size);
  const length = head + template.bytes.length;
  let sent = 0;
  let acked = 0;
  const pump = (): void => {
    while (sent < messages && sent - acked < window) {
      const count = Math.min(perWrite, messages - sent, window - (sent - acked));
      const bytes = Buffer.allocUnsafe(count * length);
      for (let i = 0, at = 0; i < count; i++, at += length) {
        bytes[at] = 0;
        bytes.writeUInt32BE(template.bytes.length, at + 1);
        writeMessage(template, ++sent, bytes, at + head);
      }
      call.write(bytes);
    }
  };
  await new Promise<void>((resolve, reject) => {
    const take = frames((bytes, start) => {
      if (!isAck(bytes, start)) reject(new Error('a message was refused'));
      if (++acked === messages) resolve();
    });
    call.on('error', reject);
    call.on('end', () => reject(new Error(`the call ended after ${acked} acks`)));
    call.on('data', (chunk: Buffer) => {
      take(chunk);
      // a few acks at a time would make many small writes
      if (sent - acked <= window / 2) pump();
    });
    pump();
  });
  call.close();
}

async function replay(session: ClientHttp2Session, { size }: Job, stream: string, messages: number): Promise<void> {
  const call = start(session, calls.subscribe);
  let seen = 0;
  let length = 0;
  await new Promise<void>((resolve, reject) => {
    const take = frames((bytes, start, end) => {
      // an empty message says that the subscription is there
      if (start === end || seen === messages) return;
      length += valueLength(bytes, start);
      if (++seen === messages) resolve();
    });
    call.on('error', reject);
    call.on('end', () => reject(new Error(`the call ended after ${seen} messages`)));
    call.on('data', take);
    const request = subscribeRequest(stream);
    const prefix = Buffer.alloc(head);
    prefix.writeUInt32BE(request.length, 1);
    call.end(Buffer.concat([prefix, request]));
  });
  call.close();
  if (length !== messages * size) throw new Error(`${length} bytes came in ${messages} messages of ${size}`);
}

function start(session: ClientHttp2Session, path: string): ClientHttp2Stream {
  return session.request({ ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' });
}

/** Cuts what is read into messages. */
function frames(onMessage: (bytes: Buffer, start: number, end: number) => void): (chunk: Buffer) => void {
  let rest: Buffer | undefined;
  return (chunk) => {
    const bytes = rest === undefined ? chunk : Buffer.concat([rest, chunk]);
    let at = 0;
    while (bytes.length - at >= head) {
      const end = at + head + bytes.readUInt32BE(at + 1);
      if (end > bytes.length) break;
      onMessage(bytes, at + head, end);
      at = end;
    }
    rest = at < bytes.length ? bytes.subarray(at) : undefined;
  };
}
