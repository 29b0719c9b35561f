import { ProtocolError } from '../../core/errors.js';
import { FieldWriter } from './field-writer.js';
import { etagFormat } from './http-requests.js';

/**
 * What is signed for each kind, after the kind, time, nonce and tracing: the names are those of `signedKinds`.
 * A recovery URL that is not there is undefined. On a websocket the URLs are those of `counterUrl`.
 * @internal
 */
export const signed = {
  /** Subscribe to a topic and unsubscribe from it, which never has a recovery URL. */
  exact: (url: string, recovery: string | undefined, topic: Uint8Array) => withPattern(url, recovery, topic),
  /** The same for a glob. */
  glob: (url: string, recovery: string | undefined, glob: string) => withPattern(url, recovery, glob),
  notify: (topic: Uint8Array, identifier: Uint8Array, sha512: Uint8Array) =>
    new FieldWriter().lp16(topic).lp8(identifier).raw(sha512).finish(),
  configure: (nonce: Uint8Array, zstd: boolean, training: boolean, initialDictionary: number) =>
    new FieldWriter().lp8(nonce).u8(Number(zstd)).u8(Number(training)).u16(initialDictionary).finish(),
  check: (url: string) => new FieldWriter().lp16(url).finish(),
  set: (url: string, etag: Uint8Array) => new FieldWriter().lp16(url).u8(etagFormat).raw(etag).finish(),
  /** Throws `ProtocolError` for a part beyond 255: what is signed has one byte for it. */
  continueReceive: (identifier: Uint8Array, part: number, url: string) =>
    new FieldWriter().lp8(identifier).u8(oneByte(part)).lp16(url).finish(),
  confirmReceive: (identifier: Uint8Array, subscribers: number, url: string) =>
    new FieldWriter().lp8(identifier).u32(subscribers).lp16(url).finish(),
  confirmMissed: (topic: Uint8Array, recovery: string) => new FieldWriter().lp16(topic).lp16(recovery).finish(),
  receive: (url: string, topic: Uint8Array, identifier: Uint8Array, sha512: Uint8Array) =>
    new FieldWriter().lp16(url).lp16(topic).lp8(identifier).raw(sha512).finish(),
  missed: (recovery: string, topic: Uint8Array) => new FieldWriter().lp16(recovery).lp16(topic).finish(),
  confirmExact: (url: string, recovery: string | undefined, topic: Uint8Array) => withPattern(url, recovery, topic),
  confirmGlob: (url: string, recovery: string | undefined, glob: string) => withPattern(url, recovery, glob),
  confirmNotify: (identifier: Uint8Array, notified: number, topic: Uint8Array, sha512: Uint8Array) =>
    new FieldWriter().lp8(identifier).u32(notified).lp16(topic).raw(sha512).finish(),
  checked: (etag: Uint8Array) => new FieldWriter().u8(etagFormat).raw(etag).finish(),
  wasSet: (etag: Uint8Array) => new FieldWriter().u8(etagFormat).raw(etag).finish(),
  confirmConfigure: (nonce: Uint8Array) => new FieldWriter().lp8(nonce).finish(),
  enablePreset: (url: string, id: number, level: number, minSize: number, maxSize: bigint) =>
    compressor(url, id, level, minSize, maxSize).finish(),
  /** @param sha512 - of the dictionary */
  enableCustom: (url: string, id: number, level: number, minSize: number, maxSize: bigint, sha512: Uint8Array) =>
    compressor(url, id, level, minSize, maxSize).raw(sha512).finish(),
  disableCustom: (id: number, url: string) => new FieldWriter().u32(id).lp16(url).finish(),
  continueNotify: (identifier: Uint8Array, part: number) => new FieldWriter().lp8(identifier).u32(part).finish(),
} as const satisfies Record<string, (...fields: never[]) => Uint8Array>;

function withPattern(url: string, recovery: string | undefined, pattern: Uint8Array | string): Uint8Array {
  return new FieldWriter().lp16(url).lp16(recovery).lp16(pattern).finish();
}

function compressor(url: string, id: number, level: number, minSize: number, maxSize: bigint): FieldWriter {
  return new FieldWriter().lp16(url).u32(id).u32(level).u64(minSize).u64(maxSize);
}

function oneByte(part: number): number {
  if (part <= 0xff) return part;
  throw new ProtocolError(
    `part ${String(part)} of a message cannot be acknowledged: what HMAC signs has one byte for its number. ` +
      'Send smaller messages, let the broadcaster send larger parts, or use another kind of authorization',
    { broker: 'lonelyps', detail: { part } },
  );
}
