import { FrameReader } from './frame.js';
import { frameOf } from './malformed.js';

/** What nearly all messages have; tracing is signed with the rest. Bytes are views, here and below. */
interface Signed {
  /** '' for none. */
  readonly authorization: string;
  readonly tracing: Uint8Array;
}

/** The greeting is accepted. @internal */
export interface ConfirmConfigure extends Signed {
  readonly kind: 'confirmConfigure';
  /** The broadcaster's half of the connection's nonce, 32 bytes. */
  readonly nonce: Uint8Array;
}

/** @internal */
export interface ConfirmExact extends Signed {
  readonly kind: 'confirmSubscribeExact' | 'confirmUnsubscribeExact';
  readonly topic: Uint8Array;
}

/** @internal */
export interface ConfirmGlob extends Signed {
  readonly kind: 'confirmSubscribeGlob' | 'confirmUnsubscribeGlob';
  readonly glob: string;
}

/** A message of ours is out. @internal */
export interface ConfirmNotify extends Signed {
  readonly kind: 'confirmNotify';
  readonly identifier: Uint8Array;
  /** How many subscribers have it. */
  readonly notified: number;
}

/** A part of a message of ours is there. @internal */
export interface ContinueNotify extends Signed {
  readonly kind: 'continueNotify';
  readonly identifier: Uint8Array;
  readonly part: number;
}

/** What the first part of a message says of the whole. @internal */
export interface StreamHead {
  readonly topic: Uint8Array;
  /** 0: none, 1: plain zstd, others by their dictionaries. */
  readonly compressor: number;
  /** Of all parts together, bytes. */
  readonly compressedLength: number;
  /** Of the message, bytes. */
  readonly length: number;
  /** Of the bytes as they are sent, all parts together, 64 bytes. */
  readonly sha512: Uint8Array;
}

/** A part of a message to us. @internal */
export interface ReceivePart extends Signed {
  readonly kind: 'receive';
  readonly identifier: Uint8Array;
  readonly part: number;
  /** Of part 0 only. */
  readonly head: StreamHead | undefined;
  readonly bytes: Uint8Array;
}

/** A way to compress is allowed from here on. @internal */
export interface EnableZstd extends Signed {
  readonly kind: 'enablePreset' | 'enableCustom';
  readonly id: number;
  readonly level: number;
  /** Bytes from which on it is worth it. */
  readonly minSize: number;
  /** Bytes from which on it is not meant; 2^64 - 1: none. */
  readonly maxSize: bigint;
  /** Of the dictionary, 64 bytes; empty for a preset. */
  readonly sha512: Uint8Array;
  /** Empty for a preset. */
  readonly dictionary: Uint8Array;
}

/** @internal */
export interface DisableZstd extends Signed {
  readonly kind: 'disableCustom';
  readonly id: number;
}

/** A message on this topic did not reach our broadcaster. @internal */
export interface Missed extends Signed {
  readonly kind: 'missed';
  readonly topic: Uint8Array;
}

/** Any message of a broadcaster. @internal */
export type FromBroadcaster =
  | ConfirmConfigure
  | ConfirmExact
  | ConfirmGlob
  | ConfirmNotify
  | ContinueNotify
  | ReceivePart
  | EnableZstd
  | DisableZstd
  | Missed;

/** How many bytes an identifier on a websocket can have. */
const identifierLimit = 64;
/** How many bytes each half of a connection's nonce has. @internal */
export const nonceLength = 32;

const unknown = frameOf('websocket message');
const noBytes = new Uint8Array(0);

/** Reads a websocket message. Throws `ProtocolError` for what is none, or of a type that no broadcaster sends. @internal */
export function decodeFromBroadcaster(bytes: Uint8Array): FromBroadcaster {
  const reader = new FrameReader(bytes, unknown);
  const found = readers[reader.type];
  if (found === undefined) throw reader.error(`the type ${String(reader.type)} is not known`);
  reader.frame = found.frame;
  return found.read(reader);
}

type Read = (reader: FrameReader) => FromBroadcaster;
const row = (name: string, read: Read): { frame: typeof unknown; read: Read } => ({ frame: frameOf(name), read });

/** By their type numbers. */
const readers: readonly (ReturnType<typeof row> | undefined)[] = [
  undefined,
  row('CONFIRM_CONFIGURE', (reader) => {
    const nonce = reader.fixed('x-broadcaster-nonce', nonceLength);
    return { kind: 'confirmConfigure', nonce, ...lastSigned(reader) };
  }),
  row('CONFIRM_SUBSCRIBE_EXACT', (reader) => confirmExact(reader, 'confirmSubscribeExact')),
  row('CONFIRM_SUBSCRIBE_GLOB', (reader) => confirmGlob(reader, 'confirmSubscribeGlob')),
  row('CONFIRM_UNSUBSCRIBE_EXACT', (reader) => confirmExact(reader, 'confirmUnsubscribeExact')),
  row('CONFIRM_UNSUBSCRIBE_GLOB', (reader) => confirmGlob(reader, 'confirmUnsubscribeGlob')),
  row('CONFIRM_NOTIFY', (reader) => {
    const identifier = reader.upTo('x-identifier', identifierLimit);
    const notified = reader.uint('x-subscribers', 8);
    return { kind: 'confirmNotify', identifier, notified, ...lastSigned(reader) };
  }),
  row('CONTINUE_NOTIFY', (reader) => {
    const identifier = reader.upTo('x-identifier', identifierLimit);
    const part = reader.uint('x-part-id', 8);
    return { kind: 'continueNotify', identifier, part, ...lastSigned(reader) };
  }),
  row('RECEIVE_STREAM', receive),
  row('ENABLE_ZSTD_PRESET', (reader) => {
    const limits = compressor(reader);
    return { kind: 'enablePreset', ...limits, ...lastSigned(reader), sha512: noBytes, dictionary: noBytes };
  }),
  row('ENABLE_ZSTD_CUSTOM', (reader) => {
    const limits = compressor(reader);
    const auth = signed(reader);
    const sha512 = reader.fixed('x-sha512', 64);
    return { kind: 'enableCustom', ...limits, ...auth, sha512, dictionary: reader.body() };
  }),
  row('DISABLE_ZSTD_CUSTOM', (reader) => {
    const id = reader.uint('x-identifier', 8);
    return { kind: 'disableCustom', id, ...lastSigned(reader) };
  }),
  row('MISSED', (reader) => {
    const auth = signed(reader);
    const topic = reader.header('x-topic');
    reader.end();
    return { kind: 'missed', ...auth, topic };
  }),
];

function signed(reader: FrameReader): Signed {
  return { authorization: reader.text('authorization'), tracing: reader.header('x-tracing') };
}

function lastSigned(reader: FrameReader): Signed {
  const auth = signed(reader);
  reader.end();
  return auth;
}

function confirmExact(reader: FrameReader, kind: ConfirmExact['kind']): ConfirmExact {
  const topic = reader.header('x-topic');
  return { kind, topic, ...lastSigned(reader) };
}

function confirmGlob(reader: FrameReader, kind: ConfirmGlob['kind']): ConfirmGlob {
  const glob = reader.text('x-glob');
  return { kind, glob, ...lastSigned(reader) };
}

function receive(reader: FrameReader): ReceivePart {
  const authorization = reader.text('authorization');
  const tracing = reader.header('x-tracing');
  const identifier = reader.upTo('x-identifier', identifierLimit);
  const part = reader.uint('x-part-id', 8);
  const head = part === 0 ? streamHead(reader) : undefined;
  return { kind: 'receive', authorization, tracing, identifier, part, head, bytes: reader.body() };
}

function streamHead(reader: FrameReader): StreamHead {
  return {
    topic: reader.header('x-topic'),
    compressor: reader.uint('x-compressor', 8),
    compressedLength: reader.uint('x-compressed-length', 8),
    length: reader.uint('x-decompressed-length', 8),
    sha512: reader.fixed('x-compressed-sha512', 64),
  };
}

function compressor(reader: FrameReader): Pick<EnableZstd, 'id' | 'level' | 'minSize' | 'maxSize'> {
  return {
    id: reader.uint('x-identifier', 8),
    level: reader.int16('x-compression-level'),
    minSize: reader.uint('x-min-size', 4),
    maxSize: reader.bigUint('x-max-size'),
  };
}
