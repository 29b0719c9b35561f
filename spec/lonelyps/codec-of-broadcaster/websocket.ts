import {
  encodeFrame,
  fixedUint,
  FrameReader,
  nonEmptyUint,
  shortUint,
  textHeader,
} from '../../../lib/lonelyps/codec/frame.js';
import type { FromBroadcaster, StreamHead } from '../../../lib/lonelyps/codec/from-broadcaster.js';
import { frameOf } from '../../../lib/lonelyps/codec/malformed.js';
import { encodeExpanded } from './expanded.js';

// The broadcaster's half of the websocket protocol: it reads messages 1 to 9 and writes 1 to 12.

interface Signed {
  readonly authorization: string;
  readonly tracing: Uint8Array;
}

export type ToBroadcaster = Signed &
  (
    | {
        readonly kind: 'configure';
        readonly nonce: Uint8Array;
        readonly zstd: boolean;
        readonly training: boolean;
        readonly initialDictionary: number;
      }
    | { readonly kind: 'subscribeExact' | 'unsubscribeExact'; readonly topic: Uint8Array }
    | { readonly kind: 'subscribeGlob' | 'unsubscribeGlob'; readonly glob: string }
    | {
        readonly kind: 'notify';
        readonly identifier: Uint8Array;
        readonly head: StreamHead;
        readonly bytes: Uint8Array;
      }
    | {
        readonly kind: 'notifyStream';
        readonly identifier: Uint8Array;
        readonly part: number;
        readonly head: StreamHead | undefined;
        readonly bytes: Uint8Array;
      }
    | { readonly kind: 'continueReceive'; readonly identifier: Uint8Array; readonly part: number }
    | { readonly kind: 'confirmReceive'; readonly identifier: Uint8Array; readonly subscribers: number }
  );

/** Reads what a subscriber sends, with minimal or expanded headers. Throws `ProtocolError`. */
export function decodeToBroadcaster(bytes: Uint8Array): ToBroadcaster {
  const reader = new FrameReader(bytes, frameOf('websocket message of a subscriber'));
  const signed = (): Signed => ({ authorization: reader.text('authorization'), tracing: reader.header('x-tracing') });
  const identifier = (): Uint8Array => reader.upTo('x-identifier', 64);
  const ended = <T>(value: T): T => {
    reader.end();
    return value;
  };
  switch (reader.type) {
    case 1: {
      const nonce = reader.fixed('x-subscriber-nonce', 32);
      const zstd = reader.uint('x-enable-zstd', 1) === 1;
      const training = reader.uint('x-enable-training', 1) === 1;
      const initialDictionary = reader.uint('x-initial-dict', 2);
      return ended({ kind: 'configure', nonce, zstd, training, initialDictionary, ...signed() });
    }
    case 2:
    case 4: {
      const kind = reader.type === 2 ? 'subscribeExact' : 'unsubscribeExact';
      return ended({ kind, ...signed(), topic: reader.header('x-topic') });
    }
    case 3:
    case 5: {
      const kind = reader.type === 3 ? 'subscribeGlob' : 'unsubscribeGlob';
      return ended({ kind, ...signed(), glob: reader.text('x-glob') });
    }
    case 6:
      return { kind: 'notify', ...signed(), identifier: identifier(), head: streamHead(reader), bytes: reader.body() };
    case 7: {
      const auth = signed();
      const id = identifier();
      const part = reader.uint('x-part-id', 8);
      const head = part === 0 ? streamHead(reader) : undefined;
      return { kind: 'notifyStream', ...auth, identifier: id, part, head, bytes: reader.body() };
    }
    case 8: {
      const id = identifier();
      const part = reader.uint('x-part-id', 8);
      return ended({ kind: 'continueReceive', identifier: id, part, ...signed() });
    }
    case 9: {
      const id = identifier();
      const auth = signed();
      return ended({
        kind: 'confirmReceive',
        ...auth,
        identifier: id,
        subscribers: reader.uint('x-num-subscribers', 4),
      });
    }
    default:
      throw reader.error(`the type ${reader.type} is not known`);
  }
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

/** Type number, headers in minimal order, body. */
export type Parts = readonly [type: number, headers: readonly (readonly [string, Uint8Array])[], body?: Uint8Array];

const confirmTypes = {
  confirmSubscribeExact: 2,
  confirmSubscribeGlob: 3,
  confirmUnsubscribeExact: 4,
  confirmUnsubscribeGlob: 5,
} as const;

/** What a message of the broadcaster is made of. */
export function partsOf(message: FromBroadcaster): Parts {
  const auth = [
    ['authorization', textHeader(message.authorization)],
    ['x-tracing', message.tracing],
  ] as const;
  switch (message.kind) {
    case 'confirmConfigure':
      return [1, [['x-broadcaster-nonce', message.nonce], ...auth]];
    case 'confirmSubscribeExact':
    case 'confirmUnsubscribeExact':
      return [confirmTypes[message.kind], [['x-topic', message.topic], ...auth]];
    case 'confirmSubscribeGlob':
    case 'confirmUnsubscribeGlob':
      return [confirmTypes[message.kind], [['x-glob', textHeader(message.glob)], ...auth]];
    case 'confirmNotify':
      return [6, [['x-identifier', message.identifier], ['x-subscribers', shortUint(message.notified)], ...auth]];
    case 'continueNotify':
      return [7, [['x-identifier', message.identifier], ['x-part-id', shortUint(message.part)], ...auth]];
    case 'receive': {
      const first = [...auth, ['x-identifier', message.identifier], ['x-part-id', nonEmptyUint(message.part)]] as const;
      return [8, message.head === undefined ? first : [...first, ...headHeaders(message.head)], message.bytes];
    }
    case 'enablePreset':
    case 'enableCustom': {
      const limits = [
        ['x-identifier', shortUint(message.id)],
        ['x-compression-level', fixedUint(message.level & 0xffff, 2)],
        ['x-min-size', shortUint(message.minSize)],
        ['x-max-size', shortBigUint(message.maxSize)],
        ...auth,
      ] as const;
      if (message.kind === 'enablePreset') return [9, limits];
      return [10, [...limits, ['x-sha512', message.sha512]], message.dictionary];
    }
    case 'disableCustom':
      return [11, [['x-identifier', shortUint(message.id)], ...auth]];
    case 'missed':
      return [12, [...auth, ['x-topic', message.topic]]];
  }
}

/** A message of the broadcaster with minimal headers, as it sends them by default. */
export function encodeFromBroadcaster(message: FromBroadcaster): Uint8Array {
  const [type, headers, body] = partsOf(message);
  return encodeFrame(
    type,
    headers.map(([, value]) => value),
    body,
  );
}

/** The same with expanded headers. */
export function encodeFromBroadcasterExpanded(message: FromBroadcaster): Uint8Array {
  return encodeExpanded(...partsOf(message));
}

function headHeaders(head: StreamHead): [string, Uint8Array][] {
  return [
    ['x-topic', head.topic],
    ['x-compressor', nonEmptyUint(head.compressor)],
    ['x-compressed-length', shortUint(head.compressedLength)],
    ['x-decompressed-length', shortUint(head.length)],
    ['x-compressed-sha512', head.sha512],
  ];
}

function shortBigUint(value: bigint): Uint8Array {
  const hex = value === 0n ? '' : value.toString(16);
  const even = hex.length % 2 === 0 ? hex : `0${hex}`;
  return Uint8Array.from({ length: even.length / 2 }, (_, at) => parseInt(even.slice(at * 2, at * 2 + 2), 16));
}
