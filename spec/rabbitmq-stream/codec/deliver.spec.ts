import { expect } from 'chai';
import fc from 'fast-check';
import { crc32, gunzipSync } from 'node:zlib';
import { ProtocolError } from '../../../lib/core/errors.js';
import {
  ChunkHeader,
  checkEntries,
  checkRecords,
  chunkStart,
  isSubEntry,
  readChunkHeader,
  readSubEntryHeader,
  recordLength,
  SubEntryHeader,
} from '../../../lib/rabbitmq-stream/codec/deliver.js';
import type { SubEntry } from '../../../lib/rabbitmq-stream/codec/publish.js';
import { SubEntryRecords } from '../../../lib/rabbitmq-stream/codec/sub-entry.js';
import { encodeChunk, encodeDeliver, type ChunkFields } from '../../support/rabbitmq-frames.js';
import { dirty, hexBytes, oddView, someBytes, toHex } from './bytes.js';

const hello = hexBytes('005375a00568656c6c6f');
const helloHex = toHex(hello);
const gzipped = hexBytes('1f8b0800000000000203636060e062082e5dc09a919a9393cf8087070093bc86812a000000');

function headerOf(bytes: Uint8Array, start = 0, end = bytes.length): ChunkHeader {
  const header = new ChunkHeader();
  readChunkHeader(bytes, start, end, header);
  return header;
}

/** The entries between two positions: records as hex, sub-entries as what their header says. */
function entriesOf(bytes: Uint8Array, header: ChunkHeader): unknown[] {
  const entries: unknown[] = [];
  let at = header.dataStart;
  for (let i = 0; i < header.entries; i++) {
    if (isSubEntry(bytes, at)) {
      const entry = new SubEntryHeader();
      readSubEntryHeader(bytes, at, header.dataEnd, entry);
      const { compression, records, uncompressedSize, dataStart, dataEnd } = entry;
      entries.push({ compression, records, uncompressedSize, data: toHex(bytes.subarray(dataStart, dataEnd)) });
      at = dataEnd;
    } else {
      const end = at + 4 + recordLength(bytes, at, header.dataEnd);
      entries.push(toHex(bytes.subarray(at + 4, end)));
      at = end;
    }
  }
  expect(at).to.equal(header.dataEnd);
  return entries;
}

function refusal(read: () => unknown): string {
  try {
    read();
  } catch (error) {
    expect(error).to.be.instanceOf(ProtocolError);
    return (error as ProtocolError).message;
  }
  throw new Error('nothing was thrown');
}

const threeHellos = `0000000a${helloHex}`.repeat(3);
const twoHellos = hexBytes(`0000000a${helloHex}`.repeat(2));

/** Frames that RabbitMQ 4.0.5 delivered. */
const delivered: readonly {
  readonly name: string;
  readonly hex: string;
  readonly subscriptionId: number;
  readonly committed?: number;
  readonly chunk: ChunkFields;
  readonly records: number;
}[] = [
  {
    name: 'version 2, two records',
    hex:
      '000000590008000201000000000000000a5000000200000002000001a1fbd8f70b00000000000000010000000000000000c5be6046' +
      '0000001c0000000f000000000000000a005375a00568656c6c6f0000000a005375a00568656c6c6f',
    subscriptionId: 1,
    committed: 10,
    chunk: { entries: [hello, hello], firstOffset: 0, timestamp: 0x1a1fbd8f70b, trailerLength: 15 },
    records: 2,
  },
  {
    name: 'version 2, with the size of a bloom filter that is not sent',
    hex:
      '000000590008000201000000000000000a5000000200000002000001a1fbd8f71200000000000000010000000000000002c5be6046' +
      '0000001c0000000f100000000000000a005375a00568656c6c6f0000000a005375a00568656c6c6f',
    subscriptionId: 1,
    committed: 10,
    chunk: { entries: [hello, hello], firstOffset: 2, timestamp: 0x1a1fbd8f712, trailerLength: 15, bloomSize: 16 },
    records: 2,
  },
  {
    name: 'version 2, a sub-entry with gzip',
    hex:
      '0000006d0008000201000000000000000a5000000100000003000001a1fbd8f7120000000000000001000000000000000465a1b1fe' +
      '000000300000000f000000009000030000002a000000251f8b0800000000000203636060e062082e5dc09a919a9393cf8087070093bc8681' +
      '2a000000',
    subscriptionId: 1,
    committed: 10,
    chunk: {
      entries: [{ compression: 1, records: 3, uncompressedSize: 42, data: gzipped }],
      firstOffset: 4,
      timestamp: 0x1a1fbd8f712,
      trailerLength: 15,
    },
    records: 3,
  },
  {
    name: 'version 2, a sub-entry between two records',
    hex:
      '00000080000800020100000000000000005000000300000004000001a1fbdf01dc000000000000000100000000000000005a47cc2a' +
      '0000004300000000000000000000000a005375a00568656c6c6f8000020000001c0000001c0000000a005375a00568656c6c6f' +
      '0000000a005375a00568656c6c6f0000000a005375a00568656c6c6f',
    subscriptionId: 1,
    committed: 0,
    chunk: {
      entries: [hello, { compression: 0, records: 2, uncompressedSize: 28, data: twoHellos }, hello],
      firstOffset: 0,
      timestamp: 0x1a1fbdf01dc,
    },
    records: 4,
  },
  {
    name: 'version 1',
    hex:
      '0000005100080001015000000200000002000001a1fbdbf66600000000000000010000000000000000c5be6046' +
      '0000001c00000000000000000000000a005375a00568656c6c6f0000000a005375a00568656c6c6f',
    subscriptionId: 1,
    chunk: { entries: [hello, hello], firstOffset: 0, timestamp: 0x1a1fbdbf666 },
    records: 2,
  },
];

function asRead(entry: Uint8Array | SubEntry): unknown {
  return entry instanceof Uint8Array ? toHex(entry) : { ...entry, data: toHex(entry.data) };
}

describe('rabbitmq-stream codec: Deliver', () => {
  for (const { name, hex, subscriptionId, committed, chunk, records } of delivered) {
    it(`of RabbitMQ 4.0.5: ${name}`, () => {
      expect(toHex(encodeDeliver(subscriptionId, encodeChunk(chunk), committed))).to.equal(hex);
      const frame = oddView(hexBytes(hex));
      const start = chunkStart(frame, 4, frame.length);
      expect(start).to.equal(committed === undefined ? 9 : 17);
      expect(frame[8]).to.equal(subscriptionId);
      const header = headerOf(frame, start, frame.length);
      const { firstOffset, timestamp } = chunk;
      expect(header).to.deep.include({ type: 0, entries: chunk.entries.length, records, firstOffset, timestamp });
      expect(header.crc).to.equal(crc32(frame.subarray(header.dataStart, header.dataEnd)));
      expect(header.dataEnd).to.equal(frame.length);
      expect(entriesOf(frame, header)).to.deep.equal(chunk.entries.map(asRead));
      checkEntries(frame, header);
    });
  }

  it('the records of a sub-entry', () => {
    const data = Uint8Array.from(gunzipSync(gzipped));
    expect(toHex(data)).to.equal(threeHellos);
    checkRecords(data, 0, data.length, 3);
    expect(recordLength(data, 14, data.length)).to.equal(10);
  });

  it('chunks of any entries', () => {
    const data = fc.nat({ max: 300 }).map((length) => someBytes(length));
    const entry = fc.oneof(
      data,
      fc.record({
        compression: fc.nat({ max: 7 }),
        records: fc.nat({ max: 0xffff }),
        uncompressedSize: fc.nat({ max: 2 ** 32 - 1 }),
        data,
      }),
    );
    const offsets = fc.oneof(fc.maxSafeNat(), fc.constantFrom(2n ** 53n, 2n ** 64n - 1n));
    const times = fc.integer({ min: -1000, max: 8_640_000_000_000_000 });
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 30 }), offsets, times, (entries, firstOffset, timestamp) => {
        const bytes = oddView(encodeChunk({ entries, firstOffset, timestamp }));
        const header = headerOf(bytes);
        expect(header).to.deep.include({ firstOffset, timestamp, entries: entries.length });
        expect(entriesOf(bytes, header)).to.deep.equal(entries.map(asRead));
        checkEntries(bytes, header);
      }),
    );
  });

  it('65 535 entries, and a chunk far larger than the frame limit', () => {
    const many = encodeChunk({ entries: Array.from({ length: 65_535 }, () => hello), firstOffset: 0 });
    checkEntries(many, headerOf(many));
    const large = encodeChunk({ entries: Array.from({ length: 13 }, () => new Uint8Array(900_000)), firstOffset: 0 });
    checkEntries(large, headerOf(large));
  });

  it('bytes behind the data, as a trailer would be, are left alone', () => {
    const chunk = encodeChunk({ entries: [hello], firstOffset: 0, trailerLength: 15 });
    const bytes = new Uint8Array(chunk.length + 15).fill(0xff);
    bytes.set(chunk);
    const header = headerOf(bytes);
    expect(header.dataEnd).to.equal(chunk.length);
    checkEntries(bytes, header);
  });

  it('a version that there is not, or no room for a chunk', () => {
    const frame = encodeDeliver(1, encodeChunk({ entries: [], firstOffset: 0 }), 0);
    expect(chunkStart(frame, 4, frame.length)).to.equal(17);
    expect(refusal(() => chunkStart(frame, 4, frame.length - 1))).to.contain('it ends before the chunk');
    frame[7] = 1;
    expect(chunkStart(frame, 4, frame.length - 8)).to.equal(9);
    frame[7] = 3;
    expect(refusal(() => chunkStart(frame, 4, frame.length))).to.contain('Deliver of 61 bytes: the version 3 is not');
  });

  describe('headers that are not true', () => {
    const cases: readonly [name: string, fields: Partial<ChunkFields>, message: string][] = [
      ['another magic number', { magic: 0x51 }, 'it begins with 81, not with 80'],
      ['more data than there is', { dataLength: 29 }, 'the length of its data is 29'],
      ['4 GiB of data', { dataLength: 2 ** 32 - 1 }, 'the length of its data is 4294967295'],
      ['more entries than have room', { entryCount: 8 }, '8 entries in 28 bytes'],
      ['more records than entries can have', { recordCount: 131_071 }, '131071 records in 2 entries'],
    ];
    for (const [name, fields, message] of cases) {
      it(name, () => {
        const bytes = oddView(encodeChunk({ entries: [hello, hello], firstOffset: 0, ...fields }));
        expect(refusal(() => headerOf(bytes))).to.contain(`cannot read a chunk of 76 bytes: ${message}`);
      });
    }

    it('cut off', () => {
      const bytes = encodeChunk({ entries: [hello], firstOffset: 0 });
      for (let end = 0; end < bytes.length; end++) refusal(() => headerOf(bytes, 0, end));
      headerOf(bytes);
    });
  });

  describe('entries that are not whole', () => {
    const checked = (fields: Partial<ChunkFields> & Pick<ChunkFields, 'entries'>): (() => void) => {
      const bytes = oddView(encodeChunk({ firstOffset: 0, ...fields }));
      return () => checkEntries(bytes, headerOf(bytes));
    };
    const entry = { compression: 1, records: 3, uncompressedSize: 42, data: gzipped };

    it('a record longer than the data', () => {
      expect(refusal(() => recordLength(hexBytes('0000000561626364'), 0, 8))).to.contain(
        'cannot read a record of 8 bytes: its length is 5, with 8 bytes left',
      );
      expect(refusal(() => recordLength(hexBytes('ffffffff61'), 0, 5))).to.contain('its length is 4294967295');
      expect(recordLength(hexBytes('00000004616263640000'), 0, 8)).to.equal(4);
      for (let end = 0; end < 4; end++) {
        expect(refusal(() => recordLength(hexBytes('00000000'), 0, end))).to.contain('ends inside its length');
      }
      expect(refusal(() => recordLength(hexBytes('00000000'), 3, 2))).to.contain('a record of 0 bytes');
    });

    it('a sub-entry longer than the data, or cut off in its header', () => {
      const bytes = encodeChunk({ entries: [entry], firstOffset: 0 });
      const into = new SubEntryHeader();
      for (let end = 48; end < bytes.length; end++) refusal(() => readSubEntryHeader(bytes, 48, end, into));
      expect(into).to.deep.equal(new SubEntryHeader());
      readSubEntryHeader(bytes, 48, bytes.length, into);
      expect(into).to.deep.include({ compression: 1, records: 3, uncompressedSize: 42, dataStart: 59 });
      expect(into.dataEnd).to.equal(bytes.length);
    });

    it('fewer or more of them than the header says', () => {
      checked({ entries: [hello, entry] })();
      expect(refusal(checked({ entries: [hello, entry], entryCount: 1 }))).to.contain('1 entries end early');
      expect(refusal(checked({ entries: [hello, hello], entryCount: 3 }))).to.contain('a record of 0 bytes');
    });

    it('another number of records than the header says', () => {
      const wrong = { entries: [hello, entry], recordCount: 5 };
      expect(refusal(checked(wrong))).to.contain('4 records where it says 5');
    });

    it('another number of records than a sub-entry says', () => {
      const made = new SubEntryRecords(dirty);
      for (let i = 0; i < 3; i++) made.addRecord(someBytes(i));
      const data = made.finish();
      checkRecords(data, 0, data.length, 3);
      checkRecords(data, 0, 0, 0);
      expect(refusal(() => checkRecords(data, 0, data.length, 2))).to.contain('2 of 2 records end at byte 9');
      expect(refusal(() => checkRecords(data, 0, data.length, 4))).to.contain('3 of 4 records end at byte 15');
      expect(refusal(() => checkRecords(data, 0, data.length, 0))).to.contain('0 of 0 records end at byte 0');
      refusal(() => checkRecords(data, 0, data.length - 1, 3));
    });
  });
});
