import { crc32 } from 'node:zlib';
import { keys, responseBit } from '../../lib/rabbitmq-stream/codec/keys.js';
import { writeOffsetSpec, type OffsetSpec } from '../../lib/rabbitmq-stream/codec/offset-spec.js';
import { responseCodes } from '../../lib/rabbitmq-stream/codec/response-codes.js';
import type { SubEntry } from '../../lib/rabbitmq-stream/codec/publish.js';
import { writeCommandVersions, type CommandVersions } from '../../lib/rabbitmq-stream/codec/requests.js';
import type { NodeAddress, PublishErrors, StreamMetadata } from '../../lib/rabbitmq-stream/codec/responses.js';
import { Writer, type StringMap } from '../../lib/rabbitmq-stream/codec/writer.js';

// The frames that a broker sends, whole, size included. Those that both sides send (Tune, Close and its response,
// Heartbeat) are in lib's requests.ts.

/** A response: correlation id, code and, where there are more, its fields. */
export function encodeResponse(
  key: number,
  correlationId: number,
  code: number = responseCodes.OK,
  write?: (writer: Writer) => unknown,
): Uint8Array {
  const writer = new Writer(key | responseBit, 1, correlationId).u16(code);
  write?.(writer);
  return writer.finish();
}

export function encodePeerPropertiesResponse(correlationId: number, properties: StringMap): Uint8Array {
  return encodeResponse(keys.peerProperties, correlationId, responseCodes.OK, (to) => to.map(properties));
}

export function encodeSaslHandshakeResponse(correlationId: number, mechanisms: readonly string[]): Uint8Array {
  return encodeResponse(keys.saslHandshake, correlationId, responseCodes.OK, (to) => to.strings(mechanisms));
}

/** A challenge is written as a string, as RabbitMQ does; `asBytes`: as the protocol's text has it. */
export function encodeSaslAuthenticateResponse(
  correlationId: number,
  code: number,
  challenge?: Uint8Array,
  asBytes = false,
): Uint8Array {
  return encodeResponse(keys.saslAuthenticate, correlationId, code, (to) => {
    if (challenge === undefined) return;
    if (asBytes) to.bytes(challenge);
    else to.u16(challenge.length).raw(challenge);
  });
}

/** Without properties where the code is not OK. */
export function encodeOpenResponse(
  correlationId: number,
  properties: StringMap,
  code: number = responseCodes.OK,
): Uint8Array {
  return encodeResponse(keys.open, correlationId, code, (to) => code === responseCodes.OK && to.map(properties));
}

export function encodeExchangeCommandVersionsResponse(
  correlationId: number,
  commands: readonly CommandVersions[],
): Uint8Array {
  return encodeResponse(keys.exchangeCommandVersions, correlationId, responseCodes.OK, (to) =>
    writeCommandVersions(to, commands),
  );
}

/** Metadata has no code. Nodes are numbered in the order in which the streams name them. */
export function encodeMetadataResponse(correlationId: number, streams: readonly StreamMetadata[]): Uint8Array {
  const nodes: NodeAddress[] = [];
  const reference = (node: NodeAddress | undefined): number => {
    if (node === undefined) return 0xffff;
    const known = nodes.findIndex(({ host, port }) => host === node.host && port === node.port);
    return known >= 0 ? known : nodes.push(node) - 1;
  };
  const references = streams.map(({ leader, replicas }) => [reference(leader), replicas.map(reference)] as const);
  return new Writer(keys.metadata | responseBit, 1, correlationId)
    .array(nodes, (to, node) => to.u16(nodes.indexOf(node)).string(node.host).u32(node.port))
    .array(streams, (to, { stream, code }) => {
      const [leader, replicas] = references[streams.findIndex((other) => other.stream === stream)]!;
      to.string(stream)
        .u16(code)
        .u16(leader)
        .array(replicas, (each, replica) => each.u16(replica));
    })
    .finish();
}

export function encodeStreamStatsResponse(
  correlationId: number,
  stats: ReadonlyMap<string, bigint>,
  code: number = responseCodes.OK,
): Uint8Array {
  return encodeResponse(keys.streamStats, correlationId, code, (to) =>
    to.array([...stats], (each, [name, value]) => each.string(name).u64(value)),
  );
}

export function encodeQueryPublisherSequenceResponse(
  correlationId: number,
  sequence: number | bigint,
  code: number = responseCodes.OK,
): Uint8Array {
  return encodeResponse(keys.queryPublisherSequence, correlationId, code, (to) => to.u64(sequence));
}

/** The offset is there whatever the code. */
export function encodeQueryOffsetResponse(
  correlationId: number,
  offset: number | bigint,
  code: number = responseCodes.OK,
): Uint8Array {
  return encodeResponse(keys.queryOffset, correlationId, code, (to) => to.u64(offset));
}

/** @param key - that of Route or of Partitions, which are answered alike */
export function encodeStreamsResponse(
  key: number,
  correlationId: number,
  streams: readonly string[],
  code: number = responseCodes.OK,
): Uint8Array {
  return encodeResponse(key, correlationId, code, (to) => to.strings(streams));
}

export function encodeResolveOffsetSpecResponse(correlationId: number, offset: OffsetSpec): Uint8Array {
  return encodeResponse(keys.resolveOffsetSpec, correlationId, responseCodes.OK, (to) => writeOffsetSpec(to, offset));
}

export function encodePublishConfirm(publisherId: number, ids: readonly (number | bigint)[]): Uint8Array {
  return new Writer(keys.publishConfirm, 1)
    .u8(publisherId)
    .array(ids, (to, id) => to.u64(id))
    .finish();
}

export function encodePublishError(fields: PublishErrors): Uint8Array {
  return new Writer(keys.publishError, 1)
    .u8(fields.publisherId)
    .array(fields.errors, (to, { id, code }) => to.u64(id).u16(code))
    .finish();
}

export function encodeCreditError(subscriptionId: number, code: number): Uint8Array {
  return new Writer(keys.credit | responseBit, 1).u16(code).u8(subscriptionId).finish();
}

export function encodeMetadataUpdate(stream: string, code: number = responseCodes.STREAM_NOT_AVAILABLE): Uint8Array {
  return new Writer(keys.metadataUpdate, 1).u16(code).string(stream).finish();
}

export function encodeConsumerUpdate(correlationId: number, subscriptionId: number, active: boolean): Uint8Array {
  return new Writer(keys.consumerUpdate, 1, correlationId)
    .u8(subscriptionId)
    .u8(active ? 1 : 0)
    .finish();
}

/** What is in a chunk; the rest can be given to tell something that is not true. */
export interface ChunkFields {
  /** Records and sub-entries. */
  readonly entries: readonly (Uint8Array | SubEntry)[];
  readonly firstOffset: number | bigint;
  /** Default: 0. */
  readonly timestamp?: number | bigint;
  /** Default: 1. */
  readonly epoch?: number | bigint;
  /** Default: 0x50. */
  readonly magic?: number;
  /** Default: 0, messages. */
  readonly type?: number;
  /** Default: the length of `entries`. */
  readonly entryCount?: number;
  /** Default: one for each record, and what each sub-entry says. */
  readonly recordCount?: number;
  /** Default: the right one. */
  readonly crc?: number;
  /** Default: the right one. */
  readonly dataLength?: number;
  /** Of what is not sent. Default: 0. */
  readonly trailerLength?: number;
  /** Of what is not sent. Default: 0. */
  readonly bloomSize?: number;
}

/** A chunk, as Deliver has it. */
export function encodeChunk(fields: ChunkFields): Uint8Array {
  const { entries } = fields;
  // a writer makes frames: what comes before the entries is cut off
  const data = entries.reduce<Writer>(writeEntry, new Writer(0, 0)).finish().subarray(8);
  const records = entries.reduce((sum, entry) => sum + (entry instanceof Uint8Array ? 1 : entry.records), 0);
  return new Writer(0, 0)
    .u8(fields.magic ?? 0x50)
    .u8(fields.type ?? 0)
    .u16(fields.entryCount ?? entries.length)
    .u32(fields.recordCount ?? records)
    .u64(fields.timestamp ?? 0)
    .u64(fields.epoch ?? 1)
    .u64(fields.firstOffset)
    .u32(fields.crc ?? crc32(data))
    .u32(fields.dataLength ?? data.length)
    .u32(fields.trailerLength ?? 0)
    .u8(fields.bloomSize ?? 0)
    .raw(new Uint8Array(3))
    .raw(data)
    .finish()
    .subarray(8);
}

function writeEntry(writer: Writer, entry: Uint8Array | SubEntry): Writer {
  if (entry instanceof Uint8Array) return writer.bytes(entry);
  const { compression, records, uncompressedSize, data } = entry;
  return writer
    .u8(0x80 | (compression << 4))
    .u16(records)
    .u32(uncompressedSize)
    .bytes(data);
}

/** Deliver with a chunk; version 2 where there is a `committedChunkId`, else version 1. */
export function encodeDeliver(
  subscriptionId: number,
  chunk: Uint8Array,
  committedChunkId?: number | bigint,
): Uint8Array {
  if (committedChunkId === undefined) return new Writer(keys.deliver, 1).u8(subscriptionId).raw(chunk).finish();
  return new Writer(keys.deliver, 2).u8(subscriptionId).u64(committedChunkId).raw(chunk).finish();
}
