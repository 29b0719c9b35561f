import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { expect } from 'chai';
import { signedKinds } from '../../lib/lonelyps/auth/auth.js';
import type { AuthSide } from '../../lib/lonelyps/auth/auth-options.js';
import { makeSigner } from '../../lib/lonelyps/auth/signer.js';
import type { LonelypsBroker } from '../../lib/lonelyps/index.js';
import { signed } from '../../lib/lonelyps/codec/signed.js';
import { nodeHashing } from '../../lib/lonelyps/node/hashing.js';
import { until, within } from '../support/wait.js';
import type { Heard } from './lonelyps-kit.js';
import {
  missedBody,
  postMissed,
  postReceive,
  type CallbackAnswer,
  type CallbackOptions,
} from './node/callback-client.js';

/** A callback as somebody signs it, and sends it then. */
export interface ForgedCallback extends CallbackOptions {
  readonly topic: string;
  readonly message: string;
  readonly identifier: Buffer;
}

/** What is signed instead of what is sent. */
export interface ForgedSignature {
  readonly topic?: string;
  readonly message?: string;
  readonly identifier?: Buffer;
  /** Where it is said to go. */
  readonly url?: string;
  /** ms since the Unix epoch. */
  readonly at?: number;
  readonly side?: AuthSide;
}

/** The port that a handle listens on for the callbacks of broadcasters, for those who are none. */
export class Door {
  readonly urls: { readonly receive: string; readonly recover: string };
  readonly port: number;
  private readonly sockets: Socket[] = [];
  private readonly tricklers: NodeJS.Timeout[] = [];

  constructor(
    broker: LonelypsBroker,
    /** What a broadcaster shows. */
    private readonly side: AuthSide,
  ) {
    const { session } = broker as unknown as { session: { callbacks: { urls: Door['urls'] } } };
    this.urls = session.callbacks.urls;
    this.port = Number(new URL(this.urls.receive).port);
  }

  /** A message on a topic, which nobody has sent. */
  callback(topic: string, message = 'forged'): ForgedCallback {
    return { topic, message, identifier: randomBytes(8) };
  }

  /** The authorization of a broadcaster, or one that is nearly that. */
  sign(callback: ForgedCallback, instead: ForgedSignature = {}): string {
    const { topic, message, identifier } = { ...callback, ...instead };
    const { url = this.urls.receive, at = Date.now(), side = this.side } = instead;
    const signer = makeSigner(side, { hashing: nodeHashing, random: randomBytes, now: () => at });
    const rest = (): Uint8Array => signed.receive(url, Buffer.from(topic), identifier, sha512(message));
    return signer.sign(signedKinds.receive, rest);
  }

  receive(callback: ForgedCallback, authorization: string | undefined): Promise<CallbackAnswer> {
    return postReceive(this.port, { ...callback, headers: { ...callback.headers, authorization } });
  }

  /** Says that a message was lost. */
  missed(topic: string, authorization: string | undefined): Promise<CallbackAnswer> {
    return postMissed(this.port, missedBody(topic), { headers: { authorization } });
  }

  signMissed(topic: string, side = this.side, at = Date.now()): string {
    const signer = makeSigner(side, { hashing: nodeHashing, random: randomBytes, now: () => at });
    return signer.sign(signedKinds.missed, () => signed.missed(this.urls.recover, Buffer.from(topic)));
  }

  /** Connects, and says nothing. */
  async silent(): Promise<Socket> {
    // one that does not read would not see the end
    return (await this.open()).resume();
  }

  /** Connects; what is said is the caller's part. */
  async open(): Promise<Socket> {
    const socket = connect(this.port, '127.0.0.1');
    socket.on('error', () => undefined);
    this.sockets.push(socket);
    await once(socket, 'connect');
    return socket;
  }

  /** The first lines of a callback that announces so many bytes, without the empty line at their end. */
  head(length: number, message = ''): string {
    const digest = sha512(message).toString('base64');
    return `POST /v1/receive HTTP/1.1\r\nhost: me\r\ncontent-length: ${length}\r\nrepr-digest: sha-512=${digest}\r\n`;
  }

  /** Sends one of the bytes every few milliseconds, and the last one for ever. */
  trickle(socket: Socket, bytes: Buffer): void {
    let at = 0;
    const trickler = setInterval(() => socket.write(bytes.subarray(at, ++at)), 5);
    this.tricklers.push(trickler);
    socket.on('close', () => clearInterval(trickler));
  }

  /** How many of the connections are open. */
  get connections(): number {
    return this.sockets.filter((socket) => !socket.destroyed).length;
  }

  leave(): void {
    for (const trickler of this.tricklers.splice(0)) clearInterval(trickler);
    for (const socket of this.sockets.splice(0)) socket.destroy();
  }
}

/** All that comes on a socket before it is closed. */
export async function answerOf(socket: Socket): Promise<string> {
  let text = '';
  socket.on('data', (part: Buffer) => (text += part.toString()));
  // an error is followed by the close
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  if (!socket.destroyed) await within(closed, 20_000, 'the connection to be closed');
  return text;
}

/** Publishes by a broadcaster, and sees the messages arrive. */
export async function served(publisher: LonelypsBroker, topic: string, heard: Heard, count = 10): Promise<void> {
  const texts = Array.from({ length: count }, () => randomBytes(9).toString('base64'));
  for (const text of texts) expect((await publisher.publish(topic, Buffer.from(text))).notified).to.equal(1);
  await until(() => texts.every((text) => heard.texts.includes(text)));
}

function sha512(message: string): Buffer {
  return createHash('sha512').update(message).digest();
}
