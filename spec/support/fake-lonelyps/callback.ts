import { randomBytes } from 'node:crypto';
import { request as startRequest, type Agent, type ClientRequest, type IncomingHttpHeaders } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { signedKinds, type SignedKind } from '../../../lib/lonelyps/auth/auth.js';
import type { AuthSide } from '../../../lib/lonelyps/auth/auth-options.js';
import { FieldReader } from '../../../lib/lonelyps/codec/field-reader.js';
import { frameOf } from '../../../lib/lonelyps/codec/malformed.js';
import { signed } from '../../../lib/lonelyps/codec/signed.js';
import {
  decodeCallbackAnswer,
  encodeMissed,
  encodeReceive,
  type CallbackAnswer,
} from '../../lonelyps/codec-of-broadcaster/http.js';
import { bytesOf, sha512, type Claim, type Party } from './party.js';

/** What to post, and all that can be wrong with it. Without the latter it is right. */
export interface FakeCallback {
  readonly kind: 'receive' | 'missed';
  /** As registered, with its fragment. */
  readonly url: string;
  readonly topic: string | Uint8Array;
  readonly message?: string | Uint8Array;
  /** Default: 8 random bytes. */
  readonly identifier?: Uint8Array;
  readonly tracing?: Uint8Array;
  /** The hash that is told and signed, in place of the message's. */
  readonly sha512?: Uint8Array;
  /** The whole header `repr-digest`; undefined: none. */
  readonly digest?: string | undefined;
  /** The length that the body tells. */
  readonly length?: number | bigint;
  /** The whole body. */
  readonly body?: Uint8Array;
  /** The header `content-length`, whatever comes; undefined: none, the body is chunked. */
  readonly contentLength?: number | undefined;
  /** The whole header; undefined: none. What an earlier callback had makes a replay. */
  readonly authorization?: string | undefined;
  /** ms by which the clock is wrong that it is signed by. */
  readonly skew?: number;
  /** The secret in place of the right one. */
  readonly side?: AuthSide;
  /** What is signed instead of this, such as `missed` for a `receive`. */
  readonly signedAs?: SignedKind;
  /** The URL that is signed. */
  readonly signedUrl?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** The connection is cut after so many bytes of the body. */
  readonly cutAfter?: number;
  /** The body comes in pieces of so many bytes, with so many ms before each. */
  readonly slow?: { readonly bytes: number; readonly every: number };
  /** ms without an answer after which it gives up. Default 5000, as the real one. */
  readonly timeout?: number;
  /** A connection of its own that ends with the answer. Default false: they are kept for the next. */
  readonly fresh?: boolean;
}

/** What came of it. It never rejects. */
export interface FakeCallbackResult {
  /** Undefined where no answer came. */
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** Why no answer came. */
  readonly error: Error | undefined;
  /** What the body says; undefined where it says nothing. */
  readonly answer: CallbackAnswer | undefined;
  /** Whether it is a confirmation, with the right identifier and authorization. */
  readonly confirmed: boolean;
  /** As it was sent, to be sent again. */
  readonly authorization: string;
}

interface Raw {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly error: Error | undefined;
}

/** Posts a callback as a broadcaster does, or as it never would. */
export async function post(callback: FakeCallback, party: Party, agent: Agent): Promise<FakeCallbackResult> {
  const { kind, url, identifier = randomBytes(8) } = callback;
  const tracing = new Uint8Array(callback.tracing ?? []);
  const [topic, message] = [bytesOf(callback.topic), bytesOf(callback.message ?? '')];
  const hash = callback.sha512 ?? sha512(message);
  const claim: Claim =
    kind === 'receive'
      ? [signedKinds.receive, () => signed.receive(callback.signedUrl ?? url, topic, identifier, hash)]
      : [signedKinds.missed, () => signed.missed(callback.signedUrl ?? url, topic)];
  const { skew, side, signedAs = claim[0] } = callback;
  const authorization =
    'authorization' in callback
      ? (callback.authorization ?? '')
      : party.sign([signedAs, claim[1]], { tracing, skew, side });
  const digest = 'digest' in callback ? callback.digest : `sha-512=${Buffer.from(hash).toString('base64')}`;
  const body =
    callback.body ??
    (kind === 'receive'
      ? encodeReceive(topic, identifier, message, tracing, callback.length)
      : encodeMissed(topic, tracing));
  const contentLength = 'contentLength' in callback ? callback.contentLength : body.length;
  const headers = {
    'content-type': 'application/octet-stream',
    ...(contentLength !== undefined && { 'content-length': String(contentLength) }),
    ...(kind === 'receive' && digest !== undefined && { 'repr-digest': digest }),
    ...(authorization && { authorization }),
    ...callback.headers,
  };
  const raw = await exchange(callback, headers, body, agent);
  const answer = answerOf(raw.body);
  const confirmed = answer !== undefined && isConfirmed(callback, answer, raw.body, { topic, identifier }, party);
  return { ...raw, answer, confirmed, authorization };
}

function exchange(
  callback: FakeCallback,
  headers: Record<string, string>,
  body: Uint8Array,
  agent: Agent,
): Promise<Raw> {
  const { url, method = 'POST', timeout = 5_000, fresh = false } = callback;
  return new Promise((resolve) => {
    const failed = (error: Error): void => {
      resolve({ status: undefined, headers: {}, body: Buffer.alloc(0), error });
    };
    const request = startRequest(new URL(url), { method, headers, timeout, agent: fresh ? false : agent });
    request.on('timeout', () => request.destroy(new Error(`no answer within ${timeout} ms`)));
    request.on('error', failed);
    request.on('response', (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('error', failed);
      response.on('end', () => {
        // an answer may come before the body has gone, which then need not go on
        if (!request.writableEnded) request.destroy();
        resolve({
          status: response.statusCode,
          headers: response.headers,
          body: Buffer.concat(parts),
          error: undefined,
        });
      });
    });
    void write(request, body, callback);
  });
}

async function write(request: ClientRequest, body: Uint8Array, { cutAfter, slow }: FakeCallback): Promise<void> {
  const bytes = body.subarray(0, cutAfter);
  if (slow) {
    request.flushHeaders();
    for (let at = 0; at < bytes.length && !request.destroyed; at += slow.bytes) {
      await delay(slow.every);
      if (!request.destroyed) request.write(bytes.subarray(at, at + slow.bytes));
    }
  } else if (cutAfter !== undefined) {
    request.flushHeaders();
    await new Promise((resolve) => request.write(bytes, resolve));
  }
  if (cutAfter !== undefined) request.destroy(new Error('cut, as the spec wants it'));
  else if (!request.destroyed) request.end(slow ? undefined : bytes);
}

function answerOf(body: Uint8Array): CallbackAnswer | undefined {
  try {
    return decodeCallbackAnswer(body);
  } catch {
    return undefined;
  }
}

function isConfirmed(
  { kind, url }: FakeCallback,
  answer: CallbackAnswer,
  body: Uint8Array,
  { topic, identifier }: { readonly topic: Uint8Array; readonly identifier: Uint8Array },
  party: Party,
): boolean {
  if (answer.kind === 'unsubscribe' || (answer.kind === 'confirmReceive') !== (kind === 'receive')) return false;
  const reader = new FieldReader(body, frameOf('answer to a callback'));
  reader.u16('type');
  reader.lp16('authorization');
  const tracing = reader.lp16('tracing');
  const claim: Claim =
    answer.kind === 'confirmReceive'
      ? [signedKinds.confirmReceive, () => signed.confirmReceive(answer.identifier, answer.subscribers, url)]
      : [signedKinds.confirmMissed, () => signed.confirmMissed(topic, url)];
  const isSame = answer.kind !== 'confirmReceive' || Buffer.compare(answer.identifier, identifier) === 0;
  return isSame && party.verify(claim, tracing, answer.authorization) === undefined;
}
