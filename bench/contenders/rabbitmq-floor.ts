import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Contender, Job, Runner } from '../contender.js';

/**
 * The stream protocol over a bare socket, with no more than the task needs: what any client of this broker costs in Node,
 * and so what no client can beat. It knows no errors, no CRC and no message but its own.
 */
export const rabbitMqFloor: Contender = {
  publish: (job) => open(job, publish),
  replay: (job) => open(job, replay),
};

type Task = (talk: Talk, job: Job, channel: string, messages: number) => Promise<void>;
type OnFrame = (bytes: Buffer, start: number) => void;

const keys = {
  declarePublisher: 0x01,
  publish: 0x02,
  publishConfirm: 0x03,
  deletePublisher: 0x06,
  subscribe: 0x07,
  deliver: 0x08,
  credit: 0x09,
  unsubscribe: 0x0c,
  peerProperties: 0x11,
  saslHandshake: 0x12,
  saslAuthenticate: 0x13,
  tune: 0x14,
  open: 0x15,
};
/** Bytes before a frame's own: size, key, version. */
const head = 8;
/** Bytes that are read ahead at most: several chunks, the rest of one and `readSize`. */
const memorySize = 4 << 20;
/** Bytes that a read should have room for. */
const readSize = 1 << 18;
/** The id of the only publisher, or subscription, that there is at a time. */
const onlyId = 0;

interface Talk {
  /** Gets what comes without having been asked for, from its key on. */
  onFrame: OnFrame;
  write(frame: Buffer): void;
  ask(key: number, ...fields: Buffer[]): Promise<void>;
}

async function open(job: Job, task: Task): Promise<Runner> {
  const { host, port, login } = job.server!;
  const { username, password, vhost } = login!;
  const { socket, talk } = converse(host, port);
  await once(socket, 'connect');
  const tune = new Promise<Buffer>((resolve) => {
    talk.onFrame = (bytes, start) => resolve(Buffer.from(bytes.subarray(start + 4, start + 12)));
  });
  await talk.ask(keys.peerProperties, u32(0));
  await talk.ask(keys.saslHandshake);
  const secret = Buffer.from(`\0${username}\0${password}`);
  await talk.ask(keys.saslAuthenticate, text('PLAIN'), u32(secret.length), secret);
  // what the broker wants in Tune is accepted as it is
  talk.write(frame(keys.tune, await tune));
  await talk.ask(keys.open, text(vhost));
  return {
    run: (channel, messages) => task(talk, job, channel, messages),
    async close() {
      socket.destroy();
      await once(socket, 'close');
    },
  };
}

/** Cuts what is read into frames. A response wakes the one who asked, as there is never more than one. */
function converse(host: string, port: number): { readonly socket: Socket; readonly talk: Talk } {
  // Each read goes behind what is left of the one before, so that a frame is in one piece without being copied.
  const memory = Buffer.alloc(memorySize);
  let begin = 0;
  let end = 0;
  let correlationId = 0;
  let answered: OnFrame = () => undefined;
  const read = (): void => {
    while (end - begin >= 4) {
      const next = begin + 4 + memory.readUInt32BE(begin);
      if (next > end) break;
      if (memory[begin + 4]! >= 0x80) answered(memory, begin + 4);
      else talk.onFrame(memory, begin + 4);
      begin = next;
    }
    if (begin === end) begin = end = 0;
    if (memorySize - end < readSize) {
      memory.copyWithin(0, begin, end);
      end -= begin;
      begin = 0;
    }
  };
  const socket = connect({
    host,
    port,
    noDelay: true,
    onread: {
      buffer: () => memory.subarray(end),
      callback: (length) => {
        end += length;
        read();
        return true;
      },
    },
  });
  const talk: Talk = {
    onFrame: () => undefined,
    write: (bytes) => void socket.write(bytes),
    ask: (key, ...fields) =>
      new Promise((resolve, reject) => {
        answered = (bytes, start) => {
          const code = bytes.readUInt16BE(start + 8);
          if (code === 1) resolve();
          else reject(new Error(`RabbitMQ answered ${key} with ${code}`));
        };
        socket.write(frame(key, u32(++correlationId), ...fields));
      }),
  };
  return { socket, talk };
}

async function publish(talk: Talk, { size, window }: Job, channel: string, messages: number): Promise<void> {
  const perFrame = 500;
  const body = Buffer.alloc(size, 97);
  const length = size < 256 ? Buffer.of(0xa0, size) : Buffer.concat([Buffer.of(0xb0), u32(size)]);
  const record = Buffer.concat([Buffer.of(0, 0x53, 0x75), length, body]);
  const entry = 12 + record.length;
  await talk.ask(keys.declarePublisher, Buffer.of(onlyId), text(''), text(channel));
  await new Promise<void>((resolve) => {
    let sent = 0;
    let confirmed = 0;
    const pump = (): void => {
      while (sent < messages && sent - confirmed < window) {
        const count = Math.min(perFrame, messages - sent);
        const bytes = Buffer.allocUnsafe(head + 5 + count * entry);
        let at = bytes.writeUInt32BE(bytes.length - 4, 0);
        at = bytes.writeUInt32BE((keys.publish << 16) | 1, at);
        at = bytes.writeUInt8(onlyId, at);
        at = bytes.writeUInt32BE(count, at);
        for (let i = 0; i < count; i++, at += entry) {
          bytes.writeUInt32BE(0, at);
          bytes.writeUInt32BE(++sent, at + 4);
          bytes.writeUInt32BE(record.length, at + 8);
          bytes.set(record, at + 12);
        }
        talk.write(bytes);
      }
    };
    talk.onFrame = (bytes, start) => {
      if (bytes.readUInt16BE(start) !== keys.publishConfirm) return;
      confirmed += bytes.readUInt32BE(start + 5);
      if (confirmed === messages) resolve();
      else pump();
    };
    pump();
  });
  await talk.ask(keys.deletePublisher, Buffer.of(onlyId));
}

async function replay(talk: Talk, { size }: Job, channel: string, messages: number): Promise<void> {
  const credits = 10;
  const fromFirst = 1;
  /** What a record has before its body. */
  const section = size < 256 ? 5 : 8;
  const more = frame(keys.credit, Buffer.of(onlyId), u16(1));
  let seen = 0;
  let length = 0;
  let finish!: () => void;
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });
  talk.onFrame = (bytes, start) => {
    if (bytes.readUInt16BE(start) !== keys.deliver) return;
    const chunk = start + 5;
    let at = chunk + 48;
    for (let left = bytes.readUInt16BE(chunk + 2); left > 0; left--) {
      const end = at + 4 + bytes.readUInt32BE(at);
      length += bytes.subarray(at + 4 + section, end).length;
      at = end;
      if (++seen === messages) finish();
    }
    if (seen < messages) talk.write(more);
  };
  await talk.ask(keys.subscribe, Buffer.of(onlyId), text(channel), u16(fromFirst), u16(credits));
  await finished;
  await talk.ask(keys.unsubscribe, Buffer.of(onlyId));
  if (length < messages * size) throw new Error(`${length} bytes came in ${messages} messages of ${size}`);
}

function frame(key: number, ...fields: Buffer[]): Buffer {
  const content = Buffer.concat([u32((key << 16) | 1), ...fields]);
  return Buffer.concat([u32(content.length), content]);
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([u16(bytes.length), bytes]);
}

function u16(value: number): Buffer {
  return Buffer.of(value >>> 8, value & 0xff);
}

function u32(value: number): Buffer {
  return Buffer.of(value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff);
}
