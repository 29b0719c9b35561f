import { createHash, randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { WebSocket } from 'ws';
import { signedKinds } from '../../../lib/lonelyps/auth/auth.js';
import { counterUrl } from '../../../lib/lonelyps/codec/counter-url.js';
import type { FromBroadcaster } from '../../../lib/lonelyps/codec/from-broadcaster.js';
import { compileGlob } from '../../../lib/lonelyps/codec/glob.js';
import { signed } from '../../../lib/lonelyps/codec/signed.js';
import { topicText } from '../../../lib/lonelyps/codec/topic-text.js';
import type { Zstd } from '../../../lib/lonelyps/platform.js';
import {
  decodeToBroadcaster,
  encodeFromBroadcaster,
  encodeFromBroadcasterExpanded,
  type ToBroadcaster,
} from '../../lonelyps/codec-of-broadcaster/websocket.js';
import { until } from '../wait.js';
import { Incoming } from './incoming.js';
import { Outgoing, type FakeDelivery } from './outgoing.js';
import { bytesOf, sha512, type Claim, type Party, type SigningOptions } from './party.js';

/** A message of a client, with the URL that it was signed under, '' where it is under none. */
export type FakeMessage = ToBroadcaster & { readonly url: string };

/** Which of its messages. */
export type FakeMessageOf<K extends FakeMessage['kind']> = Extract<FakeMessage, { readonly kind: K }>;

type Unsigned<M> = M extends FromBroadcaster ? Omit<M, 'authorization' | 'tracing'> : never;
/** A message of the broadcaster without its authorization. */
export type UnsignedMessage = Unsigned<FromBroadcaster>;

/** How a message goes out; without these it is right. */
export interface FakeSending extends SigningOptions {
  /** The whole authorization. */
  readonly authorization?: string | undefined;
  /** Whether its headers have their names. Default: as with all others. */
  readonly expanded?: boolean | undefined;
}

/** What a connection needs of its broadcaster. */
export interface FakeBehaviour {
  readonly party: Party;
  /** Offers plain zstd to clients that ask for it, and reads what they compress. */
  readonly zstd: Zstd | undefined;
  readonly expanded: boolean;
  readonly maxFrameBytes: number;
  /** Messages and parts that may be without an answer before it holds back. */
  readonly window: number;
  /** Who is asked before a message is served: true where that was done. */
  handled(message: FakeMessage, connection: FakeConnection): boolean;
  /** Hands a message to all that are subscribed, and counts them. */
  publish(topic: Uint8Array, message: Uint8Array): Promise<number>;
}

/** A websocket of a client, served as a real broadcaster serves it, but for what a spec has asked to do itself. */
export class FakeConnection {
  /** All that the client has sent, in its order. */
  readonly messages: FakeMessage[] = [];
  /** The same as bytes. */
  readonly raw: Buffer[] = [];
  /** What the client did that it may not do. A real broadcaster closes then, and so does this one. */
  readonly faults: string[] = [];
  /** What it is subscribed to: `=` and the topic in hex, or `*` and the glob. */
  readonly subscribed = new Set<string>();
  /** The websocket's code, or 1006 where it broke off; undefined while it is open. */
  closed: number | undefined;
  readonly #incoming = new Incoming();
  readonly #outgoing: Outgoing;
  #nonce64 = '';
  #theirs = 0;
  #ours = 0;
  readonly #unserved: FakeMessage[] = [];
  #isServing = false;

  constructor(
    readonly socket: WebSocket,
    /** The upgrade. */
    readonly request: IncomingMessage,
    private readonly behaviour: FakeBehaviour,
  ) {
    this.#outgoing = new Outgoing(behaviour.window);
    socket.on('error', () => undefined);
    socket.on('message', (data, isBinary) => this.#take(data as Buffer, isBinary));
    socket.on('close', (code) => {
      this.closed = code;
      this.#outgoing.end();
    });
  }

  /** Waits for the nth message of a kind, counted from 1. */
  message<K extends FakeMessage['kind']>(kind: K, nth = 1): Promise<FakeMessageOf<K>> {
    const find = (): FakeMessageOf<K> | undefined => this.messagesOf(kind)[nth - 1];
    return until(find, {
      every: 2,
      message: () => `${kind} ${nth} on the websocket, whose faults are: ${this.faults.join('; ')}`,
    }) as Promise<FakeMessageOf<K>>;
  }

  messagesOf<K extends FakeMessage['kind']>(kind: K): FakeMessageOf<K>[] {
    return this.messages.filter((message): message is FakeMessageOf<K> => message.kind === kind);
  }

  /** Does what a real one does upon a message, one after the other: what a handler left to do. */
  serve(message: FakeMessage): void {
    this.#unserved.push(message);
    if (!this.#isServing) void this.#serveAll();
  }

  /** Confirms a subscribe or unsubscribe. */
  confirm(
    message: FakeMessageOf<'subscribeExact' | 'subscribeGlob' | 'unsubscribeExact' | 'unsubscribeGlob'>,
    sending: FakeSending = {},
  ): void {
    const { url } = message;
    if ('topic' in message) {
      const { topic } = message;
      const kind = message.kind === 'subscribeExact' ? 'confirmSubscribeExact' : 'confirmUnsubscribeExact';
      const rest = (): Uint8Array => signed.confirmExact(url, undefined, topic);
      this.send({ kind, topic }, [signedKinds.confirmExact, rest], sending);
    } else {
      const { glob } = message;
      const kind = message.kind === 'subscribeGlob' ? 'confirmSubscribeGlob' : 'confirmUnsubscribeGlob';
      const rest = (): Uint8Array => signed.confirmGlob(url, undefined, glob);
      this.send({ kind, glob }, [signedKinds.confirmGlob, rest], sending);
    }
  }

  /** Confirms a notification, or its last part. @param hash - by which it is signed; with compression see the protocol */
  confirmNotify(
    identifier: Uint8Array,
    notified: number,
    topic: Uint8Array,
    hash: Uint8Array,
    sending: FakeSending = {},
  ): void {
    const rest = (): Uint8Array => signed.confirmNotify(identifier, notified, topic, hash);
    this.send({ kind: 'confirmNotify', identifier, notified }, [signedKinds.confirmNotify, rest], sending);
  }

  /** Acknowledges a part of a notification. */
  continueNotify(identifier: Uint8Array, part: number, sending: FakeSending = {}): void {
    const rest = (): Uint8Array => signed.continueNotify(identifier, part);
    this.send({ kind: 'continueNotify', identifier, part }, [signedKinds.continueNotify, rest], sending);
  }

  /** Hands a message to the client, in as many parts as it takes; resolves when all are confirmed, or with the connection. */
  deliver(topic: string | Uint8Array, message: string | Uint8Array, delivery: FakeDelivery = {}): Promise<void> {
    const bytes = bytesOf(message);
    const hash = delivery.sha512 ?? sha512(bytes);
    const head = {
      topic: bytesOf(topic),
      compressor: delivery.compressor ?? 0,
      compressedLength: delivery.compressedLength ?? bytes.length,
      length: delivery.length ?? bytes.length,
      sha512: hash,
    };
    const size = delivery.partBytes ?? this.behaviour.maxFrameBytes - 1_024 - head.topic.length;
    return this.#outgoing.add(bytes, size, delivery, (part, identifier, piece) => {
      const url = this.#nextUrl();
      const rest = (): Uint8Array => signed.receive(url, head.topic, identifier, hash);
      const unsigned = {
        kind: 'receive',
        identifier,
        part,
        head: part === 0 ? head : undefined,
        bytes: piece,
      } as const;
      this.send(unsigned, [signedKinds.receive, rest], delivery);
    });
  }

  /** Tells that a message on a topic was lost. */
  missed(topic: string | Uint8Array, sending: FakeSending = {}): void {
    const [url, bytes] = [this.#nextUrl(), bytesOf(topic)];
    this.send({ kind: 'missed', topic: bytes }, [signedKinds.missed, () => signed.missed(url, bytes)], sending);
  }

  /** Allows a compressor that is known, 1 unless said otherwise. */
  enablePreset(
    { id = 1, level = 3, minSize = 16_384, maxSize = 2n ** 64n - 1n } = {},
    sending: FakeSending = {},
  ): void {
    const url = this.#nextUrl();
    const nothing = new Uint8Array(0);
    this.send(
      { kind: 'enablePreset', id, level, minSize, maxSize, sha512: nothing, dictionary: nothing },
      [signedKinds.enablePreset, () => signed.enablePreset(url, id, Math.max(level, 0), minSize, maxSize)],
      sending,
    );
  }

  /** Allows a compressor with a dictionary that the client gets to know by this. */
  enableCustom(
    dictionary: Uint8Array,
    { id = 65_536, level = 10, minSize = 32, maxSize = 16_384n } = {},
    sending: FakeSending & { readonly sha512?: Uint8Array } = {},
  ): void {
    const url = this.#nextUrl();
    const hash = sending.sha512 ?? sha512(dictionary);
    this.send(
      { kind: 'enableCustom', id, level, minSize, maxSize, sha512: hash, dictionary },
      [signedKinds.enableCustom, () => signed.enableCustom(url, id, Math.max(level, 0), minSize, maxSize, hash)],
      sending,
    );
  }

  /** Withdraws one. */
  disableCustom(id = 65_536, sending: FakeSending = {}): void {
    const url = this.#nextUrl();
    this.send({ kind: 'disableCustom', id }, [signedKinds.disableCustom, () => signed.disableCustom(id, url)], sending);
  }

  /** Sends a message with an authorization for `claim`. Counters are moved by the methods above alone. */
  send(message: UnsignedMessage, claim: Claim, sending: FakeSending = {}): void {
    const { tracing = new Uint8Array(0), expanded = this.behaviour.expanded } = sending;
    const authorization = sending.authorization ?? this.behaviour.party.sign(claim, sending);
    const whole = { ...message, authorization, tracing } as FromBroadcaster;
    this.sendRaw(expanded ? encodeFromBroadcasterExpanded(whole) : encodeFromBroadcaster(whole));
  }

  /** Sends bytes as a message, or text as one that no broadcaster sends. */
  sendRaw(data: Uint8Array | string): void {
    this.socket.send(data, { binary: typeof data !== 'string' });
  }

  /** Whether a message on a topic is for it. */
  wants(topic: Uint8Array): boolean {
    if (this.closed !== undefined) return false;
    if (this.subscribed.has(`=${hex(topic)}`)) return true;
    const text = topicText(topic);
    return [...this.subscribed].some((key) => key.startsWith('*') && compileGlob(key.slice(1))(text));
  }

  /** Notes that the client did wrong, and closes as a real one does: without a word. */
  fault(problem: string): void {
    this.faults.push(problem);
    this.socket.close(1000);
  }

  #take(data: Buffer, isBinary: boolean): void {
    if (!isBinary) {
      this.fault('a text message');
      return;
    }
    this.raw.push(data);
    try {
      const decoded = decodeToBroadcaster(data);
      const message: FakeMessage = { ...decoded, url: isCounted(decoded) ? this.#theirNextUrl() : '' };
      const claim = this.#incoming.claimOf(message);
      const refusal = this.behaviour.party.verify(claim.claim, claim.tracing, message.authorization);
      if (refusal !== undefined) throw new Error(`the authorization of ${message.kind} is ${refusal}`);
      this.messages.push(message);
      if (!this.behaviour.handled(message, this)) this.serve(message);
    } catch (error) {
      this.fault(error instanceof Error ? error.message : String(error));
    }
  }

  /** In the turn in which they came, unless one has to wait for subscribers. */
  async #serveAll(): Promise<void> {
    this.#isServing = true;
    try {
      for (let message = this.#unserved.shift(); message; message = this.#unserved.shift()) {
        const waiting = this.#serve(message);
        if (waiting) await waiting;
      }
    } catch (error) {
      this.fault(error instanceof Error ? error.message : String(error));
    }
    this.#isServing = false;
  }

  #serve(message: FakeMessage): Promise<void> | undefined {
    switch (message.kind) {
      case 'configure':
        this.#configure(message);
        break;
      case 'subscribeExact':
      case 'subscribeGlob':
      case 'unsubscribeExact':
      case 'unsubscribeGlob': {
        const key = 'topic' in message ? `=${hex(message.topic)}` : `*${message.glob}`;
        const isSubscribe = message.kind.startsWith('subscribe');
        if (this.subscribed.has(key) === isSubscribe) throw new Error(`${message.kind} of ${key}, which is so`);
        this.confirm(message);
        if (isSubscribe) this.subscribed.add(key);
        else this.subscribed.delete(key);
        break;
      }
      case 'notify':
      case 'notifyStream':
        return this.#notified(message);
      case 'continueReceive':
        this.#outgoing.acknowledge(message.identifier, message.part);
        break;
      case 'confirmReceive':
        this.#outgoing.acknowledge(message.identifier, undefined);
        break;
    }
    return undefined;
  }

  #notified(message: FakeMessageOf<'notify' | 'notifyStream'>): Promise<void> | undefined {
    const { identifier } = message;
    const whole = this.#incoming.take(message, this.behaviour.zstd);
    if (whole) {
      const publishing = this.behaviour.publish(whole.topic, whole.message);
      return publishing.then((notified) => this.confirmNotify(identifier, notified, whole.topic, whole.signedHash));
    }
    this.continueNotify(identifier, message.kind === 'notifyStream' ? message.part : 0);
    return undefined;
  }

  #configure(message: FakeMessageOf<'configure'>): void {
    if (this.#nonce64) throw new Error('a second configure');
    const nonce = randomBytes(32);
    this.#nonce64 = createHash('sha256').update(message.nonce).update(nonce).digest('base64');
    const rest = (): Uint8Array => signed.confirmConfigure(nonce);
    this.send({ kind: 'confirmConfigure', nonce }, [signedKinds.confirmConfigure, rest]);
    if (message.zstd && this.behaviour.zstd) this.enablePreset();
  }

  #theirNextUrl(): string {
    if (!this.#nonce64) throw new Error('something before configure');
    return counterUrl(this.#nonce64, --this.#theirs);
  }

  #nextUrl(): string {
    return counterUrl(this.#nonce64, ++this.#ours);
  }
}

function isCounted({ kind }: ToBroadcaster): boolean {
  return kind !== 'configure' && kind !== 'notify' && kind !== 'notifyStream';
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
