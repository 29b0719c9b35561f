import { signedKinds } from '../../../lib/lonelyps/auth/auth.js';
import type { StreamHead } from '../../../lib/lonelyps/codec/from-broadcaster.js';
import { signed } from '../../../lib/lonelyps/codec/signed.js';
import type { Zstd } from '../../../lib/lonelyps/platform.js';
import type { FakeMessage, FakeMessageOf } from './connection.js';
import { sha512, type Claim } from './party.js';

/** A notification that is complete. */
export interface FakeNotified {
  readonly topic: Uint8Array;
  /** Decompressed. */
  readonly message: Uint8Array;
  /** The hash that its confirmation is signed by: of what was sent in parts, or of the message that came as one. */
  readonly signedHash: Uint8Array;
}

/** Puts notifications together, and knows what each message of a client must have signed. */
export class Incoming {
  /** For signatures: of the notification whose parts came last. */
  #signedHead: { readonly head: StreamHead; readonly tracing: Uint8Array } | undefined;
  #stream: { readonly identifier: Uint8Array; readonly head: StreamHead; readonly parts: Uint8Array[] } | undefined;

  claimOf(message: FakeMessage): { readonly claim: Claim; readonly tracing: Uint8Array } {
    const { url, tracing } = message;
    switch (message.kind) {
      case 'configure': {
        const { nonce, zstd, training, initialDictionary } = message;
        const rest = (): Uint8Array => signed.configure(nonce, zstd, training, initialDictionary);
        return { claim: [signedKinds.configure, rest], tracing };
      }
      case 'subscribeExact':
      case 'unsubscribeExact':
        return { claim: [signedKinds.exact, () => signed.exact(url, undefined, message.topic)], tracing };
      case 'subscribeGlob':
      case 'unsubscribeGlob':
        return { claim: [signedKinds.glob, () => signed.glob(url, undefined, message.glob)], tracing };
      case 'notify':
      case 'notifyStream': {
        if (message.head) this.#signedHead = { head: message.head, tracing };
        const first = this.#signedHead;
        if (!first) throw new Error('a later part without a first one');
        const rest = (): Uint8Array => signed.notify(first.head.topic, message.identifier, first.head.sha512);
        return { claim: [signedKinds.notify, rest], tracing: first.tracing };
      }
      case 'continueReceive':
        return {
          claim: [signedKinds.continueReceive, () => signed.continueReceive(message.identifier, message.part, url)],
          tracing,
        };
      case 'confirmReceive': {
        const { identifier, subscribers } = message;
        const rest = (): Uint8Array => signed.confirmReceive(identifier, subscribers, url);
        return { claim: [signedKinds.confirmReceive, rest], tracing };
      }
    }
  }

  /** Undefined: there are more parts to come. @throws Error for what does not fit together */
  take(message: FakeMessageOf<'notify' | 'notifyStream'>, zstd: Zstd | undefined): FakeNotified | undefined {
    if (message.kind === 'notify') {
      if (this.#stream) throw new Error('a notification between the parts of another one');
      const { topic } = message.head;
      const whole = complete(message.head, [message.bytes], zstd);
      return { topic, message: whole, signedHash: sha512(whole) };
    }
    const { identifier, part, head, bytes } = message;
    if (head && this.#stream) throw new Error('a first part before the last part of another notification');
    const stream = head ? (this.#stream = { identifier, head, parts: [] }) : this.#stream;
    if (!stream) throw new Error(`part ${part} without a first one`);
    if (Buffer.compare(stream.identifier, identifier) !== 0) throw new Error(`part ${part} of another notification`);
    if (stream.parts.length !== part) throw new Error(`part ${part}, and ${stream.parts.length} was due`);
    stream.parts.push(bytes);
    if (lengthOf(stream.parts) < stream.head.compressedLength) return undefined;
    this.#stream = undefined;
    const whole = complete(stream.head, stream.parts, zstd);
    return { topic: stream.head.topic, message: whole, signedHash: stream.head.sha512 };
  }
}

function complete(head: StreamHead, parts: readonly Uint8Array[], zstd: Zstd | undefined): Uint8Array {
  const sent = Buffer.concat(parts);
  if (sent.length !== head.compressedLength) throw new Error(`${sent.length} bytes of ${head.compressedLength}`);
  if (Buffer.compare(sha512(sent), head.sha512) !== 0) throw new Error('a notification with another hash');
  if (head.compressor === 0) return sent;
  if (head.compressor !== 1 || !zstd) throw new Error(`compressor ${head.compressor}, which is not allowed`);
  return zstd.decompress(sent, head.length, undefined);
}

function lengthOf(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, { length }) => sum + length, 0);
}
