import { readOffsetSpec, type OffsetSpec } from './offset-spec.js';
import type { Reader } from './reader.js';
import type { CommandVersions, Tune } from './requests.js';

// What a broker sends, but for Deliver (deliver.ts) and PublishConfirm (confirm.ts). The reader of a response stands
// behind its correlation id and its code (see head.ts), that of another command behind its version. All throw
// `ProtocolError`.

/** Where a node listens. */
export interface NodeAddress {
  readonly host: string;
  readonly port: number;
}

/** Where a stream lives. */
export interface StreamMetadata {
  readonly stream: string;
  /** One of `responseCodes`. */
  readonly code: number;
  /** Absent while there is none, as between two elections. */
  readonly leader: NodeAddress | undefined;
  /** The leader is not among them. */
  readonly replicas: readonly NodeAddress[];
}

/** Messages that are not stored. */
export interface PublishErrors {
  readonly publisherId: number;
  readonly errors: readonly { readonly id: number | bigint; readonly code: number }[];
}

const noReference = 0xffff;

export function readPeerProperties(reader: Reader): Map<string, string> {
  return reader.map();
}

/** The SASL mechanisms that the broker offers. */
export function readSaslHandshake(reader: Reader): string[] {
  return reader.array(2, readString);
}

/** A challenge; undefined where the broker wants no more. */
export function readSaslAuthenticate(reader: Reader): Uint8Array | undefined {
  const { bytes, pos, end, remaining } = reader;
  if (remaining === 0) return undefined;
  // The protocol's text says bytes (a length of 32 bits), RabbitMQ writes a string (of 16); at most one of them fits.
  const short = reader.i16();
  if (short === -1 || short === remaining - 2) {
    reader.pos = end;
    return short > 0 ? bytes.subarray(pos + 2, end) : undefined;
  }
  reader.pos = pos;
  const data = reader.nullableBytes();
  return data === null || data.length === 0 ? undefined : data;
}

export function readTune(reader: Reader): Tune {
  const frameMax = reader.u32();
  return { frameMax, heartbeat: reader.u32() };
}

/** The connection's properties, such as `advertised_host` and `advertised_port`. */
export function readOpen(reader: Reader): Map<string, string> {
  return reader.remaining === 0 ? new Map<string, string>() : reader.map();
}

export function readExchangeCommandVersions(reader: Reader): CommandVersions[] {
  return reader.array(6, readCommandVersions);
}

/** The reader stands behind the correlation id: this response has no code. In no particular order. */
export function readMetadata(reader: Reader): StreamMetadata[] {
  const nodes = new Map<number, NodeAddress>();
  for (let count = reader.count(8); count > 0; count--) {
    const reference = reader.u16();
    const host = reader.string();
    nodes.set(reference, { host, port: reader.u32() });
  }
  const nodeOf = (from: Reader): NodeAddress | undefined => {
    const reference = from.u16();
    const node = nodes.get(reference);
    if (node === undefined && reference !== noReference) {
      throw from.error(`the node ${String(reference)} is not among those that it names`, from.pos - 2);
    }
    return node;
  };
  return reader.array(10, (from) => {
    const stream = from.string();
    const code = from.u16();
    const leader = nodeOf(from);
    const replicas = from.array(2, nodeOf).filter((node) => node !== undefined);
    return { stream, code, leader, replicas };
  });
}

/** By name; -1 where there is nothing to tell yet. */
export function readStreamStats(reader: Reader): Map<string, bigint> {
  const stats = new Map<string, bigint>();
  for (let count = reader.count(10); count > 0; count--) {
    const name = reader.string();
    stats.set(name, reader.i64());
  }
  return stats;
}

/** The last publishing id that is stored; 0 also where none is. */
export function readQueryPublisherSequence(reader: Reader): number | bigint {
  return reader.id();
}

export function readQueryOffset(reader: Reader): number | bigint {
  return reader.id();
}

/** The streams that a routing key leads to. */
export function readRoute(reader: Reader): string[] {
  return reader.array(2, readString);
}

/** The streams of a super stream, in their order. */
export function readPartitions(reader: Reader): string[] {
  return reader.array(2, readString);
}

export function readResolveOffsetSpec(reader: Reader): OffsetSpec {
  return readOffsetSpec(reader);
}

export function readPublishError(reader: Reader): PublishErrors {
  const publisherId = reader.u8();
  return { publisherId, errors: reader.array(10, readIdAndCode) };
}

/** The one frame that answers a Credit, where that was wrong. */
export function readCreditError(reader: Reader): { readonly subscriptionId: number; readonly code: number } {
  const code = reader.u16();
  return { subscriptionId: reader.u8(), code };
}

export function readMetadataUpdate(reader: Reader): { readonly code: number; readonly stream: string } {
  const code = reader.u16();
  return { code, stream: reader.string() };
}

/** A request: the reader stands behind the correlation id. */
export function readConsumerUpdate(reader: Reader): { readonly subscriptionId: number; readonly active: boolean } {
  const subscriptionId = reader.u8();
  return { subscriptionId, active: reader.bool() };
}

/** A request: the reader stands behind the correlation id. */
export function readClose(reader: Reader): { readonly code: number; readonly reason: string } {
  const code = reader.u16();
  return { code, reason: reader.nullableString() ?? '' };
}

function readString(reader: Reader): string {
  return reader.string();
}

function readCommandVersions(reader: Reader): CommandVersions {
  const key = reader.u16();
  const min = reader.u16();
  return { key, min, max: reader.u16() };
}

function readIdAndCode(reader: Reader): { readonly id: number | bigint; readonly code: number } {
  const id = reader.id();
  return { id, code: reader.u16() };
}
