import type { IncomingHttpHeaders } from 'node:http';
import type { Socket } from 'node:net';
import { signedKinds } from '../../../lib/lonelyps/auth/auth.js';
import { FieldReader } from '../../../lib/lonelyps/codec/field-reader.js';
import { httpPaths } from '../../../lib/lonelyps/codec/http-requests.js';
import { frameOf } from '../../../lib/lonelyps/codec/malformed.js';
import { signed } from '../../../lib/lonelyps/codec/signed.js';
import {
  decodeCheck,
  decodeNotify,
  decodeSet,
  decodeSubscribe,
  decodeUnsubscribe,
  type NotifyRequest,
  type SetRequest,
} from '../../lonelyps/codec-of-broadcaster/http.js';
import type { Claim } from './party.js';
import type { Registration } from './registrations.js';

/** A request as it came. */
export interface FakeRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** '' for none. */
  readonly authorization: string;
  /** What came of it so far. */
  readonly body: Buffer;
  /** Whether all of it came. */
  readonly complete: boolean;
  /** When its headers were there, by `performance.now()`. */
  readonly at: number;
  readonly socket: Socket;
}

/** What a request asks for. */
export type FakeContent = { readonly tracing: Uint8Array } & (
  | { readonly kind: 'subscribe' | 'unsubscribe'; readonly row: Registration }
  | ({ readonly kind: 'notify' } & NotifyRequest)
  | { readonly kind: 'check'; readonly url: string }
  | ({ readonly kind: 'set' } & SetRequest)
);

/** Reads a request; undefined where the path is none. Throws `ProtocolError`. */
export function contentOf(request: Pick<FakeRequest, 'path' | 'body'>): FakeContent | undefined {
  const { path, body } = request;
  switch (path) {
    case httpPaths.subscribeExact:
    case httpPaths.subscribeGlob: {
      const { url, pattern, recovery } = decodeSubscribe(body);
      const row = { url, pattern: patternOf(path, pattern), recovery: recovery || undefined };
      return { kind: 'subscribe', row, tracing: fieldOf(body, 3) };
    }
    case httpPaths.unsubscribeExact:
    case httpPaths.unsubscribeGlob: {
      const { url, pattern } = decodeUnsubscribe(body);
      const row = { url, pattern: patternOf(path, pattern), recovery: undefined };
      return { kind: 'unsubscribe', row, tracing: fieldOf(body, 2) };
    }
    case httpPaths.notify:
      return { kind: 'notify', ...decodeNotify(body) };
    case httpPaths.check:
      return { kind: 'check', url: decodeCheck(body), tracing: fieldOf(body, 0) };
    case httpPaths.set:
      return { kind: 'set', ...decodeSet(body), tracing: fieldOf(body, 0) };
    default:
      return undefined;
  }
}

/** What its authorization must be for. */
export function claimOf(content: FakeContent): Claim {
  switch (content.kind) {
    case 'subscribe':
    case 'unsubscribe': {
      const { url, pattern, recovery } = content.row;
      return 'topic' in pattern
        ? [signedKinds.exact, () => signed.exact(url, recovery, pattern.topic)]
        : [signedKinds.glob, () => signed.glob(url, recovery, pattern.glob)];
    }
    case 'notify':
      return [signedKinds.notify, () => signed.notify(content.topic, content.identifier, content.sha512)];
    case 'check':
      return [signedKinds.check, () => signed.check(content.url)];
    case 'set':
      return [signedKinds.set, () => signed.set(content.url, content.etag)];
  }
}

function patternOf(path: string, pattern: Uint8Array): Registration['pattern'] {
  // the decoders give views of the body, and rows outlive it
  return path.endsWith('/exact') ? { topic: Uint8Array.from(pattern) } : { glob: Buffer.from(pattern).toString() };
}

/** One of the fields that follow one another, counted from 0. */
function fieldOf(body: Uint8Array, nth: number): Uint8Array {
  const reader = new FieldReader(body, frameOf('request'));
  for (let skipped = 0; skipped < nth; skipped++) reader.lp16('field');
  return reader.lp16('tracing');
}
