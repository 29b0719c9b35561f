import type { ExactEntry, GlobEntry } from './etag.js';
import { FieldWriter } from './field-writer.js';

/** Where each request goes, after the broadcaster's base. @internal */
export const httpPaths = {
  subscribeExact: '/v1/subscribe/exact',
  subscribeGlob: '/v1/subscribe/glob',
  unsubscribeExact: '/v1/unsubscribe/exact',
  unsubscribeGlob: '/v1/unsubscribe/glob',
  notify: '/v1/notify',
  check: '/v1/check_subscriptions',
  set: '/v1/set_subscriptions',
} as const;

// Tracing is always empty: nobody reads it, and it would have to be signed.
const noTracing = 0;

/** The one format of an etag: a SHA-512 of the list. @internal */
export const etagFormat = 0;

/** The body of `subscribe/exact`. @internal */
export function subscribeExactBody(url: string, topic: Uint8Array, recovery: string | undefined): Uint8Array {
  return new FieldWriter().lp16(url).lp16(topic).lp16(recovery).u16(noTracing).finish();
}

/** The body of `subscribe/glob`. @internal */
export function subscribeGlobBody(url: string, glob: string, recovery: string | undefined): Uint8Array {
  return new FieldWriter().lp16(url).lp16(glob).lp16(recovery).u16(noTracing).finish();
}

/** The body of `unsubscribe/exact`. @internal */
export function unsubscribeExactBody(url: string, topic: Uint8Array): Uint8Array {
  return new FieldWriter().lp16(url).lp16(topic).u16(noTracing).finish();
}

/** The body of `unsubscribe/glob`. @internal */
export function unsubscribeGlobBody(url: string, glob: string): Uint8Array {
  return new FieldWriter().lp16(url).lp16(glob).u16(noTracing).finish();
}

/** The body of `check_subscriptions`. @internal */
export function checkBody(url: string): Uint8Array {
  return new FieldWriter().u16(noTracing).lp16(url).finish();
}

/**
 * The body of `set_subscriptions`.
 * @param etag - of exactly these entries, 64 bytes
 * @param exact - as `sortEntries` gives them
 * @param globs - as `sortEntries` gives them
 * @internal
 */
export function setBody(
  url: string,
  etag: Uint8Array,
  exact: readonly ExactEntry[],
  globs: readonly GlobEntry[],
): Uint8Array {
  const out = new FieldWriter(1024).u16(noTracing).lp16(url).u8(etagFormat).raw(etag).u32(exact.length);
  for (const { topic, recovery } of exact) out.lp16(topic).lp16(recovery);
  out.u32(globs.length);
  for (const { glob, recovery } of globs) out.lp16(glob).lp16(recovery);
  return out.finish();
}

/**
 * What comes before the message in the body of `notify`.
 * @param sha512 - of the message
 * @param identifier - up to 255 bytes, fresh for each attempt; the answer has it again
 * @param length - of the message, bytes
 * @internal
 */
export function notifyHead(topic: Uint8Array, sha512: Uint8Array, identifier: Uint8Array, length: number): Uint8Array {
  return new FieldWriter(2 + topic.length + sha512.length + 2 + 1 + identifier.length + 8)
    .lp16(topic)
    .raw(sha512)
    .u16(noTracing)
    .lp8(identifier)
    .u64(length)
    .finish();
}
