import type { ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { signedKinds } from '../../../lib/lonelyps/auth/auth.js';
import { FieldWriter } from '../../../lib/lonelyps/codec/field-writer.js';
import { signed } from '../../../lib/lonelyps/codec/signed.js';
import {
  encodeCheckAnswer,
  encodeGenericAnswer,
  encodeNotifyAnswer,
} from '../../lonelyps/codec-of-broadcaster/http.js';
import type { Claim, Party } from './party.js';
import type { FakeContent, FakeRequest } from './request.js';

/** An answer; what is left out is as a real broadcaster has it. */
export interface FakeReply {
  readonly status?: number;
  /** Such as `retry-after`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** In place of the whole body. */
  readonly body?: Uint8Array;
  /** How many subscribers have the message of a notify. */
  readonly notified?: number;
  /** In place of the identifier that a notify came with. */
  readonly identifier?: Uint8Array;
  /** In place of the etag of what is subscribed. */
  readonly etag?: Uint8Array;
  /** In place of the one that is right; '' for none. */
  readonly authorization?: string;
  readonly tracing?: Uint8Array;
  /** ms before it is sent. */
  readonly delay?: number;
  /** The connection is cut after so many bytes of the body. */
  readonly cutAfter?: number;
}

/**
 * What becomes of a request. `ok`: as with a real broadcaster. A number: that status, with no body. `hang`: nothing comes, the
 * connection stays. `close` and `reset`: it goes when the request is there, `resetEarly`: when its headers are there.
 */
export type FakeAnswer =
  | 'ok'
  | 'hang'
  | 'close'
  | 'reset'
  | 'resetEarly'
  | number
  | FakeReply
  | ((request: FakeRequest) => FakeAnswer | Promise<FakeAnswer>);

/** What a broadcaster answers to a request that it has done. */
export function bodyOf(content: FakeContent, reply: FakeReply, etag: Uint8Array, party: Party): Uint8Array {
  const { notified = 0 } = reply;
  const tracing = new Uint8Array(reply.tracing ?? (content.kind === 'notify' ? notifyTracing() : []));
  const sign = (claim: Claim): string => reply.authorization ?? party.sign(claim, { tracing });
  switch (content.kind) {
    case 'subscribe':
    case 'unsubscribe': {
      const { url, pattern, recovery } = content.row;
      const claim: Claim =
        'topic' in pattern
          ? [signedKinds.confirmExact, () => signed.confirmExact(url, recovery, pattern.topic)]
          : [signedKinds.confirmGlob, () => signed.confirmGlob(url, recovery, pattern.glob)];
      return encodeGenericAnswer(sign(claim), tracing);
    }
    case 'notify': {
      const { topic, sha512 } = content;
      const identifier = reply.identifier ?? content.identifier;
      const rest = (): Uint8Array => signed.confirmNotify(identifier, notified, topic, sha512);
      return encodeNotifyAnswer(notified, identifier, sign([signedKinds.confirmNotify, rest]), tracing);
    }
    case 'check': {
      const given = reply.etag ?? etag;
      return encodeCheckAnswer(given, sign([signedKinds.checked, () => signed.checked(given)]), tracing);
    }
    case 'set':
      return encodeGenericAnswer(sign([signedKinds.wasSet, () => signed.wasSet(content.etag)]), tracing);
  }
}

/** What a real one tells of a notify, and its own client reads: that nothing is cut off, one step, and two times. */
function notifyTracing(): Uint8Array {
  const [step, details, seconds] = [Buffer.from('received'), Buffer.from('{}'), Buffer.alloc(8)];
  seconds.writeDoubleBE(Date.now() / 1_000);
  const times = new FieldWriter()
    .u64(BigInt(Date.now()) * 1_000_000n)
    .u64(BigInt(Date.now()) * 1_000_000n)
    .finish();
  return new FieldWriter().u8(0).u16(1).lp16(step).lp16(details).raw(seconds).raw(times).finish();
}

/** Sends it, with the body in its place where the reply has none of its own. */
export async function send(response: ServerResponse, reply: FakeReply, body: Uint8Array): Promise<void> {
  if (reply.delay !== undefined) await delay(reply.delay);
  if (response.destroyed) return;
  const bytes = reply.body ?? body;
  response.writeHead(reply.status ?? 200, {
    'content-type': 'application/octet-stream',
    'content-length': String(bytes.length),
    ...reply.headers,
  });
  if (reply.cutAfter === undefined) {
    response.end(bytes);
    return;
  }
  response.flushHeaders();
  response.write(bytes.subarray(0, reply.cutAfter), () => response.socket?.destroy());
}
