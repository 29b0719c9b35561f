import { frameKey, frameReader, frameVersion } from '../../lib/rabbitmq-stream/codec/head.js';
import { keys, responseBit } from '../../lib/rabbitmq-stream/codec/keys.js';
import { readOffsetSpec } from '../../lib/rabbitmq-stream/codec/offset-spec.js';
import type { SubEntry } from '../../lib/rabbitmq-stream/codec/publish.js';
import type { Reader } from '../../lib/rabbitmq-stream/codec/reader.js';

// What a broker reads of the frames that a client sends.

/** An entry of Publish. */
export type PublishedEntry =
  | { readonly id: bigint; readonly record: Uint8Array; readonly filter?: string | null }
  | ({ readonly id: bigint } & SubEntry);

/** The fields of a frame, by the names that lib's encoders have for them. */
export type Fields = Readonly<Record<string, unknown>>;

/** The fields behind the correlation id, of those commands that have one. */
const withCorrelationId: Readonly<Record<number, (reader: Reader) => Fields>> = {
  [keys.declarePublisher]: (r) => ({ publisherId: r.u8(), reference: r.string(), stream: r.string() }),
  [keys.queryPublisherSequence]: (r) => ({ reference: r.string(), stream: r.string() }),
  [keys.deletePublisher]: (r) => ({ publisherId: r.u8() }),
  [keys.subscribe]: (r) => ({
    subscriptionId: r.u8(),
    stream: r.string(),
    offset: readOffsetSpec(r),
    credit: r.u16(),
    properties: r.remaining === 0 ? undefined : r.map(),
  }),
  [keys.queryOffset]: (r) => ({ reference: r.string(), stream: r.string() }),
  [keys.unsubscribe]: (r) => ({ subscriptionId: r.u8() }),
  [keys.create]: (r) => ({ stream: r.string(), arguments: r.map() }),
  [keys.delete]: (r) => ({ stream: r.string() }),
  [keys.metadata]: (r) => ({ streams: strings(r) }),
  [keys.peerProperties]: (r) => ({ properties: r.map() }),
  [keys.saslHandshake]: () => ({}),
  [keys.saslAuthenticate]: (r) => ({ mechanism: r.string(), data: r.nullableBytes() }),
  [keys.open]: (r) => ({ vhost: r.string() }),
  [keys.close]: (r) => ({ code: r.u16(), reason: r.string() }),
  [keys.close | responseBit]: (r) => ({ code: r.u16() }),
  [keys.route]: (r) => ({ routingKey: r.string(), superStream: r.string() }),
  [keys.partitions]: (r) => ({ superStream: r.string() }),
  [keys.consumerUpdate | responseBit]: (r) => ({ code: r.u16(), offset: readOffsetSpec(r) }),
  [keys.exchangeCommandVersions]: (r) => ({
    commands: r.array(6, () => ({ key: r.u16(), min: r.u16(), max: r.u16() })),
  }),
  [keys.streamStats]: (r) => ({ stream: r.string() }),
  [keys.createSuperStream]: (r) => ({
    name: r.string(),
    partitions: strings(r),
    bindingKeys: strings(r),
    arguments: r.map(),
  }),
  [keys.deleteSuperStream]: (r) => ({ name: r.string() }),
  [keys.resolveOffsetSpec]: (r) => ({ stream: r.string(), offset: readOffsetSpec(r), properties: r.map() }),
};

const withoutCorrelationId: Readonly<Record<number, (reader: Reader) => Fields>> = {
  [keys.credit]: (r) => ({ subscriptionId: r.u8(), credit: r.i16() }),
  [keys.storeOffset]: (r) => ({ reference: r.string(), stream: r.string(), offset: r.u64() }),
  [keys.tune]: (r) => ({ frameMax: r.u32(), heartbeat: r.u32() }),
  [keys.heartbeat]: () => ({}),
};

/** What a client sent. */
export interface ClientFrame {
  readonly key: number;
  readonly version: number;
  readonly correlationId: number | undefined;
  readonly fields: Fields;
}

/**
 * Reads the frame between `start` (its key) and `end`. Throws `ProtocolError` for a frame that a broker would drop the
 * connection for: an unknown one, a malformed one, one with bytes behind its last field.
 */
export function decodeClientFrame(bytes: Uint8Array, start: number, end: number): ClientFrame {
  const key = frameKey(bytes, start);
  const version = frameVersion(bytes, start);
  const reader = frameReader(bytes, start, end);
  let correlationId: number | undefined;
  let fields: Fields;
  if (key === keys.publish) {
    fields = { publisherId: reader.u8(), entries: reader.array(12, () => readEntry(reader, version)) };
  } else {
    const read = withCorrelationId[key];
    const other = withoutCorrelationId[key];
    if (read !== undefined) {
      correlationId = reader.u32();
      fields = read(reader);
    } else if (other !== undefined) {
      fields = other(reader);
    } else {
      throw reader.error('no client sends it', start);
    }
  }
  if (reader.remaining > 0) throw reader.error(`${String(reader.remaining)} bytes too many`);
  return { key, version, correlationId, fields };
}

function readEntry(reader: Reader, version: number): PublishedEntry {
  const id = reader.u64();
  if (version === 2) {
    const filter = reader.nullableString();
    return { id, filter, record: reader.nullableBytes()! };
  }
  if (reader.bytes[reader.pos]! < 0x80) return { id, record: reader.nullableBytes()! };
  const compression = (reader.u8() & 0x70) >> 4;
  const records = reader.u16();
  const uncompressedSize = reader.u32();
  return { id, compression, records, uncompressedSize, data: reader.nullableBytes()! };
}

function strings(reader: Reader): string[] {
  return reader.array(2, () => reader.string());
}
