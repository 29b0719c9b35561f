import { createHash } from 'node:crypto';
import type { Clock } from '../../../lib/core/clock.js';
import type { WeirError } from '../../../lib/core/errors.js';
import type { LonelypsAuth } from '../../../lib/lonelyps/auth/auth-options.js';
import { signedKinds, type SignedKind, type Signer, type Verifier } from '../../../lib/lonelyps/auth/auth.js';
import { makeSigner } from '../../../lib/lonelyps/auth/signer.js';
import { makeVerifier } from '../../../lib/lonelyps/auth/verifier.js';
import { counterUrl } from '../../../lib/lonelyps/codec/counter-url.js';
import type { FromBroadcaster, StreamHead } from '../../../lib/lonelyps/codec/from-broadcaster.js';
import { signed } from '../../../lib/lonelyps/codec/signed.js';
import type { Socket, SocketHandlers } from '../../../lib/lonelyps/connection/socket.js';
import { nodePlatform } from '../../../lib/lonelyps/node/platform.js';
import {
  decodeToBroadcaster,
  encodeFromBroadcaster,
  encodeFromBroadcasterExpanded,
  type ToBroadcaster,
} from '../codec-of-broadcaster/websocket.js';
import { sha512, type UnsignedMessage } from '../../support/fake-lonelyps/index.js';
import { Incoming } from '../../support/fake-lonelyps/incoming.js';

const none = new Uint8Array();

/** What is signed without a counter. */
const uncounted: ReadonlySet<ToBroadcaster['kind']> = new Set(['configure', 'notify', 'notifyStream']);

/** The other end of a connection, in memory. It checks what it gets, and answers as the real one does unless it is told not to. */
export class FakeBroadcaster {
  readonly got: ToBroadcaster[] = [];
  /** Why an authorization was not good. */
  readonly refused: string[] = [];
  nonce = Uint8Array.from({ length: 32 }, (_, at) => at);
  pings = 0;
  /** Whether requests are answered. */
  answers = true;
  pongs = true;
  expanded = false;
  notified = 1;
  /** What `send` of the client says. */
  roomy = true;
  closed = false;
  terminated = false;
  tracing: Uint8Array = none;
  private handlers!: SocketHandlers;
  private nonce64 = '';
  private own = 0;
  private theirs = 0;
  private readonly signer: Signer;
  private readonly verifier: Verifier;
  private readonly incoming = new Incoming();
  private stream: { head: StreamHead; received: number } | undefined;

  constructor(
    auth: LonelypsAuth,
    clock: Clock,
    private readonly canPing: boolean,
  ) {
    const deps = { hashing: nodePlatform.hashing, random: nodePlatform.random, now: () => clock.now() };
    this.signer = makeSigner(auth.toSubscriber ?? { type: 'none' }, deps);
    this.verifier = makeVerifier(auth.toBroadcaster ?? { type: 'none' }, deps);
  }

  /** A client connects. */
  accept(handlers: SocketHandlers): Socket {
    this.handlers = handlers;
    queueMicrotask(() => {
      if (!this.terminated) handlers.opened();
    });
    const ping = (): void => {
      this.pings++;
      if (this.pongs) queueMicrotask(() => handlers.alive());
    };
    return {
      send: (bytes) => {
        const copy = new Uint8Array(bytes);
        queueMicrotask(() => {
          if (!this.terminated) this.receive(copy);
        });
        return this.roomy;
      },
      ping: this.canPing ? ping : undefined,
      close: () => {
        this.closed = true;
        queueMicrotask(() => this.hangUp(1000));
      },
      terminate: () => {
        this.terminated = true;
      },
    };
  }

  /** Ends the connection. */
  hangUp(code: number, reason = '', cause?: WeirError): void {
    if (this.terminated) return;
    this.terminated = true;
    this.handlers.closed(code, reason, cause);
  }

  drain(): void {
    this.roomy = true;
    this.handlers.drained();
  }

  text(): void {
    this.handlers.text();
  }

  /** Bytes as they are. */
  raw(bytes: Uint8Array): void {
    if (!this.terminated) this.handlers.message(bytes);
  }

  /** Signs a message, counts it, and sends it. */
  send(message: UnsignedMessage, over: Partial<{ authorization: string; tracing: Uint8Array }> = {}): void {
    const tracing = this.tracing;
    const whole = { authorization: this.sign(message), tracing, ...message, ...over } as FromBroadcaster;
    this.raw((this.expanded ? encodeFromBroadcasterExpanded : encodeFromBroadcaster)(whole));
  }

  /** A message in parts of so many bytes; what is sent may differ from what is said of it. */
  deliver(topic: string, bytes: Uint8Array, size = Infinity, said: Partial<StreamHead> = {}): void {
    const identifier = nodePlatform.random(4);
    const head = headOf(topic, bytes, said);
    let part = 0;
    for (let at = 0; at < bytes.length || part === 0; at += size) {
      const end = Math.min(bytes.length, at + size);
      this.part(identifier, part, head, bytes.subarray(at, end));
      part++;
    }
  }

  part(identifier: Uint8Array, part: number, head: StreamHead, bytes: Uint8Array): void {
    this.streamed = head;
    this.send({ kind: 'receive', identifier, part, head: part === 0 ? head : undefined, bytes });
  }

  /** Acknowledgements that came, in words. */
  get acks(): string[] {
    return this.got.flatMap((message) => {
      if (message.kind === 'continueReceive') return [`part ${message.part}`];
      return message.kind === 'confirmReceive' ? [`message for ${message.subscribers}`] : [];
    });
  }

  kinds(): string[] {
    return this.got.map(({ kind }) => kind);
  }

  private streamed!: StreamHead;

  private receive(bytes: Uint8Array): void {
    const message = decodeToBroadcaster(bytes);
    this.check(message);
    this.got.push(message);
    if (this.answers) this.answer(message);
  }

  /** As the real one answers. */
  answer(message: ToBroadcaster): void {
    switch (message.kind) {
      case 'configure':
        this.send({ kind: 'confirmConfigure', nonce: this.nonce });
        return;
      case 'subscribeExact':
        this.send({ kind: 'confirmSubscribeExact', topic: message.topic });
        return;
      case 'unsubscribeExact':
        this.send({ kind: 'confirmUnsubscribeExact', topic: message.topic });
        return;
      case 'subscribeGlob':
        this.send({ kind: 'confirmSubscribeGlob', glob: message.glob });
        return;
      case 'unsubscribeGlob':
        this.send({ kind: 'confirmUnsubscribeGlob', glob: message.glob });
        return;
      case 'notify':
        this.confirm(message.identifier, message.head);
        return;
      case 'notifyStream': {
        const stream = this.stream!;
        stream.received += message.bytes.length;
        const { identifier, part } = message;
        if (stream.received < stream.head.compressedLength) this.send({ kind: 'continueNotify', identifier, part });
        else this.confirm(identifier, stream.head);
        return;
      }
      default:
        return;
    }
  }

  private confirm(identifier: Uint8Array, head: StreamHead): void {
    this.streamed = head;
    this.send({ kind: 'confirmNotify', identifier, notified: this.notified });
  }

  private url(counter: number): string {
    return counterUrl(this.nonce64, counter);
  }

  private check(message: ToBroadcaster): void {
    const { kind, authorization } = message;
    const url = uncounted.has(kind) ? '' : this.url(--this.theirs);
    const { claim, tracing } = this.incoming.claimOf({ ...message, url });
    const refusal = this.verifier.verify(...claim, tracing, authorization);
    if (refusal) this.refused.push(`${kind}: ${refusal}`);
    if (message.kind === 'configure') {
      this.nonce64 = createHash('sha256').update(message.nonce).update(this.nonce).digest('base64');
    } else if (message.kind === 'notifyStream' && message.head) {
      this.stream = { head: message.head, received: 0 };
    }
  }

  /** The authorization of a message of ours; takes the counter where one is due. */
  private sign(message: UnsignedMessage): string {
    switch (message.kind) {
      case 'confirmConfigure':
        return this.signed(signedKinds.confirmConfigure, () => signed.confirmConfigure(message.nonce));
      case 'confirmSubscribeExact':
      case 'confirmUnsubscribeExact':
        return this.signed(signedKinds.confirmExact, () =>
          signed.confirmExact(this.url(this.theirs), undefined, message.topic),
        );
      case 'confirmSubscribeGlob':
      case 'confirmUnsubscribeGlob':
        return this.signed(signedKinds.confirmGlob, () =>
          signed.confirmGlob(this.url(this.theirs), undefined, message.glob),
        );
      case 'confirmNotify': {
        const { topic, sha512 } = this.confirmedAs ?? this.streamed;
        return this.signed(signedKinds.confirmNotify, () =>
          signed.confirmNotify(message.identifier, message.notified, topic, sha512),
        );
      }
      case 'continueNotify':
        return this.signed(signedKinds.continueNotify, () => signed.continueNotify(message.identifier, message.part));
      default: {
        const url = this.url(++this.own);
        return this.signCounted(message, url);
      }
    }
  }

  /** Topic and hash that confirmations are signed with, where they are not those of the bytes that came. */
  confirmedAs: { readonly topic: Uint8Array; readonly sha512: Uint8Array } | undefined;

  private signCounted(message: UnsignedMessage, url: string): string {
    switch (message.kind) {
      case 'receive':
        return this.signed(signedKinds.receive, () =>
          signed.receive(url, this.streamed.topic, message.identifier, this.streamed.sha512),
        );
      case 'missed':
        return this.signed(signedKinds.missed, () => signed.missed(url, message.topic));
      case 'enablePreset':
        return this.signed(signedKinds.enablePreset, () =>
          signed.enablePreset(url, message.id, message.level, message.minSize, message.maxSize),
        );
      case 'enableCustom':
        return this.signed(signedKinds.enableCustom, () =>
          signed.enableCustom(url, message.id, message.level, message.minSize, message.maxSize, message.sha512),
        );
      case 'disableCustom':
        return this.signed(signedKinds.disableCustom, () => signed.disableCustom(message.id, url));
      default:
        throw new Error(`${message.kind} has no counter`);
    }
  }

  private signed(kind: SignedKind, rest: () => Uint8Array): string {
    if (this.signer.type !== 'hmac' || this.tracing.length === 0) return this.signer.sign(kind, rest);
    throw new Error('the signer of this side knows no tracing');
  }
}

export function headOf(topic: string, bytes: Uint8Array, said: Partial<StreamHead> = {}): StreamHead {
  const { length } = bytes;
  const head = { topic: new TextEncoder().encode(topic), compressor: 0, compressedLength: length, length };
  return { ...head, sha512: sha512(bytes), ...said };
}
