import { connect, type NatsConnection } from 'nats';
import { clientId, type Contender, type Job, type Runner } from '../contender.js';
import { field, number } from './protobuf.js';

/**
 * What the connection and the server allow: the least that can be written over `nats` v2 and still be the protocol. No
 * errors, no timers, no redelivery, no values. Not a way to write programs; what others are measured against.
 */
export const natsFloor: Contender = {
  publish: (job) => open(job, publish),
  replay: (job) => open(job, replay),
};

interface Session {
  readonly nats: NatsConnection;
  readonly clientId: string;
  readonly pubPrefix: string;
  readonly subRequests: string;
}

type Task = (session: Session, job: Job, channel: string, messages: number) => Promise<void>;

async function open(job: Job, task: Task): Promise<Runner> {
  const { host, port, cluster } = job.server!;
  const nats = await connect({ servers: `${host}:${port}` });
  const id = clientId(job);
  const heartbeats = `_INBOX.heartbeats.${id}`;
  nats.subscribe(heartbeats, { callback: (_error, message) => void message.respond() });
  const request = Buffer.concat([field(1, id), field(2, heartbeats), number(3, 1), field(4, id)]);
  const response = fields((await nats.request(`_STAN.discover.${cluster}`, request)).data);
  if (response[5]) throw new Error(response[5]);
  const session = { nats, clientId: id, pubPrefix: response[1]!, subRequests: response[2]! };
  return {
    run: (channel, messages) => task(session, job, channel, messages),
    async close() {
      await nats.request(response[4]!, field(1, id));
      await nats.close();
    },
  };
}

function publish({ nats, clientId, pubPrefix }: Session, job: Job, channel: string, messages: number): Promise<void> {
  const { size, window } = job;
  const guidDigits = 9;
  const before = field(1, clientId);
  // all but the digits of the guid is the same in each message
  const template = Buffer.concat([
    before,
    field(2, '0'.repeat(guidDigits)),
    field(3, channel),
    field(5, 'a'.repeat(size)),
    field(6, clientId),
  ]);
  const lastDigit = before.length + 2 + guidDigits - 1;
  const subject = `${pubPrefix}.${channel}`;
  const reply = { reply: `_INBOX.acks.${clientId}.${channel}` };
  return new Promise((resolve) => {
    let sent = 0;
    let confirmed = 0;
    const pump = (): void => {
      while (sent < messages && sent - confirmed < window) {
        sent++;
        // the connection keeps the bytes until it writes them, so that each message needs its own
        const message = Buffer.allocUnsafe(template.length);
        template.copy(message);
        for (let rest = sent, at = lastDigit; rest > 0; rest = Math.floor(rest / 10)) message[at--] = 48 + (rest % 10);
        nats.publish(subject, message, reply);
      }
    };
    const acks = nats.subscribe(reply.reply, {
      callback: () => {
        if (++confirmed < messages) {
          pump();
          return;
        }
        acks.unsubscribe();
        resolve();
      },
    });
    pump();
  });
}

async function replay(session: Session, job: Job, channel: string, messages: number): Promise<void> {
  const { nats, clientId, subRequests } = session;
  const inbox = `_INBOX.messages.${clientId}.${channel}`;
  const head = Buffer.concat([field(1, channel), Buffer.of(0x10)]);
  const early: Uint8Array[] = [];
  let ackInbox = '';
  let seen = 0;
  let finish!: () => void;
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const take = (message: Uint8Array): void => {
    // the sequence comes first, and goes into the ack as it is
    let end = 1;
    while (message[end++]! >= 0x80);
    const ack = Buffer.allocUnsafe(head.length + end - 1);
    head.copy(ack);
    for (let i = 1; i < end; i++) ack[head.length + i - 1] = message[i]!;
    nats.publish(ackInbox, ack);
    if (++seen === messages) finish();
  };
  const subscription = nats.subscribe(inbox, {
    callback: (_error, message) => {
      if (ackInbox === '') early.push(message.data);
      else take(message.data);
    },
  });
  const fromFirst = 4;
  const request = Buffer.concat([
    field(1, clientId),
    field(2, channel),
    field(4, inbox),
    number(5, job.window),
    number(6, 60),
    number(10, fromFirst),
  ]);
  const response = fields((await nats.request(subRequests, request)).data);
  if (response[3]) throw new Error(response[3]);
  ackInbox = response[2]!;
  early.forEach(take);
  await finished;
  subscription.unsubscribe();
}

/** The texts of a frame by their field's number; its numbers, which are all small here, are passed over. */
function fields(frame: Uint8Array): Readonly<Record<number, string>> {
  const found: Record<number, string> = {};
  for (let at = 0; at < frame.length;) {
    const tag = frame[at]!;
    if ((tag & 7) !== 2) {
      at++;
      while (frame[at++]! >= 0x80);
      continue;
    }
    const end = at + 2 + frame[at + 1]!;
    found[tag >> 3] = Buffer.from(frame.subarray(at + 2, end)).toString();
    at = end;
  }
  return found;
}
