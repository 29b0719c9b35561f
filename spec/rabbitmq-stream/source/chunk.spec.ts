import { expect } from 'chai';
import fc from 'fast-check';
import { crc32, gzipSync } from 'node:zlib';
import { ProtocolError } from '../../../lib/core/errors.js';
import type { OffsetKey } from '../../../lib/core/offset.js';
import type { SubEntry } from '../../../lib/rabbitmq-stream/codec/publish.js';
import { Chunk } from '../../../lib/rabbitmq-stream/source/chunk.js';
import { encodeChunk, type ChunkFields } from '../../support/rabbitmq-frames.js';
import { hexBytes, oddView, toHex, utf8 } from '../codec/bytes.js';

/** What a chunk gives: offset and bytes of each record, in hex. */
function recordsOf(chunk: Chunk): [OffsetKey, string][] {
  const records: [OffsetKey, string][] = [];
  while (chunk.next()) records.push([chunk.offset, toHex(chunk.bytes.subarray(chunk.start, chunk.end))]);
  return records;
}

function offsetsOf(chunk: Chunk): OffsetKey[] {
  return recordsOf(chunk).map(([offset]) => offset);
}

function read(bytes: Uint8Array, owned = true): Chunk {
  return new Chunk(bytes, 0, bytes.length, owned);
}

function make(fields: Partial<ChunkFields> & Pick<ChunkFields, 'entries'>): Chunk {
  return read(encodeChunk({ firstOffset: 0, ...fields }));
}

/** A sub-entry of these records. */
function sub(records: readonly Uint8Array[], compression = 0, changes: Partial<SubEntry> = {}): SubEntry {
  const plain = Buffer.concat(
    records.map((record) => {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(record.length);
      return Buffer.concat([length, record]);
    }),
  );
  const data = compression === 1 ? gzipSync(plain) : plain;
  return { compression, records: records.length, uncompressedSize: plain.length, data, ...changes };
}

/** A chunk whose entries are these bytes, with the right CRC. */
function chunkOf(data: Uint8Array, entryCount: number, recordCount = entryCount): Chunk {
  const bytes = Buffer.concat([encodeChunk({ firstOffset: 5, entries: [] }), data]);
  bytes.writeUInt16BE(entryCount, 2);
  bytes.writeUInt32BE(recordCount, 4);
  bytes.writeUInt32BE(crc32(data), 32);
  bytes.writeUInt32BE(data.length, 36);
  return read(bytes);
}

/** Chunks that RabbitMQ 4.0.5 has delivered, without the frame around them. */
const golden = {
  simple:
    '5000000200000002000001a1fbd8f70b00000000000000010000000000000000c5be60460000001c0000000f00000000' +
    '0000000a005375a00568656c6c6f0000000a005375a00568656c6c6f',
  bloom:
    '5000000200000002000001a1fbd8f71200000000000000010000000000000002c5be60460000001c0000000f10000000' +
    '0000000a005375a00568656c6c6f0000000a005375a00568656c6c6f',
  gzip:
    '5000000100000003000001a1fbd8f7120000000000000001000000000000000465a1b1fe000000300000000f00000000' +
    '9000030000002a000000251f8b0800000000000203636060e062082e5dc09a919a9393cf8087070093bc86812a000000',
  mixed:
    '5000000300000004000001a1fbdf01dc000000000000000100000000000000005a47cc2a000000430000000000000000' +
    '0000000a005375a00568656c6c6f8000020000001c0000001c0000000a005375a00568656c6c6f0000000a005375a00568656c6c6f' +
    '0000000a005375a00568656c6c6f',
};
const hello = '005375a00568656c6c6f';

describe('Chunk', () => {
  describe('of the broker', () => {
    for (const [name, first, count] of [
      ['simple', 0, 2],
      ['bloom', 2, 2],
      ['gzip', 4, 3],
      ['mixed', 0, 4],
    ] as const) {
      it(`${name}: gives each record with its offset`, () => {
        for (const owned of [true, false]) {
          const chunk = read(oddView(hexBytes(golden[name])), owned);
          expect(recordsOf(chunk)).to.deep.equal(Array.from({ length: count }, (_, n) => [first + n, hello]));
          expect(chunk.done).to.equal(true);
          expect([chunk.first, chunk.records, chunk.after]).to.deep.equal([first, count, first + count]);
          expect(chunk.epoch).to.equal(1);
          expect(chunk.next()).to.equal(false);
        }
      });
    }

    it('is refused with any bit of its data turned over', () => {
      const good = hexBytes(golden.mixed);
      for (let bit = 48 * 8; bit < good.length * 8; bit++) {
        const bytes = good.slice();
        bytes[bit >> 3]! ^= 1 << (bit & 7);
        expect(() => read(bytes)).to.throw(ProtocolError, 'CRC-32');
      }
    });

    it('is refused with a wrong CRC, which the message names beside the right one and the offset', () => {
      const bytes = hexBytes(golden.bloom);
      bytes[35]! ^= 1;
      expect(() => read(bytes)).to.throw(ProtocolError, /offset 2 has the CRC-32 0xc5be6046 .* 0xc5be6047/);
    });

    it('is refused when it is cut anywhere', () => {
      const bytes = hexBytes(golden.mixed);
      for (let length = 0; length < bytes.length; length++) {
        expect(() => new Chunk(bytes, 0, length, true), `${length}`).to.throw(ProtocolError);
      }
    });
  });

  describe('offsets', () => {
    const entries = [utf8('a'), sub([utf8('b'), utf8('c')]), utf8('d'), sub([utf8('e')], 1), utf8('f')];

    for (const first of [0, 2 ** 53 - 3, 2n ** 53n, 2n ** 63n - 3n, 2n ** 64n - 8n]) {
      it(`are contiguous from ${first} on, numbers where they are exact`, () => {
        const chunk = make({ entries, firstOffset: first });
        const expected = Array.from({ length: 6 }, (_, n) => {
          const offset = BigInt(first) + BigInt(n);
          return offset < 2n ** 53n ? Number(offset) : offset;
        });
        expect(offsetsOf(chunk)).to.deep.equal(expected);
        expect(BigInt(chunk.after)).to.equal(BigInt(first) + 6n);
      });
    }
  });

  describe('its bytes', () => {
    it('are copied unless they are its own', () => {
      const bytes = encodeChunk({ firstOffset: 0, entries: [utf8('kept')] });
      const copy = read(bytes, false);
      const own = read(bytes, true);
      bytes.fill(0, 48);
      expect(recordsOf(copy)[0]![1]).to.equal(toHex(utf8('kept')));
      expect(() => own.next() && toHex(own.bytes.subarray(own.start, own.end))).not.to.throw();
      expect(own.bytes.buffer).to.equal(bytes.buffer);
    });

    it('are copied also out of a Buffer, whose slice makes no copy', () => {
      const bytes = Buffer.from(encodeChunk({ firstOffset: 0, entries: [utf8('kept')] }));
      const copy = read(bytes, false);
      bytes.fill(0);
      expect(recordsOf(copy)[0]![1]).to.equal(toHex(utf8('kept')));
    });

    it('are no Buffer, so that who takes a record out does not hold on to all of them', () => {
      const entries = [utf8('simple'), sub([utf8('plain')]), sub([utf8('packed')], 1)];
      const chunk = read(Buffer.from(encodeChunk({ firstOffset: 0, entries })));
      while (chunk.next()) {
        const taken = chunk.bytes.slice(chunk.start, chunk.end);
        expect(taken).not.to.be.instanceOf(Buffer);
        expect(taken.buffer.byteLength).to.equal(taken.length);
      }
    });

    it('are counted with what sub-entries are inflated to', () => {
      const records = [new Uint8Array(5_000), new Uint8Array(5_000)];
      const chunk = make({ entries: [sub(records, 1), sub(records)] });
      const came = chunk.size;
      expect(came).to.be.within(10_000, 10_300);
      while (chunk.next());
      expect(chunk.size).to.equal(came + 10_008);
    });

    it('are let go', () => {
      const chunk = make({ entries: [utf8('a'), utf8('b')] });
      chunk.next();
      chunk.clear();
      expect(chunk.next()).to.equal(false);
      expect(chunk.done).to.equal(true);
      expect(chunk.bytes).to.have.length(0);
    });
  });

  describe('that lies', () => {
    const lies: readonly [string, Partial<ChunkFields> & Pick<ChunkFields, 'entries'>, string][] = [
      ['about its magic', { entries: [utf8('a')], magic: 0x51 }, '81'],
      ['about its type', { entries: [utf8('a')], type: 3 }, 'type 3'],
      ['with more entries than there are', { entries: [utf8('abcdefgh')], entryCount: 2, recordCount: 2 }, 'record'],
      [
        'with fewer entries than there are',
        { entries: [utf8('a'), utf8('b')], entryCount: 1, recordCount: 1 },
        'end early',
      ],
      ['with more records than there are', { entries: [utf8('a'), utf8('b')], recordCount: 3 }, '2 records'],
      ['with fewer records than there are', { entries: [sub([utf8('a'), utf8('b')])], recordCount: 1 }, '2 records'],
      ['with entries that no data has room for', { entries: [utf8('a')], entryCount: 1_000 }, '1000 entries'],
      ['about the length of its data', { entries: [utf8('a')], dataLength: 0xffffffff }, '4294967295'],
      ['with a sub-entry of more records', { entries: [sub([utf8('a')], 0, { records: 2 })] }, 'record'],
      [
        'with a sub-entry of fewer records',
        { entries: [sub([utf8('a'), utf8('b')], 0, { records: 1 })] },
        'end at byte 5',
      ],
      ['with a sub-entry of none', { entries: [sub([utf8('a')], 0, { records: 0 })] }, '0 of 0'],
      ['with a packed sub-entry of more', { entries: [sub([utf8('a')], 1, { records: 50 })] }, 'record'],
      ['about the size of a sub-entry', { entries: [sub([utf8('a')], 1, { uncompressedSize: 4 })] }, 'sub-entry'],
      ['about the size of a plain one', { entries: [sub([utf8('a')], 0, { uncompressedSize: 6 })] }, 'sub-entry'],
      ['with a bomb', { entries: [sub([new Uint8Array(3e6)], 1, { uncompressedSize: 5 })] }, 'sub-entry'],
      ['with a size of 4 GiB', { entries: [sub([utf8('a')], 1, { uncompressedSize: 0xffffffff })] }, '67108864'],
      ['about its compression', { entries: [sub([utf8('a')], 1, { data: utf8('no gzip') })] }, 'gzip'],
    ];
    for (const [how, fields, says] of lies) {
      it(`${how} is malformed`, () => {
        expect(() => recordsOf(make(fields))).to.throw(ProtocolError, says);
      });
    }

    it('with the length of a record is malformed', () => {
      for (const length of [4, 5, 0x7fffffff]) {
        const data = Uint8Array.of(0, 0, 0, 0, 1, 2, 3);
        new DataView(data.buffer).setUint32(0, length);
        expect(() => recordsOf(chunkOf(data, 1))).to.throw(ProtocolError, `${length}`);
      }
    });
  });

  it('of the broker’s own notes has nothing to read', () => {
    for (const type of [1, 2]) {
      const chunk = make({ entries: [utf8('note')], type, firstOffset: 7 });
      expect(chunk.next()).to.equal(false);
      expect(chunk.done).to.equal(true);
      expect(chunk.after).to.equal(8);
    }
  });

  describe('skipTo', () => {
    const broken = sub([utf8('a'), utf8('b'), utf8('c')], 1, { data: utf8('no gzip') });

    it('passes over sub-entries that are not asked for, without a look into them', () => {
      const chunk = make({ entries: [broken, sub([utf8('d'), utf8('e')]), utf8('f')], firstOffset: 10 });
      chunk.skipTo(13);
      expect(offsetsOf(chunk)).to.deep.equal([13, 14, 15]);
    });

    it('does so behind records as well', () => {
      const chunk = make({ entries: [utf8('a'), broken, utf8('b')], firstOffset: 10 });
      chunk.skipTo(14);
      expect(offsetsOf(chunk)).to.deep.equal([10, 14]);
    });

    it('gives a sub-entry of which the last record is asked for', () => {
      const chunk = make({
        entries: [sub([utf8('a'), utf8('b')]), sub([utf8('c'), utf8('d')])],
        firstOffset: 2n ** 53n,
      });
      chunk.skipTo(2n ** 53n + 3n);
      expect(offsetsOf(chunk)).to.deep.equal([2n ** 53n + 2n, 2n ** 53n + 3n]);
    });

    it('beyond the end gives none', () => {
      const chunk = make({ entries: [broken] });
      chunk.skipTo(100);
      expect(offsetsOf(chunk)).to.deep.equal([]);
      expect(chunk.done).to.equal(true);
    });
  });

  it('says which compression is missing, and goes on when it is there', () => {
    // no compression has the code 7, so that it never will be
    const chunk = make({ entries: [utf8('a'), sub([utf8('b')], 7), utf8('c')] });
    expect(chunk.next()).to.equal(true);
    expect(chunk.next()).to.equal(false);
    expect([chunk.missing, chunk.done]).to.deep.equal([7, false]);
    expect(chunk.next()).to.equal(false);
    chunk.skipTo(2);
    expect(offsetsOf(chunk)).to.deep.equal([2]);
  });

  it('tells its reader of what was settled, with how many are left', () => {
    const bytes = encodeChunk({ firstOffset: 0, entries: [utf8('a')] });
    const told: number[] = [];
    const chunk = new Chunk(bytes, 0, bytes.length, true, { settled: ({ open }) => told.push(open) });
    chunk.open = 2;
    chunk.settled(undefined as never);
    chunk.settled(undefined as never);
    expect(told).to.deep.equal([1, 0]);
  });

  it('gives back whatever was put into it', () => {
    const record = fc.uint8Array({ maxLength: 300 });
    const entry = fc.oneof(
      record,
      fc.tuple(fc.array(record, { maxLength: 5 }), fc.constantFrom(0, 1)).map(([records, how]) => ({ records, how })),
    );
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 8 }), fc.bigInt(0n, 2n ** 64n - 100n), (given, firstOffset) => {
        const entries = given.map((each) => (each instanceof Uint8Array ? each : sub(each.records, each.how)));
        const records = given.flatMap((each) => (each instanceof Uint8Array ? [each] : each.records));
        const chunk = make({ entries, firstOffset });
        const offsets = records.map((bytes, n) => [firstOffset + BigInt(n), toHex(bytes)]);
        expect(recordsOf(chunk).map(([offset, bytes]) => [BigInt(offset), bytes])).to.deep.equal(offsets);
        expect(chunk.done).to.equal(true);
      }),
      { numRuns: 200 },
    );
  });

  it('is refused, or reads to its end, whatever bytes are in it', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 120 }), fc.nat(6), fc.nat(12), (data, entryCount, recordCount) => {
        try {
          recordsOf(chunkOf(data, entryCount, recordCount));
        } catch (error) {
          expect(error).to.be.instanceOf(ProtocolError);
        }
      }),
      { numRuns: 1_000 },
    );
  });
});
