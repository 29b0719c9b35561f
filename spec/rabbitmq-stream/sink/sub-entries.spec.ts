import { randomBytes } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { expect } from 'chai';
import { loadCompressor } from '../../../lib/rabbitmq-stream/compression/compressors.js';
import { bodyOf, recordsOf, type Published } from './published-frame.js';
import { settled, SinkBench } from './sink-kit.js';

const bodiesIn = (entry: Published): string[] => recordsOf(entry.bytes).map(bodyOf);

describe('A sink with sub-entries', () => {
  let bench: SinkBench;

  beforeEach(() => {
    bench = new SinkBench();
  });

  it('sends as many messages together as size says, and at the end of the turn what there is', async () => {
    const sink = await bench.live({ subEntry: { size: 3 } });
    sink.offer('a', 'b', 'c', 'd', 'e');
    await settled();
    const [first, second] = bench.connection.entries;
    expect(first!.sub).to.deep.equal({ compression: 0, records: 3, uncompressedSize: first!.bytes.length });
    expect(bodiesIn(first!)).to.deep.equal(['a', 'b', 'c']);
    expect(bodiesIn(second!)).to.deep.equal(['d', 'e']);
    expect(bench.connection.ids).to.deep.equal([1n, 2n]);
    expect(bench.connection.frames, 'in one frame').to.have.length(1);
  });

  it('gives each message of a batch the id of the batch', async () => {
    const sink = await bench.live({ subEntry: { size: 2 } });
    sink.offer('a', 'b', 'c');
    await settled();
    bench.connection.confirm(2n, 1n, 1n);
    expect(sink.told).to.deep.equal(['c ok', 'a ok', 'b ok']);
    expect(sink.receipts.map(({ id }) => id)).to.deep.equal([2n, 1n, 1n]);
  });

  it('refuses all of a batch that the broker refuses', async () => {
    const sink = await bench.live({ subEntry: { size: 2 } });
    sink.offer('a', 'b');
    await settled();
    bench.connection.refuse(1n, 15);
    expect(sink.told).to.deep.equal(['a PUBLISH', 'b PUBLISH']);
  });

  it('sends a frame when its batches have as many messages as batchSize says', async () => {
    const sink = await bench.live({ subEntry: { size: 2 }, batchSize: 4 });
    sink.offer('a', 'b', 'c', 'd', 'e');
    expect(bench.connection.frames.map(({ entries }) => entries.length)).to.deep.equal([2]);
  });

  it('lets a batch linger', async () => {
    const sink = await bench.live({ subEntry: { size: 10 }, linger: 50 });
    sink.offer('a');
    await settled();
    sink.offer('b');
    bench.clock.pass(50);
    expect(bench.connection.entries.map(bodiesIn)).to.deep.equal([['a', 'b']]);
  });

  for (const compression of ['gzip', 'snappy', 'lz4', 'zstd'] as const) {
    it(`compresses with ${compression}`, async () => {
      const sink = await bench.live({ subEntry: { size: 100, compression } });
      await loadCompressor(compression);
      await settled();
      const values = Array.from({ length: 100 }, (_, n) => `message ${n} of a hundred`);
      sink.offer(...values);
      await settled();
      const { sub, bytes } = bench.connection.entries[0]!;
      const { code, decompress } = await loadCompressor(compression);
      expect(sub!.compression).to.equal(code);
      expect(bytes.length).to.be.below(sub!.uncompressedSize / 2);
      const records = Buffer.from(decompress(bytes, sub!.uncompressedSize));
      expect(recordsOf(records).map(bodyOf)).to.deep.equal(values);
      if (compression === 'gzip') expect(gunzipSync(bytes).equals(records)).to.equal(true);
    });
  }

  it('ends a batch before it outgrows a frame', async () => {
    bench.broker.frameMax = 4096;
    const sink = await bench.live({ subEntry: { size: 100 } });
    for (let n = 0; n < 5; n++) sink.give(n, undefined, Buffer.alloc(1500));
    await settled();
    expect(bench.connection.entries.map(({ sub }) => sub!.records)).to.deep.equal([2, 2, 1]);
  });

  it('takes a message that fits exactly, and refuses one that is larger', async () => {
    bench.broker.frameMax = 4096;
    const sink = await bench.live({ subEntry: { size: 10 } });
    // 13 of the frame, 19 of the entry, 4 of the record's length, 8 of the data section
    sink.give('fits', undefined, Buffer.alloc(4096 - 13 - 19 - 4 - 8));
    sink.give('too large', undefined, Buffer.alloc(4096 - 13 - 19 - 4 - 8 + 1));
    await settled();
    expect(sink.told).to.deep.equal(['too large FRAME_TOO_LARGE']);
    expect(bench.connection.entries.map(({ sub }) => sub!.records)).to.deep.equal([1]);
  });

  it('splits what compression makes larger, and sends alone what still does not fit', async () => {
    bench.broker.frameMax = 4096;
    const sink = await bench.live({ subEntry: { size: 10, compression: 'gzip' } });
    sink.give('a', undefined, randomBytes(2010));
    sink.give('b', undefined, randomBytes(2030));
    await settled();
    expect(bench.connection.entries.map(({ sub }) => sub?.records)).to.deep.equal([1, 1]);

    sink.give('c', { headers: { h: 1 } }, randomBytes(4096 - 13 - 19 - 4 - 8 - 11));
    await settled();
    const { sub, bytes } = bench.connection.entries[2]!;
    expect(sub).to.equal(undefined);
    expect(bytes.subarray(0, 3).toString('hex'), 'with its headers').to.equal('005374');
    bench.connection.confirm(1n, 2n, 3n);
    expect(sink.told).to.deep.equal(['a ok', 'b ok', 'c ok']);
  });

  it('sends the same batches again, with the same bytes', async () => {
    const sink = await bench.live({ producer: 'p', subEntry: { size: 3, compression: 'gzip' } });
    bench.broker.stores = false;
    sink.offer('a', 'b');
    await settled();
    sink.offer('c', 'd', 'e');
    await settled();
    const before = bench.connection.entries;
    sink.offer('gathered');
    bench.connection.drop();
    await bench.broker.retry();
    expect(bench.connection.entries.slice(0, 2)).to.deep.equal(before);
    expect(bench.connection.ids).to.deep.equal([1n, 2n, 3n]);
    expect(bench.connection.entries[2]!.sub!.records).to.equal(1);
  });

  it('refuses what it has gathered where another leader takes smaller frames', async () => {
    const sink = await bench.live({ resend: true, subEntry: { size: 10 } });
    sink.give('large', undefined, Buffer.alloc(5000));
    sink.offer('small');
    bench.connection.drop();
    bench.broker.frameMax = 4096;
    await bench.broker.retry();
    await settled();
    expect(sink.told).to.deep.equal(['large FRAME_TOO_LARGE']);
    expect(bench.connection.entries.map(bodiesIn)).to.deep.equal([['small']]);
  });

  it('refuses ids and filter values of single messages', async () => {
    const sink = await bench.live({ subEntry: { size: 2 } });
    sink.give('a', { id: 4n });
    sink.give('b', { filterValue: 'eu' } as object);
    expect(sink.told).to.deep.equal(['a INVALID_OPTION', 'b INVALID_OPTION']);
  });

  it('never waits for more than the window has', async () => {
    const sink = await bench.live({ subEntry: { size: 100 }, maxInFlight: 2, linger: 1000 });
    sink.offer('a', 'b', 'c');
    expect(bench.connection.entries.map(bodiesIn)).to.deep.equal([['a', 'b']]);
  });

  it('says what became of what was gathered when the handle is closed', async () => {
    const sink = await bench.live({ subEntry: { size: 2 } });
    sink.offer('a', 'b', 'c');
    bench.outbox.close();
    expect(sink.told).to.deep.equal(['a CLOSED', 'b CLOSED', 'c CLOSED']);
  });
});
