import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import type { Contender, Job, Runner } from '../contender.js';

/**
 * lonelyps over HTTP with bare sockets, and no more than the task needs: what any client of this broadcaster costs in Node,
 * and so what no client can beat. It knows no errors, no timeouts and no answer but the good one.
 */
export const lonelypsFloor: Contender = { http: open };

/** Gets each body that comes, and the socket that it came on. */
type OnBody = (body: Buffer, socket: Socket) => void;

async function open(job: Job): Promise<Runner> {
  const { host, port } = job.server!;
  let heard: () => void = () => undefined;
  const callbacks = createServer((socket) => {
    bodiesOf(socket, (body) => {
      const topicEnd = 4 + body.readUInt16BE(2);
      const identifier = body.subarray(topicEnd + 1, topicEnd + 1 + body[topicEnd]!);
      const answer = Buffer.concat([u16(8), u16(0), u16(0), u8(identifier.length), identifier, u32(1)]);
      socket.write(message('HTTP/1.1 200 OK', answer));
      heard();
    });
  });
  await once(callbacks.listen(0, '127.0.0.1'), 'listening');
  const url = lp16(Buffer.from(`http://127.0.0.1:${(callbacks.address() as AddressInfo).port}/`));
  const sockets = new Set<Socket>();

  /** A connection on which one request at a time is answered. */
  const line = async (answered: () => void): Promise<(path: string, ...body: Buffer[]) => void> => {
    const socket = connect(port, host).setNoDelay();
    await once(socket, 'connect');
    sockets.add(socket);
    bodiesOf(socket, answered);
    return (path, ...body) => {
      socket.write(message(`POST ${path} HTTP/1.1\r\nHost: ${host}:${port}`, Buffer.concat(body)));
    };
  };

  return {
    async prepare(channel) {
      await new Promise<void>((resolve, reject) => {
        line(resolve).then(
          (ask) => ask('/v1/subscribe/exact', url, lp16(Buffer.from(channel)), u16(0), u16(0)),
          reject,
        );
      });
    },
    async run(channel, messages) {
      const topic = lp16(Buffer.from(channel));
      const value = Buffer.alloc(job.size, 'a');
      let toSend = messages;
      let toCome = 2 * messages;
      await new Promise<void>((resolve, reject) => {
        const done = (): void => {
          if (--toCome === 0) resolve();
        };
        heard = done;
        const lines = Array.from({ length: job.window }, async () => {
          const next = (): void => {
            if (toSend-- <= 0) return;
            const digest = createHash('sha512').update(value).digest();
            ask('/v1/notify', topic, digest, u16(0), u8(16), randomBytes(16), u64(value.length), value);
          };
          const ask = await line(() => {
            done();
            next();
          });
          next();
        });
        Promise.all(lines).catch(reject);
      });
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      callbacks.close();
    },
  };
}

/** Cuts what is read into the bodies of HTTP messages, which all say their length. */
function bodiesOf(socket: Socket, onBody: OnBody): void {
  let rest: Buffer = Buffer.alloc(0);
  socket.on('data', (part: Buffer) => {
    rest = rest.length === 0 ? part : Buffer.concat([rest, part]);
    for (;;) {
      const head = rest.indexOf('\r\n\r\n');
      if (head < 0) return;
      const length = /content-length: *(\d+)/i.exec(rest.toString('latin1', 0, head));
      const end = head + 4 + Number(length?.[1] ?? 0);
      if (rest.length < end) return;
      const body = rest.subarray(head + 4, end);
      rest = rest.subarray(end);
      onBody(body, socket);
    }
  });
}

function message(start: string, body: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${start}\r\nContent-Length: ${body.length}\r\n\r\n`, 'latin1'), body]);
}

const u8 = (value: number): Buffer => Buffer.from([value]);
const u16 = (value: number): Buffer => Buffer.from([value >> 8, value & 255]);
const lp16 = (bytes: Buffer): Buffer => Buffer.concat([u16(bytes.length), bytes]);

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function u64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}
