import { expect } from 'chai';
import { gunzipSync } from 'node:zlib';
import { Confirm, readConfirm } from '../../../lib/rabbitmq-stream/codec/confirm.js';
import { frameKey, frameReader, frameVersion, readResponseHead } from '../../../lib/rabbitmq-stream/codec/head.js';
import { readId } from '../../../lib/rabbitmq-stream/codec/integers.js';
import { keys, responseBit } from '../../../lib/rabbitmq-stream/codec/keys.js';
import { PublishBatch } from '../../../lib/rabbitmq-stream/codec/publish.js';
import { encodePublishConfirm } from '../../support/rabbitmq-frames.js';
import { decodeClientFrame } from '../../support/rabbitmq-requests.js';
import { dirty, hexBytes, oddView, toHex, utf8 } from './bytes.js';
import { brokerRows, clientRows } from './golden.js';

const hello = utf8('hello');
const record = hexBytes('005375a00568656c6c6f');
const gzipped = hexBytes('1f8b0800000000000203636060e062082e5dc09a919a9393cf8087070093bc86812a000000');
const three = hexBytes('0000000a005375a00568656c6c6f'.repeat(3));

describe('rabbitmq-stream codec: frames of RabbitMQ 4.0.5', () => {
  describe('that a client sends', () => {
    for (const { name, hex, correlationId, fields, bytes } of clientRows) {
      it(name, () => {
        expect(toHex(bytes)).to.equal(hex);
        const frame = oddView(hexBytes(hex));
        const read = decodeClientFrame(frame, 4, frame.length);
        expect(read.correlationId).to.equal(correlationId);
        expect(read.version).to.equal(1);
        const plain = Object.entries(read.fields).map(([key, value]) => [
          key,
          value instanceof Map ? Object.fromEntries(value) : value,
        ]);
        expect(Object.fromEntries(plain)).to.deep.equal(fields);
      });
    }
  });

  describe('that a broker sends', () => {
    for (const { name, hex, key, correlationId, code, read, fields, bytes } of brokerRows) {
      it(name, () => {
        expect(toHex(bytes)).to.equal(hex);
        const frame = oddView(hexBytes(hex));
        const reader = frameReader(frame, 4, frame.length);
        expect(frameKey(frame, 4) & ~responseBit).to.equal(key);
        expect(frameVersion(frame, 4)).to.equal(1);
        expect(reader.frame).to.equal(name.split(',')[0]!.replace(' without a stream', ''));
        if (code !== undefined) expect(readResponseHead(reader)).to.deep.equal({ correlationId, code });
        else if (correlationId !== undefined) expect(reader.u32()).to.equal(correlationId);
        expect(read(reader)).to.deep.equal(fields);
        expect(reader.remaining).to.equal(0);
      });
    }
  });

  describe('Publish', () => {
    const batchOf = (version: 1 | 2): PublishBatch =>
      new PublishBatch({ publisherId: 0, version, frameMax: 0, allocate: dirty });

    const cases: readonly { name: string; hex: string; entries: unknown[]; make: () => PublishBatch }[] = [
      {
        name: 'version 1, ids 1 and 2',
        hex:
          '0000003500020001000000000200000000000000010000000a005375a00568656c6c6f' +
          '00000000000000020000000a005375a00568656c6c6f',
        entries: [
          { id: 1n, record },
          { id: 2n, record },
        ],
        make: () => {
          const batch = batchOf(1);
          batch.addBody(1, hello, undefined);
          batch.addRecord(2n, record);
          return batch;
        },
      },
      {
        name: 'version 2, with a filter value and without',
        hex:
          '0000003b0002000200000000020000000000000003000265750000000a005375a00568656c6c6f' +
          '0000000000000004ffff0000000a005375a00568656c6c6f',
        entries: [
          { id: 3n, filter: 'eu', record },
          { id: 4n, filter: null, record },
        ],
        make: () => {
          const batch = batchOf(2);
          batch.addBody(3n, hello, undefined, utf8('eu'));
          batch.addBody(4, hello, undefined, null);
          return batch;
        },
      },
      {
        name: 'a sub-entry, gzip',
        hex:
          '0000004100020001000000000100000000000000059000030000002a000000251f8b0800000000000203636060e062082e5dc09a91' +
          '9a9393cf8087070093bc86812a000000',
        entries: [{ id: 5n, compression: 1, records: 3, uncompressedSize: 42, data: gzipped }],
        make: () => {
          const batch = batchOf(1);
          batch.addSubEntry(5, { compression: 1, records: 3, uncompressedSize: 42, data: gzipped });
          return batch;
        },
      },
      {
        name: 'a sub-entry, not compressed',
        hex:
          '0000004600020001000000000100000000000000068000030000002a0000002a0000000a005375a00568656c6c6f' +
          '0000000a005375a00568656c6c6f0000000a005375a00568656c6c6f',
        entries: [{ id: 6n, compression: 0, records: 3, uncompressedSize: 42, data: three }],
        make: () => {
          const batch = batchOf(1);
          batch.addSubEntry(6, { compression: 0, records: 3, uncompressedSize: 42, data: three });
          return batch;
        },
      },
    ];

    for (const { name, hex, entries, make } of cases) {
      it(name, () => {
        const batch = make();
        expect(batch.count).to.equal(entries.length);
        expect(batch.size).to.equal(hex.length / 2);
        expect(toHex(batch.finish())).to.equal(hex);
        const frame = oddView(hexBytes(hex));
        expect(decodeClientFrame(frame, 4, frame.length).fields).to.deep.equal({ publisherId: 0, entries });
      });
    }

    it('what is gzipped above is what is not compressed below', () => {
      expect(toHex(gunzipSync(gzipped))).to.equal(toHex(three));
    });
  });

  it('PublishConfirm', () => {
    const hex = '0000001900030001000000000200000000000000010000000000000002';
    expect(toHex(encodePublishConfirm(0, [1, 2n]))).to.equal(hex);
    const frame = oddView(hexBytes(hex));
    const confirm = new Confirm();
    expect(frameKey(frame, 4)).to.equal(keys.publishConfirm);
    readConfirm(frame, 4, frame.length, confirm);
    expect(confirm).to.deep.include({ publisherId: 0, count: 2 });
    expect([0, 8].map((at) => readId(frame, confirm.start + at))).to.deep.equal([1, 2]);
  });
});
