import type { MessageFields } from '../core/broker.js';
import { carries, type Carriage } from '../core/carriage.js';
import type { Codec, DecodeInfo, Decoder, Encoder } from '../core/codec.js';
import type { Delivery } from '../core/delivery.js';
import { DecodeError } from '../core/errors.js';

/**
 * The headers of requests, replies and routed events, where the broker has headers. Where it has none, the same is said
 * in JSON around the payload, as Nest's own transports do: `{ pattern, data, id, replyTo }` and
 * `{ id, response, err, isDisposed }`. docs/nest-transport.md is the contract.
 */
const names = {
  id: 'rx-weir-id',
  replyTo: 'rx-weir-reply-to',
  pattern: 'rx-weir-pattern',
  disposed: 'rx-weir-disposed',
  error: 'rx-weir-error',
  none: 'rx-weir-none',
} as const;

const packetKeys = new Set(['pattern', 'data', 'id', 'replyTo', 'encoding', 'metadata']);
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** What a message says beside its payload. @internal */
export interface IncomingPacket {
  /** The payload's bytes, or what a codec of whole messages has made of them. */
  readonly payload: unknown;
  /** The pattern that it was sent to: an object or a string; undefined if it does not say. */
  readonly pattern: unknown;
  /** Who asks and where the answer goes; undefined for an event. */
  readonly request: { readonly id: string; readonly replyTo: string } | undefined;
  readonly headers: ReadonlyMap<string, unknown>;
}

/** What a client sends. @internal */
export interface OutgoingPacket {
  readonly data: unknown;
  readonly pattern: unknown;
  /** Whether the channel alone does not say the pattern. */
  readonly routed: boolean;
  readonly request?: { readonly id: string; readonly replyTo: string } | undefined;
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  readonly fields?: MessageFields | undefined;
}

/** One part of an answer. @internal */
export interface ReplyPacket {
  readonly id: string;
  readonly response?: unknown;
  readonly err?: unknown;
  /** Whether it is the last. */
  readonly isDisposed?: boolean | undefined;
}

/** Bytes, and what goes beside them. @internal */
export interface Encoded {
  readonly bytes: Uint8Array;
  readonly fields: MessageFields;
}

/** Whether a broker carries headers; one that is not of this package is taken at its word. @internal */
export function hasHeaders(broker: object): boolean {
  return (broker as { readonly [carries]?: Carriage })[carries]?.headers ?? true;
}

/** Whether a broker carries a key. @internal */
export function hasKey(broker: object): boolean {
  return (broker as { readonly [carries]?: Carriage })[carries]?.key ?? true;
}

/** @param withHeaders - whether the broker carries headers @throws what the codec throws @internal */
export function encodePacket(packet: OutgoingPacket, codec: Encoder<unknown>, withHeaders: boolean): Encoded {
  const { data, pattern, routed, request, metadata, fields = {} } = packet;
  const bytes = codec.encode(data);
  const said = {
    [names.id]: request?.id,
    [names.replyTo]: request?.replyTo,
    [names.pattern]: routed ? JSON.stringify(pattern) : undefined,
  };
  const added = entriesOf({ ...metadata, ...said });
  if (added.length === 0) return { bytes, fields };
  if (withHeaders) return { bytes, fields: { ...fields, headers: merged(fields.headers, added) } };
  const envelope = { pattern, ...embedded('data', bytes, codec), ...request, metadata };
  return { bytes: encoder.encode(JSON.stringify(envelope)), fields };
}

/** What a message says, in headers or in a packet of JSON. @internal */
export function readPacket(delivery: Delivery<unknown>, withHeaders: boolean): IncomingPacket {
  const { value, headers, channel } = delivery;
  if (withHeaders) {
    const id = textOf(headers.get(names.id));
    const replyTo = textOf(headers.get(names.replyTo));
    const request = id === undefined || replyTo === undefined ? undefined : { id, replyTo };
    return { payload: value, pattern: parsed(textOf(headers.get(names.pattern))), request, headers };
  }
  const envelope = value instanceof Uint8Array ? asEnvelope(value, channel) : undefined;
  if (envelope === undefined) return { payload: value, pattern: undefined, request: undefined, headers };
  const { pattern, id, replyTo, metadata } = envelope;
  const request = typeof id === 'string' && typeof replyTo === 'string' ? { id, replyTo } : undefined;
  const payload = extracted(envelope, 'data');
  return {
    payload,
    pattern: typeof pattern === 'string' ? parsed(pattern) : pattern,
    request,
    headers: typeof metadata === 'object' && metadata !== null ? new Map(Object.entries(metadata)) : headers,
  };
}

/** The payload as the handler gets it. @throws DecodeError @internal */
export function decodePayload(payload: unknown, codec: Decoder<unknown>, info: DecodeInfo): unknown {
  if (!(payload instanceof Uint8Array)) return payload;
  try {
    return codec.decode(payload, info);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new DecodeError(`cannot decode the payload of a message on '${info.channel}': ${reason}`, { cause });
  }
}

/** @throws what the codec throws @internal */
export function encodeReply(packet: ReplyPacket, codec: Encoder<unknown>, withHeaders: boolean): Encoded {
  const { id, response, isDisposed = false } = packet;
  const isError = 'err' in packet;
  const err = isError ? plainError(packet.err) : undefined;
  const bytes = response === undefined ? undefined : codec.encode(response);
  if (!withHeaders) {
    const envelope = { id, err, isDisposed: isDisposed || undefined, ...embedded('response', bytes, codec) };
    return { bytes: encoder.encode(JSON.stringify(envelope)), fields: {} };
  }
  const headers = {
    [names.id]: id,
    ...(isDisposed && { [names.disposed]: 'true' }),
    ...(isError && { [names.error]: 'true' }),
    ...(bytes === undefined && !isError && { [names.none]: 'true' }),
  };
  return { bytes: isError ? encoder.encode(JSON.stringify(err)) : (bytes ?? new Uint8Array(0)), fields: { headers } };
}

/** One part of an answer, with the response still in bytes; undefined if the message is none. @internal */
export function readReply(delivery: Delivery<unknown>, withHeaders: boolean): ReplyPacket | undefined {
  const { value, headers } = delivery;
  if (!(value instanceof Uint8Array)) return undefined;
  if (!withHeaders) {
    const envelope = asObject(value);
    if (typeof envelope?.['id'] !== 'string') return undefined;
    const { id, err, isDisposed } = envelope;
    const response = extracted(envelope, 'response');
    const end = isDisposed === true ? { isDisposed: true } : {};
    return { id, ...end, ...(err === undefined ? { response } : { err }) };
  }
  const id = textOf(headers.get(names.id));
  if (id === undefined) return undefined;
  const end = headers.has(names.disposed) ? { isDisposed: true } : {};
  if (headers.has(names.error)) return { id, ...end, err: parsedError(value) };
  return { id, ...end, ...(headers.has(names.none) ? {} : { response: value }) };
}

/** A JSON payload is part of the packet, as with Nest's own transports; any other goes as base64. */
function embedded(key: string, bytes: Uint8Array | undefined, codec: Encoder<unknown>): Record<string, unknown> {
  if (bytes === undefined) return {};
  if ((codec as Partial<Codec<unknown>>).contentType === 'application/json') {
    return { [key]: JSON.parse(decoder.decode(bytes)) as unknown };
  }
  return {
    [key]: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64'),
    encoding: 'base64',
  };
}

function extracted(envelope: Readonly<Record<string, unknown>>, key: string): Uint8Array | undefined {
  const value = envelope[key];
  if (value === undefined) return undefined;
  if (envelope['encoding'] === 'base64' && typeof value === 'string') return Buffer.from(value, 'base64');
  return encoder.encode(JSON.stringify(value));
}

/** The packet in a message; undefined if it is a payload and nothing else. */
function asEnvelope(bytes: Uint8Array, channel: string): Record<string, unknown> | undefined {
  const value = asObject(bytes);
  if (value === undefined || !('pattern' in value) || !Object.keys(value).every((key) => packetKeys.has(key))) {
    return undefined;
  }
  // a payload that happens to have these very keys does not name the channel that it came on
  const pattern = typeof value['pattern'] === 'string' ? parsed(value['pattern']) : value['pattern'];
  const named = typeof pattern === 'object' && pattern !== null ? (pattern as { channel?: unknown }).channel : pattern;
  return named === channel ? value : undefined;
}

const brace = 0x7b;

function asObject(bytes: Uint8Array): Record<string, unknown> | undefined {
  if (bytes[0] !== brace) return undefined;
  try {
    return JSON.parse(decoder.decode(bytes)) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

/** An object pattern travels as its JSON. */
function parsed(pattern: string | undefined): unknown {
  if (pattern?.startsWith('{') !== true) return pattern;
  try {
    return JSON.parse(pattern) as unknown;
  } catch {
    return pattern;
  }
}

function parsedError(bytes: Uint8Array): unknown {
  const text = decoder.decode(bytes);
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

/** What of an error JSON can say. */
function plainError(err: unknown): unknown {
  // an error that is not truthy would not be one to Nest's client
  if (!err) return { status: 'error', message: show(err) };
  if (err instanceof Error && !('toJSON' in err)) return { status: 'error', message: err.message };
  try {
    return (JSON.stringify(err) as string | undefined) === undefined ? show(err) : err;
  } catch {
    return show(err);
  }
}

function show(value: unknown): string {
  return typeof value === 'object' && value !== null ? Object.prototype.toString.call(value) : String(value);
}

function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  return value instanceof Uint8Array ? decoder.decode(value) : undefined;
}

function entriesOf(record: Readonly<Record<string, string | undefined>>): [string, string][] {
  return Object.entries(record).filter((entry): entry is [string, string] => entry[1] !== undefined);
}

function merged(headers: MessageFields['headers'], added: readonly [string, string][]): Map<string, unknown> {
  const own = headers instanceof Map ? (headers as ReadonlyMap<string, unknown>) : Object.entries(headers ?? {});
  return new Map<string, unknown>([...own, ...added]);
}
