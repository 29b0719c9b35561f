import type { ExactEntry, GlobEntry } from '../../../lib/lonelyps/codec/etag.js';
import { FieldReader } from '../../../lib/lonelyps/codec/field-reader.js';
import { FieldWriter } from '../../../lib/lonelyps/codec/field-writer.js';
import { frameOf } from '../../../lib/lonelyps/codec/malformed.js';

// The broadcaster's half of the HTTP protocol: it reads requests and confirmations, and writes answers and callbacks.

const none: Uint8Array = new Uint8Array(0);
const request = frameOf('request');

export interface PatternRequest {
  readonly url: string;
  /** The topic, or the glob as UTF-8. */
  readonly pattern: Uint8Array;
  /** '' for none, and with unsubscribe. */
  readonly recovery: string;
}

export interface NotifyRequest {
  readonly topic: Uint8Array;
  readonly sha512: Uint8Array;
  readonly tracing: Uint8Array;
  readonly identifier: Uint8Array;
  readonly message: Uint8Array;
}

export interface SetRequest {
  readonly url: string;
  readonly etag: Uint8Array;
  readonly exact: readonly ExactEntry[];
  readonly globs: readonly GlobEntry[];
}

/** The body of `subscribe/exact` and `subscribe/glob`. */
export function decodeSubscribe(bytes: Uint8Array): PatternRequest {
  const reader = new FieldReader(bytes, request);
  const url = reader.text('url');
  const pattern = reader.lp16('pattern');
  const recovery = reader.text('recovery');
  reader.lp16('tracing');
  return { url, pattern, recovery };
}

/** The body of `unsubscribe/exact` and `unsubscribe/glob`. */
export function decodeUnsubscribe(bytes: Uint8Array): PatternRequest {
  const reader = new FieldReader(bytes, request);
  const url = reader.text('url');
  const pattern = reader.lp16('pattern');
  reader.lp16('tracing');
  return { url, pattern, recovery: '' };
}

/** The body of `check_subscriptions`: the URL. */
export function decodeCheck(bytes: Uint8Array): string {
  const reader = new FieldReader(bytes, request);
  reader.lp16('tracing');
  return reader.text('url');
}

/** The body of `set_subscriptions`. */
export function decodeSet(bytes: Uint8Array): SetRequest {
  const reader = new FieldReader(bytes, request);
  reader.lp16('tracing');
  const url = reader.text('url');
  const format = reader.u8('format');
  if (format !== 0) throw reader.error(reader.at - 1, 'its format is not 0');
  const etag = reader.fixed(64, 'etag');
  const recovery = (): string | undefined => reader.text('recovery') || undefined;
  const exact: ExactEntry[] = [];
  for (let left = reader.u32('count'); left > 0; left--)
    exact.push({ topic: reader.lp16('topic'), recovery: recovery() });
  const globs: GlobEntry[] = [];
  for (let left = reader.u32('count'); left > 0; left--)
    globs.push({ glob: reader.text('glob'), recovery: recovery() });
  return { url, etag, exact, globs };
}

/** The body of `notify`. Extra bytes after the message are an error, as with the real one. */
export function decodeNotify(bytes: Uint8Array): NotifyRequest {
  const reader = new FieldReader(bytes, request);
  const topic = reader.lp16('topic');
  const sha512 = reader.fixed(64, 'hash');
  const tracing = reader.lp16('tracing');
  const identifier = reader.lp8('identifier');
  const message = reader.fixed(reader.u64('length'), 'message');
  reader.end();
  return { topic, sha512, tracing, identifier, message };
}

export function encodeGenericAnswer(authorization = '', tracing = none): Uint8Array {
  return new FieldWriter().u16(3).lp16(authorization).lp16(tracing).finish();
}

export function encodeNotifyAnswer(
  notified: number,
  identifier: Uint8Array,
  authorization = '',
  tracing = none,
): Uint8Array {
  return new FieldWriter().u16(4).lp16(authorization).lp16(tracing).u32(notified).lp8(identifier).finish();
}

export function encodeCheckAnswer(etag: Uint8Array, authorization = '', tracing = none): Uint8Array {
  return new FieldWriter().u16(5).lp16(authorization).lp16(tracing).u8(0).raw(etag).finish();
}

/** The body of a RECEIVE callback. `length` can lie. */
export function encodeReceive(
  topic: Uint8Array,
  identifier: Uint8Array,
  message: Uint8Array,
  tracing = none,
  length: number | bigint = message.length,
): Uint8Array {
  return new FieldWriter(1024 + message.length)
    .lp16(tracing)
    .lp16(topic)
    .lp8(identifier)
    .u64(length)
    .raw(message)
    .finish();
}

/** The body of a MISSED callback. */
export function encodeMissed(topic: Uint8Array, tracing = none): Uint8Array {
  return new FieldWriter().lp16(tracing).lp16(topic).finish();
}

/** What a subscriber answers to a callback; anything else throws. */
export type CallbackAnswer =
  | {
      readonly kind: 'confirmReceive';
      readonly authorization: string;
      readonly identifier: Uint8Array;
      readonly subscribers: number;
    }
  | { readonly kind: 'confirmMissed'; readonly authorization: string }
  | { readonly kind: 'unsubscribe' };

export function decodeCallbackAnswer(bytes: Uint8Array): CallbackAnswer {
  const reader = new FieldReader(bytes, frameOf('answer to a callback'));
  const type = reader.u16('type');
  if (type === 10) {
    reader.end();
    return { kind: 'unsubscribe' };
  }
  if (type !== 8 && type !== 9) throw reader.error(0, `the type ${type} is not known`);
  const authorization = reader.text('authorization');
  reader.lp16('tracing');
  if (type === 9) {
    reader.end();
    return { kind: 'confirmMissed', authorization };
  }
  const identifier = reader.lp8('identifier');
  const subscribers = reader.u32('subscribers');
  reader.end();
  return { kind: 'confirmReceive', authorization, identifier, subscribers };
}
