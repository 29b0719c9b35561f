import { ProtocolError } from '../../../lib/core/errors.js';
import { Confirm, readConfirm } from '../../../lib/rabbitmq-stream/codec/confirm.js';
import {
  ChunkHeader,
  checkEntries,
  checkRecords,
  chunkStart,
  readChunkHeader,
  readSubEntryHeader,
  recordLength,
  SubEntryHeader,
} from '../../../lib/rabbitmq-stream/codec/deliver.js';
import { FrameSplitter } from '../../../lib/rabbitmq-stream/codec/frames.js';
import { frameReader, headBytes, readResponseHead } from '../../../lib/rabbitmq-stream/codec/head.js';
import { readId } from '../../../lib/rabbitmq-stream/codec/integers.js';
import { keys, responseBit } from '../../../lib/rabbitmq-stream/codec/keys.js';
import type { Reader } from '../../../lib/rabbitmq-stream/codec/reader.js';
import * as requests from '../../../lib/rabbitmq-stream/codec/requests.js';
import * as responses from '../../../lib/rabbitmq-stream/codec/responses.js';
import * as frames from '../../support/rabbitmq-frames.js';
import { dirty, hexBytes, someBytes } from './bytes.js';
import { fuzzRounds } from '../../support/fuzz-rounds.js';

const count = fuzzRounds;
const seed = 20_240_607;

/** A small generator of numbers from 0 to before `below`, the same in each run. */
function numbers(from: number): (below: number) => number {
  let state = from;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/**
 * Calls `decode` with frames of chance behind a good key and version, and with good ones of which some bytes were
 * changed, added or taken away.
 */
function fuzz(good: readonly Uint8Array[], decode: (bytes: Uint8Array, start: number, end: number) => void): void {
  const next = numbers(seed);
  const work = new Uint8Array(1024);
  const attempt = (end: number): void => {
    // other bytes behind the end, which nobody may look at
    work[end] = work[end + 1] = 0;
    try {
      decode(work, 3, end);
    } catch (error) {
      if (error instanceof ProtocolError && error.broker === 'rabbitmq-stream') return;
      throw new Error(`the frame ${work.subarray(3, end).toString()} gave another error`, { cause: error });
    }
  };
  for (let i = 0; i < count; i++) {
    work.set(good[0]!.subarray(4, 4 + headBytes), 3);
    const end = 3 + headBytes + next(64);
    let at = 3 + headBytes;
    // Lengths and counts of chance alone are nearly all too large, so most of these are small.
    while (at < end) {
      const kind = next(4);
      if (kind === 0) work[at++] = next(256);
      else if (kind === 1) work[at++] = next(8);
      else work[at++] = 0;
    }
    attempt(end);
  }
  for (let i = 0; i < count; i++) {
    const frame = good[next(good.length)]!.subarray(4);
    let end = 3 + frame.length;
    work.set(frame, 3);
    for (let changes = next(8) === 0 ? 3 : 1; changes > 0; changes--) {
      const at = 3 + headBytes + next(Math.max(1, end - 3 - headBytes));
      const kind = next(8);
      if (kind === 0) end = Math.max(3 + headBytes, at);
      else if (kind < 3) work[at] = next(256);
      else if (kind < 5) work[at] = next(8);
      else if (kind < 7) work[at] = work[at]! ^ (1 << next(8));
      else {
        work.copyWithin(at + 1, at, end);
        work[at] = next(256);
        end++;
      }
    }
    attempt(end);
  }
}

interface Row {
  readonly name: string;
  readonly good: readonly Uint8Array[];
  readonly read: (reader: Reader) => unknown;
  /** What stands before the fields. Default: correlation id and code. */
  readonly head?: 'nothing' | 'correlation id';
}

const node = { host: 'node-1', port: 5552 };
const other = { host: 'node-2', port: 5553 };
const map = new Map([
  ['product', 'RabbitMQ'],
  ['é', ''],
]);
const streams = ['a', '日本', 'orders-2'];

const rows: readonly Row[] = [
  {
    name: 'PeerProperties response',
    good: [frames.encodePeerPropertiesResponse(1, map)],
    read: responses.readPeerProperties,
  },
  {
    name: 'SaslHandshake response',
    good: [frames.encodeSaslHandshakeResponse(1, ['PLAIN', 'EXTERNAL'])],
    read: responses.readSaslHandshake,
  },
  {
    name: 'SaslAuthenticate response',
    good: [
      frames.encodeSaslAuthenticateResponse(1, 1),
      frames.encodeSaslAuthenticateResponse(1, 10, someBytes(9)),
      frames.encodeSaslAuthenticateResponse(1, 10, someBytes(9), true),
    ],
    read: responses.readSaslAuthenticate,
  },
  {
    name: 'Tune',
    good: [requests.encodeTune({ frameMax: 4096, heartbeat: 60 })],
    read: responses.readTune,
    head: 'nothing',
  },
  {
    name: 'Open response',
    good: [frames.encodeOpenResponse(1, map), frames.encodeOpenResponse(1, map, 12)],
    read: responses.readOpen,
  },
  {
    name: 'ExchangeCommandVersions response',
    good: [
      frames.encodeExchangeCommandVersionsResponse(
        1,
        [2, 8, 31].map((key) => ({ key, min: 1, max: 2 })),
      ),
    ],
    read: responses.readExchangeCommandVersions,
  },
  {
    name: 'Metadata response',
    good: [
      frames.encodeMetadataResponse(1, [
        { stream: 'orders', code: 1, leader: node, replicas: [other, node] },
        { stream: 'none', code: 2, leader: undefined, replicas: [] },
      ]),
    ],
    read: responses.readMetadata,
    head: 'correlation id',
  },
  {
    name: 'StreamStats response',
    good: [frames.encodeStreamStatsResponse(1, new Map([['first_chunk_id', -1n], ['last', 2n ** 60n]]))], // prettier-ignore
    read: responses.readStreamStats,
  },
  {
    name: 'QueryPublisherSequence response',
    good: [frames.encodeQueryPublisherSequenceResponse(1, 2n ** 64n - 1n)],
    read: responses.readQueryPublisherSequence,
  },
  { name: 'QueryOffset response', good: [frames.encodeQueryOffsetResponse(1, 5)], read: responses.readQueryOffset },
  { name: 'Route response', good: [frames.encodeStreamsResponse(keys.route, 1, streams)], read: responses.readRoute },
  {
    name: 'Partitions response',
    good: [frames.encodeStreamsResponse(keys.partitions, 1, streams)],
    read: responses.readPartitions,
  },
  {
    name: 'ResolveOffsetSpec response',
    good: [
      frames.encodeResolveOffsetSpecResponse(1, { type: 'offset', offset: 7n }),
      frames.encodeResolveOffsetSpecResponse(1, { type: 'timestamp', timestamp: -1n }),
      frames.encodeResolveOffsetSpecResponse(1, { type: 'next' }),
    ],
    read: responses.readResolveOffsetSpec,
  },
  {
    name: 'PublishError',
    good: [frames.encodePublishError({ publisherId: 1, errors: [1, 2n ** 60n, 3].map((id) => ({ id, code: 18 })) })],
    read: responses.readPublishError,
    head: 'nothing',
  },
  {
    name: 'Credit response',
    good: [frames.encodeCreditError(1, 4)],
    read: responses.readCreditError,
    head: 'nothing',
  },
  {
    name: 'MetadataUpdate',
    good: [frames.encodeMetadataUpdate('orders')],
    read: responses.readMetadataUpdate,
    head: 'nothing',
  },
  {
    name: 'ConsumerUpdate',
    good: [frames.encodeConsumerUpdate(0, 1, true)],
    read: responses.readConsumerUpdate,
    head: 'correlation id',
  },
  {
    name: 'Close',
    good: [requests.encodeClose(1, { code: 13, reason: 'unknown frame' })],
    read: responses.readClose,
    head: 'correlation id',
  },
  {
    name: 'Close response, and every other without fields',
    good: [requests.encodeCloseResponse(1)],
    read: () => undefined,
  },
];

const entry = { compression: 1, records: 3, uncompressedSize: 42, data: someBytes(20) };
const inner = hexBytes('00000001' + '61' + '00000000' + '00000003' + '616263');
const uncompressed = { compression: 0, records: 3, uncompressedSize: inner.length, data: inner };
const chunks = [
  frames.encodeChunk({ entries: [someBytes(10), someBytes(0), someBytes(30)], firstOffset: 5, timestamp: 1e12 }),
  frames.encodeChunk({ entries: [someBytes(3), entry, someBytes(2), uncompressed], firstOffset: 2n ** 60n }),
  frames.encodeChunk({ entries: [uncompressed], firstOffset: 0 }),
];

describe('rabbitmq-stream codec: frames of chance give a value or a ProtocolError', () => {
  const { stackTraceLimit } = Error;
  // Most frames fail, and a stack for each takes longer than all else here.
  before(() => (Error.stackTraceLimit = 0));
  after(() => (Error.stackTraceLimit = stackTraceLimit));

  for (const { name, good, read, head } of rows) {
    it(name, () => {
      fuzz(good, (bytes, start, end) => {
        const reader = frameReader(bytes, start, end);
        if (head === undefined) readResponseHead(reader);
        else if (head === 'correlation id') reader.u32();
        read(reader);
        if (reader.pos > end) throw new Error('the reader stands behind the frame');
      });
    });
  }

  it('PublishConfirm', () => {
    const confirm = new Confirm();
    fuzz([frames.encodePublishConfirm(1, [1, 2n ** 60n, 3])], (bytes, start, end) => {
      readConfirm(bytes, start, end, confirm);
      if (confirm.start + 8 * confirm.count > end) throw new Error('an id lies behind the frame');
      for (let i = 0; i < confirm.count; i++) readId(bytes, confirm.start + 8 * i);
    });
  });

  for (const version of [1, 2]) {
    const good = chunks.map((chunk) => frames.encodeDeliver(1, chunk, version === 1 ? undefined : 7));

    it(`Deliver version ${String(version)}, entry by entry`, () => {
      const header = new ChunkHeader();
      const sub = new SubEntryHeader();
      fuzz(good, (bytes, start, end) => {
        readChunkHeader(bytes, chunkStart(bytes, start, end), end, header);
        const { dataEnd } = header;
        let at = header.dataStart;
        for (let i = 0; i < header.entries; i++) {
          if (at < dataEnd && bytes[at]! > 0x7f) {
            readSubEntryHeader(bytes, at, dataEnd, sub);
            at = sub.dataEnd;
            if (at <= end && sub.compression === 0) checkRecords(bytes, sub.dataStart, at, sub.records);
          } else {
            at += 4 + recordLength(bytes, at, dataEnd);
          }
          if (at > dataEnd || dataEnd > end) throw new Error('an entry ends behind the frame');
        }
        if (!Number.isFinite(header.timestamp)) throw new Error('the time is no number');
      });
    });

    it(`Deliver version ${String(version)}, checked whole`, () => {
      const header = new ChunkHeader();
      fuzz(good, (bytes, start, end) => {
        readChunkHeader(bytes, chunkStart(bytes, start, end), end, header);
        checkEntries(bytes, header);
      });
    });
  }

  it('the frames themselves', () => {
    const all = rows.flatMap(({ good }) => good);
    let largest = 0;
    const allocate = (size: number): Uint8Array => {
      largest = Math.max(largest, size);
      return dirty(size);
    };
    fuzz(all, (bytes, start, end) => {
      const splitter = new FrameSplitter({ maxFrame: 1000, allocate }, (frame, from, to) => {
        if (to - from < headBytes || to > frame.length) throw new Error('a frame of the wrong size');
      });
      // what stands before and behind is read as a size too
      for (let at = start; at < end; at += 11) splitter.push(bytes, at, Math.min(at + 11, end));
    });
    if (largest > 1000) throw new Error(`room for ${String(largest)} bytes was made`);
  });

  it('keys and versions', () => {
    const next = numbers(seed);
    for (let i = 0; i < 1000; i++) {
      const frame = Uint8Array.from({ length: headBytes }, () => next(256));
      const reader = frameReader(frame, 0, frame.length);
      if (!/^[A-Z][A-Za-z]+( response)?$|^command 0x[0-9a-f]{4}$/.test(reader.frame)) throw new Error(reader.frame);
    }
    if ((keys.close | responseBit) !== 0x8016) throw new Error('the response bit');
  });
});
