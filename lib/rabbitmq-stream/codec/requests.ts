import { keys, responseBit } from './keys.js';
import { writeOffsetSpec, type OffsetSpec } from './offset-spec.js';
import { responseCodes } from './response-codes.js';
import { encodeText } from '../../core/wire/text.js';
import { Writer, type StringMap } from './writer.js';

// Every frame that a client sends, but for Publish (publish.ts) and Credit (credit.ts). Ids of publishers and
// subscriptions are 0 to 255, correlation ids 32 bits. All are written as version 1.

/** A client's limits, or the broker's, or those agreed on. */
export interface Tune {
  /** Bytes that a client's frame can have, its size included; 0: no limit. */
  readonly frameMax: number;
  /** Seconds; 0: no heartbeats. */
  readonly heartbeat: number;
}

/** Which versions of a command one side knows. */
export interface CommandVersions {
  readonly key: number;
  readonly min: number;
  readonly max: number;
}

function request(key: number, correlationId: number): Writer {
  return new Writer(key, 1, correlationId);
}

/** @param fields - `reference` is the producer's name; empty: no deduplication */
export function encodeDeclarePublisher(
  correlationId: number,
  fields: { readonly publisherId: number; readonly reference: string; readonly stream: string },
): Uint8Array {
  const { publisherId, reference, stream } = fields;
  return request(keys.declarePublisher, correlationId).u8(publisherId).string(reference).string(stream).finish();
}

export function encodeQueryPublisherSequence(
  correlationId: number,
  fields: { readonly reference: string; readonly stream: string },
): Uint8Array {
  const { reference, stream } = fields;
  return request(keys.queryPublisherSequence, correlationId).string(reference).string(stream).finish();
}

export function encodeDeletePublisher(correlationId: number, fields: { readonly publisherId: number }): Uint8Array {
  return request(keys.deletePublisher, correlationId).u8(fields.publisherId).finish();
}

export function encodeSubscribe(
  correlationId: number,
  fields: {
    readonly subscriptionId: number;
    readonly stream: string;
    readonly offset: OffsetSpec;
    /** 0 to 65 535 chunks. Unlike that of Credit it is unsigned. */
    readonly credit: number;
    readonly properties?: StringMap | undefined;
  },
): Uint8Array {
  const { subscriptionId, stream, offset, credit, properties } = fields;
  const writer = request(keys.subscribe, correlationId).u8(subscriptionId).string(stream);
  writeOffsetSpec(writer, offset).u16(credit);
  if (properties !== undefined) writer.map(properties);
  return writer.finish();
}

/** Is never answered. */
export function encodeStoreOffset(fields: {
  readonly reference: string;
  readonly stream: string;
  readonly offset: number | bigint;
}): Uint8Array {
  const { reference, stream, offset } = fields;
  return new Writer(keys.storeOffset, 1).string(reference).string(stream).u64(offset).finish();
}

export function encodeQueryOffset(
  correlationId: number,
  fields: { readonly reference: string; readonly stream: string },
): Uint8Array {
  return request(keys.queryOffset, correlationId).string(fields.reference).string(fields.stream).finish();
}

export function encodeUnsubscribe(correlationId: number, fields: { readonly subscriptionId: number }): Uint8Array {
  return request(keys.unsubscribe, correlationId).u8(fields.subscriptionId).finish();
}

export function encodeCreate(
  correlationId: number,
  fields: { readonly stream: string; readonly arguments: StringMap },
): Uint8Array {
  return request(keys.create, correlationId).string(fields.stream).map(fields.arguments).finish();
}

export function encodeDelete(correlationId: number, fields: { readonly stream: string }): Uint8Array {
  return request(keys.delete, correlationId).string(fields.stream).finish();
}

export function encodeMetadata(correlationId: number, fields: { readonly streams: readonly string[] }): Uint8Array {
  return request(keys.metadata, correlationId).strings(fields.streams).finish();
}

export function encodePeerProperties(correlationId: number, fields: { readonly properties: StringMap }): Uint8Array {
  return request(keys.peerProperties, correlationId).map(fields.properties).finish();
}

export function encodeSaslHandshake(correlationId: number): Uint8Array {
  return request(keys.saslHandshake, correlationId).finish();
}

/** @param fields - `data` is null for EXTERNAL, where the client's certificate says who it is */
export function encodeSaslAuthenticate(
  correlationId: number,
  fields: { readonly mechanism: string; readonly data: Uint8Array | null },
): Uint8Array {
  return request(keys.saslAuthenticate, correlationId).string(fields.mechanism).bytes(fields.data).finish();
}

/** What SaslAuthenticate has as data for the mechanism PLAIN. */
export function saslPlainData(username: string, password: string): Uint8Array {
  return encodeText(`\0${username}\0${password}`);
}

/** The client's answer has the same layout as what the broker said. */
export function encodeTune(fields: Tune): Uint8Array {
  return new Writer(keys.tune, 1).u32(fields.frameMax).u32(fields.heartbeat).finish();
}

export function encodeOpen(correlationId: number, fields: { readonly vhost: string }): Uint8Array {
  return request(keys.open, correlationId).string(fields.vhost).finish();
}

/** Either side sends it. @param fields - `code` is 1 where nothing is wrong */
export function encodeClose(
  correlationId: number,
  fields: { readonly code: number; readonly reason: string },
): Uint8Array {
  return request(keys.close, correlationId).u16(fields.code).string(fields.reason).finish();
}

/** Either side sends it. */
export function encodeCloseResponse(correlationId: number, code: number = responseCodes.OK): Uint8Array {
  return request(keys.close | responseBit, correlationId)
    .u16(code)
    .finish();
}

/** Either side sends it, and it is not answered. */
export function encodeHeartbeat(): Uint8Array {
  return new Writer(keys.heartbeat, 1).finish();
}

export function encodeRoute(
  correlationId: number,
  fields: { readonly routingKey: string; readonly superStream: string },
): Uint8Array {
  return request(keys.route, correlationId).string(fields.routingKey).string(fields.superStream).finish();
}

export function encodePartitions(correlationId: number, fields: { readonly superStream: string }): Uint8Array {
  return request(keys.partitions, correlationId).string(fields.superStream).finish();
}

/** Tells the broker, who asked, where deliveries shall begin. */
export function encodeConsumerUpdateResponse(
  correlationId: number,
  fields: { readonly offset: OffsetSpec; readonly code?: number | undefined },
): Uint8Array {
  const writer = request(keys.consumerUpdate | responseBit, correlationId).u16(fields.code ?? responseCodes.OK);
  return writeOffsetSpec(writer, fields.offset).finish();
}

/** Naming Deliver with a `max` of 2 is what makes the broker send version 2 of it. */
export function encodeExchangeCommandVersions(
  correlationId: number,
  fields: { readonly commands: readonly CommandVersions[] },
): Uint8Array {
  return writeCommandVersions(request(keys.exchangeCommandVersions, correlationId), fields.commands).finish();
}

/** @internal */
export function writeCommandVersions(writer: Writer, commands: readonly CommandVersions[]): Writer {
  return writer.array(commands, (to, { key, min, max }) => to.u16(key).u16(min).u16(max));
}

export function encodeStreamStats(correlationId: number, fields: { readonly stream: string }): Uint8Array {
  return request(keys.streamStats, correlationId).string(fields.stream).finish();
}

/** @param fields - as many `bindingKeys` as `partitions`; the arguments are those of each partition */
export function encodeCreateSuperStream(
  correlationId: number,
  fields: {
    readonly name: string;
    readonly partitions: readonly string[];
    readonly bindingKeys: readonly string[];
    readonly arguments: StringMap;
  },
): Uint8Array {
  return request(keys.createSuperStream, correlationId)
    .string(fields.name)
    .strings(fields.partitions)
    .strings(fields.bindingKeys)
    .map(fields.arguments)
    .finish();
}

export function encodeDeleteSuperStream(correlationId: number, fields: { readonly name: string }): Uint8Array {
  return request(keys.deleteSuperStream, correlationId).string(fields.name).finish();
}

/** Since RabbitMQ 4.3; one that does not know it drops the connection. */
export function encodeResolveOffsetSpec(
  correlationId: number,
  fields: { readonly stream: string; readonly offset: OffsetSpec; readonly properties?: StringMap | undefined },
): Uint8Array {
  const writer = request(keys.resolveOffsetSpec, correlationId).string(fields.stream);
  return writeOffsetSpec(writer, fields.offset)
    .map(fields.properties ?? {})
    .finish();
}
