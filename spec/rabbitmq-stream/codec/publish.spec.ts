import { expect } from 'chai';
import fc from 'fast-check';
import { UnsupportedError } from '../../../lib/core/errors.js';
import { checkRecords, recordLength } from '../../../lib/rabbitmq-stream/codec/deliver.js';
import { creditFrameBytes, encodeCredit, writeCredit } from '../../../lib/rabbitmq-stream/codec/credit.js';
import { maxRecordLength, maxSubEntryLength, PublishBatch } from '../../../lib/rabbitmq-stream/codec/publish.js';
import { dataSectionLength } from '../../../lib/rabbitmq-stream/codec/amqp/data-section.js';
import { SubEntryRecords } from '../../../lib/rabbitmq-stream/codec/sub-entry.js';
import { decodeClientFrame, type PublishedEntry } from '../../support/rabbitmq-requests.js';
import { dirty, oddView, someBytes, toHex, utf8 } from './bytes.js';

const mebibyte = 1 << 20;

function batchOf(version: 1 | 2 = 1, frameMax = 0, allocate = dirty): PublishBatch {
  return new PublishBatch({ publisherId: 200, version, frameMax, allocate });
}

function entriesOf(frame: Uint8Array): readonly PublishedEntry[] {
  const { fields } = decodeClientFrame(frame, 4, frame.length);
  expect(fields['publisherId']).to.equal(200);
  return fields['entries'] as readonly PublishedEntry[];
}

/** The record of a body, written the long way. */
function recordOf(body: Uint8Array, preamble: Uint8Array = new Uint8Array(0)): Uint8Array {
  const length = Buffer.alloc(body.length < 256 ? 1 : 4);
  if (body.length < 256) length.writeUInt8(body.length);
  else length.writeUInt32BE(body.length);
  const code = body.length < 256 ? 0xa0 : 0xb0;
  return Uint8Array.from(Buffer.concat([preamble, Uint8Array.of(0, 0x53, 0x75, code), length, body]));
}

const lengths = fc.oneof(fc.nat({ max: 40 }), fc.constantFrom(127, 128, 255, 256, 257, 5000, 70_000));
const ids = fc.oneof(
  fc.maxSafeNat(),
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  fc.constantFrom(0, 0xffff_ffff, 0x1_0000_0000, Number.MAX_SAFE_INTEGER, 0n, 2n ** 64n - 1n),
);

describe('rabbitmq-stream codec: PublishBatch', () => {
  it('bodies and records, many frames after another, none changed by those that follow', () => {
    const message = fc.record({
      id: ids,
      length: lengths,
      before: fc.option(fc.nat({ max: 30 }), { nil: undefined }),
      raw: fc.boolean(),
      last: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(message, { maxLength: 60 }), (messages) => {
        const batch = batchOf();
        const frames: Uint8Array[] = [];
        const wanted: { id: bigint; record: string }[] = [];
        for (const { id, length, before, raw, last } of messages) {
          const body = oddView(someBytes(length, Number(BigInt(id) & 0xffn)));
          const preamble = before === undefined ? undefined : oddView(someBytes(before));
          const { size } = batch;
          if (raw) batch.addRecord(id, body);
          else batch.addBody(id, body, preamble);
          const record = raw ? body : recordOf(body, preamble);
          wanted.push({ id: BigInt(id), record: toHex(record) });
          expect(batch.size).to.equal(size + 12 + record.length);
          if (last) frames.push(batch.finish());
        }
        frames.push(batch.finish());
        expect(batch.count).to.equal(0);
        expect(batch.size).to.equal(13);
        const read = frames.flatMap(entriesOf) as { id: bigint; record: Uint8Array }[];
        expect(read.map(({ id, record }) => ({ id, record: toHex(record) }))).to.deep.equal(wanted);
      }),
      { numRuns: 200 },
    );
  });

  it('filter values, in bytes of UTF-8 and also none', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(ids, lengths, fc.option(fc.string({ unit: 'binary' })))), (messages) => {
        const batch = batchOf(2);
        for (const [id, length, filter] of messages) {
          const { size } = batch;
          const bytes = filter === null ? null : utf8(filter);
          if (length % 2 === 0) batch.addBody(id, someBytes(length), undefined, bytes);
          else batch.addRecord(id, someBytes(length), bytes ?? undefined);
          const recordBytes = length % 2 === 0 ? dataSectionLength(length) : length;
          expect(batch.size).to.equal(size + 14 + (bytes?.length ?? 0) + recordBytes);
        }
        const read = entriesOf(batch.finish()) as { id: bigint; filter: string | null; record: Uint8Array }[];
        expect(read.map(({ id, filter }) => [id, filter])).to.deep.equal(
          messages.map(([id, , filter]) => [BigInt(id), filter === null ? null : utf8Text(filter)]),
        );
        read.forEach(({ record }, i) => {
          const body = someBytes(messages[i]![1]);
          expect(toHex(record)).to.equal(toHex(body.length % 2 === 0 ? recordOf(body) : body));
        });
      }),
    );
  });

  it('sub-entries and records in one frame', () => {
    const batch = batchOf();
    const data = someBytes(1000);
    batch.addRecord(1, someBytes(3));
    batch.addSubEntry(2n ** 64n - 1n, { compression: 4, records: 65_535, uncompressedSize: 2 ** 32 - 1, data });
    batch.addBody(3, someBytes(300), undefined);
    expect(batch.size).to.equal(13 + 12 + 3 + 19 + 1000 + 12 + 308);
    expect(entriesOf(batch.finish())).to.deep.equal([
      { id: 1n, record: someBytes(3) },
      { id: 2n ** 64n - 1n, compression: 4, records: 65_535, uncompressedSize: 2 ** 32 - 1, data },
      { id: 3n, record: recordOf(someBytes(300)) },
    ]);
  });

  it('what a version does not have is refused, and the batch goes on', () => {
    const first = batchOf(1);
    const second = batchOf(2);
    const entry = { compression: 0, records: 1, uncompressedSize: 5, data: someBytes(5) };
    expect(() => first.addBody(1, someBytes(1), undefined, utf8('eu'))).to.throw(UnsupportedError, 'filter values');
    expect(() => second.addSubEntry(1, entry)).to.throw(UnsupportedError, 'sub-entries');
    first.addBody(2, someBytes(1), undefined);
    second.addBody(2, someBytes(1), undefined);
    expect(entriesOf(first.finish())).to.have.length(1);
    expect(entriesOf(second.finish())).to.have.length(1);
  });

  it('an empty frame', () => {
    expect(toHex(batchOf().finish())).to.equal('0000000900020001c800000000');
  });

  describe('the frame limit', () => {
    for (const frameMax of [4096, mebibyte]) {
      it(`one record fills ${String(frameMax)} bytes to the last`, () => {
        const longest = maxRecordLength(frameMax, 1);
        const batch = batchOf(1, frameMax);
        expect(batch.fits(longest)).to.equal(true);
        expect(batch.fits(longest + 1)).to.equal(false);
        batch.addRecord(1, new Uint8Array(longest));
        expect(batch.finish()).to.have.length(frameMax);
      });

      it(`one body and its sections, ${String(frameMax)} bytes`, () => {
        const before = 40;
        const body = maxRecordLength(frameMax, 1) - before - 8;
        const batch = batchOf(1, frameMax);
        expect(batch.fitsBody(body, before)).to.equal(true);
        expect(batch.fitsBody(body + 1, before)).to.equal(false);
        batch.addBody(1, new Uint8Array(body), new Uint8Array(before));
        expect(batch.finish()).to.have.length(frameMax);
      });

      it(`one record with a filter value, ${String(frameMax)} bytes`, () => {
        const filter = utf8('日本');
        const longest = maxRecordLength(frameMax, 2, filter.length);
        const batch = batchOf(2, frameMax);
        expect(batch.fits(longest, filter.length)).to.equal(true);
        expect(batch.fits(longest + 1, filter.length)).to.equal(false);
        expect(batch.fits(longest, filter.length + 1)).to.equal(false);
        batch.addRecord(1, new Uint8Array(longest), filter);
        expect(batch.finish()).to.have.length(frameMax);
      });

      it(`one sub-entry, ${String(frameMax)} bytes`, () => {
        const longest = maxSubEntryLength(frameMax);
        const batch = batchOf(1, frameMax);
        expect(batch.fitsSubEntry(longest)).to.equal(true);
        expect(batch.fitsSubEntry(longest + 1)).to.equal(false);
        const data = new Uint8Array(longest);
        batch.addSubEntry(1, { compression: 1, records: 2, uncompressedSize: 3, data });
        expect(batch.finish()).to.have.length(frameMax);
      });

      it(`bodies up to ${String(frameMax)} bytes`, () => {
        const batch = batchOf(1, frameMax);
        const body = someBytes(128);
        let count = 0;
        while (batch.fitsBody(body.length)) batch.addBody(count++, body, undefined);
        expect(count).to.equal(Math.floor((frameMax - 13) / 145));
        expect(frameMax - batch.size).to.be.within(0, 144);
        expect(entriesOf(batch.finish())).to.have.length(count);
      });
    }

    it('0 is none', () => {
      expect(batchOf(1, 0).fits(500_000_000)).to.equal(true);
      expect(maxRecordLength(0, 1)).to.equal(2 ** 31 - 1);
      expect(maxSubEntryLength(0)).to.equal(2 ** 31 - 1);
    });

    it('one that has no room for any record', () => {
      expect(maxRecordLength(20, 2, 100)).to.equal(0);
      expect(maxSubEntryLength(20)).to.equal(0);
    });
  });

  describe('memory', () => {
    const counting = (frameMax: number): { batch: PublishBatch; allocated: number[] } => {
      const allocated: number[] = [];
      const allocate = (size: number): Uint8Array => {
        allocated.push(size);
        return dirty(size);
      };
      return { batch: batchOf(1, frameMax, allocate), allocated };
    };

    it('none is taken before there is a message, little for a few', () => {
      const { batch, allocated } = counting(mebibyte);
      expect(allocated).to.deep.equal([]);
      batch.addBody(1, someBytes(10), undefined);
      batch.finish();
      expect(allocated).to.deep.equal([4096]);
      for (let i = 0; i < 50; i++) {
        batch.addBody(i, someBytes(10), undefined);
        batch.finish();
      }
      expect(allocated).to.deep.equal([4096]);
    });

    it('frames of one size share allocations and are not moved', () => {
      const { batch, allocated } = counting(mebibyte);
      const fill = (): Uint8Array => {
        for (let i = 0; i < 500; i++) batch.addBody(i, someBytes(128), undefined);
        return batch.finish();
      };
      fill();
      allocated.length = 0;
      const buffers = new Set(Array.from({ length: 30 }, () => fill().buffer));
      expect(new Set(allocated)).to.deep.equal(new Set([1 << 18]));
      expect(buffers.size).to.be.within(allocated.length, allocated.length + 1);
      expect(allocated).to.have.length(10);
    });

    it('a large record takes its own size', () => {
      const { batch, allocated } = counting(0);
      batch.addRecord(1, new Uint8Array(10_000_000));
      batch.finish();
      batch.addRecord(2, new Uint8Array(10));
      expect(allocated).to.deep.equal([10_000_025, 1 << 18]);
    });

    it('a frame that grows is moved a few times only, and not beyond its limit', () => {
      const { batch, allocated } = counting(mebibyte);
      for (let i = 0; batch.fitsBody(100); i++) batch.addBody(i, someBytes(100), undefined);
      expect(allocated.length).to.be.at.most(9);
      expect(Math.max(...allocated)).to.equal(mebibyte);
    });
  });
});

describe('rabbitmq-stream codec: SubEntryRecords', () => {
  it('each record with its length, and then the next ones', () => {
    const records = fc.array(fc.tuple(lengths, fc.constantFrom('raw', 'body', 'preamble')), { maxLength: 40 });
    fc.assert(
      fc.property(fc.array(records, { minLength: 1, maxLength: 4 }), (batches) => {
        const made = new SubEntryRecords(dirty);
        const all = batches.map((batch) => {
          for (const [length, kind] of batch) {
            if (kind === 'raw') made.addRecord(someBytes(length));
            else made.addBody(someBytes(length), kind === 'body' ? undefined : someBytes(9));
          }
          expect(made.count).to.equal(batch.length);
          const { size } = made;
          const data = made.finish();
          expect(data).to.have.length(size);
          expect(made.count + made.size).to.equal(0);
          return data;
        });
        all.forEach((data, i) => {
          checkRecords(data, 0, data.length, batches[i]!.length);
          let at = 0;
          for (const [length, kind] of batches[i]!) {
            const body = someBytes(length);
            const record = kind === 'raw' ? body : recordOf(body, kind === 'body' ? undefined : someBytes(9));
            const end = at + 4 + recordLength(data, at, data.length);
            expect(toHex(data.subarray(at + 4, end))).to.equal(toHex(record));
            at = end;
          }
        });
      }),
    );
  });
});

describe('rabbitmq-stream codec: Credit', () => {
  it('several behind one another in one buffer', () => {
    const out = dirty(3 * creditFrameBytes);
    const end = [1, 2, 3].reduce((at, id) => writeCredit(out, at, id, id * 1000), 0);
    expect(end).to.equal(out.length);
    const frames = [1, 2, 3].map((id) => encodeCredit(id, id * 1000));
    expect(toHex(out)).to.equal(frames.map(toHex).join(''));
  });
});

/** A string as it comes back: halves of surrogate pairs do not. */
function utf8Text(text: string): string {
  return Buffer.from(text).toString();
}
