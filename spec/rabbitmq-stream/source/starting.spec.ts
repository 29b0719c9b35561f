import { expect } from 'chai';
import { StreamNotFoundError } from '../../../lib/core/errors.js';
import type { OffsetKey } from '../../../lib/core/offset.js';
import { earliest, fromAgo, fromOffset, fromTime, latest, newOnly, type Start } from '../../../lib/core/starts.js';
import { keys } from '../../../lib/rabbitmq-stream/codec/keys.js';
import { Reader } from '../../../lib/rabbitmq-stream/codec/reader.js';
import type { Connection } from '../../../lib/rabbitmq-stream/connection/connection.js';
import { failure, type RequestSubject } from '../../../lib/rabbitmq-stream/connection/failures.js';
import {
  beginAfter,
  beginAt,
  beginning,
  committedChunk,
  firstChunk,
  type Beginning,
} from '../../../lib/rabbitmq-stream/source/starting.js';
import { encodeStreamStatsResponse } from '../../support/rabbitmq-frames.js';
import { decodeClientFrame } from '../../support/rabbitmq-requests.js';

/** A connection that answers StreamStats of the stream `s`, and counts how often it was asked. */
class FakeStats {
  asked = 0;

  constructor(
    private readonly stats: Readonly<Record<string, bigint>>,
    private readonly code = 1,
  ) {}

  get connection(): Connection {
    const request = async (
      key: number,
      make: (correlationId: number) => Uint8Array,
      read: (reader: Reader) => unknown,
      subject: RequestSubject,
    ): Promise<unknown> => {
      this.asked++;
      const frame = make(1);
      expect(key).to.equal(keys.streamStats);
      expect(decodeClientFrame(frame, 4, frame.length).fields).to.deep.equal({ stream: 's' });
      await Promise.resolve();
      if (this.code !== 1) throw failure(this.code, subject);
      // size, key, version, correlation id and code are the connection's
      const answer = encodeStreamStatsResponse(1, new Map(Object.entries(this.stats)));
      return read(new Reader(answer, 14, answer.length, 'StreamStats'));
    };
    return { request } as unknown as Connection;
  }
}

const now = 1_700_000_000_000;
const empty = { first_chunk_id: -1n, last_chunk_id: -1n, committed_chunk_id: -1n };
const filled = { first_chunk_id: 100n, last_chunk_id: 250n, committed_chunk_id: 240n };

function begin(start: Start, stats: FakeStats): Promise<Beginning> {
  return beginning(start, stats.connection, 's', now);
}

describe('where a source begins', () => {
  describe('by its start', () => {
    const fixed: readonly [string, Start, Beginning][] = [
      ['earliest()', earliest(), { spec: { type: 'first' } }],
      ['fromOffset()', fromOffset(7), { spec: { type: 'offset', offset: 7n }, from: 7 }],
      ['fromTime()', fromTime(1_000), { spec: { type: 'timestamp', timestamp: 1_000n }, since: 1_000 }],
      ['fromTime() with a part of a ms', fromTime(1.5), { spec: { type: 'timestamp', timestamp: 2n }, since: 1.5 }],
      ['fromTime() before 1970', fromTime(-5), { spec: { type: 'timestamp', timestamp: 0n }, since: -5 }],
      [
        'fromAgo(), counted from the subscription on',
        fromAgo(5_000),
        { spec: { type: 'timestamp', timestamp: BigInt(now - 5_000) }, since: now - 5_000 },
      ],
    ];
    for (const [name, start, expected] of fixed) {
      it(`${name} needs to ask nobody`, async () => {
        const stats = new FakeStats(filled);
        expect(await begin(start, stats)).to.deep.equal(expected);
        expect(stats.asked).to.equal(0);
      });
    }

    it('fromOffset() keeps large offsets exact', async () => {
      for (const offset of [2n ** 53n - 1n, 2n ** 53n, 2n ** 63n + 1n, 2n ** 64n - 1n]) {
        const { spec, from } = await begin(fromOffset(offset), new FakeStats(empty));
        expect(spec).to.deep.equal({ type: 'offset', offset });
        expect(from).to.equal(offset < 2n ** 53n ? Number(offset) : offset);
      }
    });

    it('latest() is the last chunk, of which only the last record was asked for', async () => {
      expect(await begin(latest(), new FakeStats(filled))).to.deep.equal({ spec: { type: 'last' }, lastOf: 240 });
    });

    it('newOnly() is what comes next; made again, what came meanwhile is not lost', async () => {
      expect(await begin(newOnly(), new FakeStats(filled))).to.deep.equal({
        spec: { type: 'next' },
        again: { spec: { type: 'offset', offset: 240n }, after: 240 },
      });
    });

    for (const start of [latest(), newOnly()]) {
      it(`${start.kind}() of an empty stream is its first message, whenever that comes`, async () => {
        expect(await begin(start, new FakeStats(empty))).to.deep.equal({ spec: { type: 'first' } });
      });

      it(`${start.kind}() of no stream says so`, async () => {
        const error: unknown = await begin(start, new FakeStats({}, 2)).then(
          () => undefined,
          (reason: unknown) => reason,
        );
        expect(error).to.be.instanceOf(StreamNotFoundError);
      });
    }
  });

  it('at a position is from there on', () => {
    expect(beginAt(5)).to.deep.equal({ spec: { type: 'offset', offset: 5n }, from: 5 });
    expect(beginAt(2n ** 63n)).to.deep.equal({ spec: { type: 'offset', offset: 2n ** 63n }, from: 2n ** 63n });
  });

  it('after a position comes the chunk with that once more, which is not asked for and must be there', () => {
    const after = (last: OffsetKey): OffsetKey | undefined => {
      const { spec, from, expected } = beginAfter(last);
      expect([spec, expected]).to.deep.equal([{ type: 'offset', offset: BigInt(last) }, true]);
      return from;
    };
    expect(after(0)).to.equal(1);
    expect(after(2 ** 53 - 1)).to.equal(2n ** 53n);
    expect(after(2n ** 63n - 1n)).to.equal(2n ** 63n);
  });

  it('the ends of a stream are told where it has some', async () => {
    const large = { first_chunk_id: 2n ** 53n - 1n, committed_chunk_id: 2n ** 53n };
    for (const [stats, first, committed] of [
      [filled, 100, 240],
      [empty, undefined, undefined],
      [{}, undefined, undefined],
      [large, 2 ** 53 - 1, 2n ** 53n],
    ] as const) {
      const { connection } = new FakeStats(stats);
      expect(await firstChunk(connection, 's')).to.equal(first);
      expect(await committedChunk(connection, 's')).to.equal(committed);
    }
  });
});
