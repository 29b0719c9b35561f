import assert from 'node:assert/strict';

/** One entry of a Publish frame. */
export interface Published {
  readonly id: bigint;
  /** Version 2 only; null: none. */
  readonly filter?: string | null;
  /** The record, or what a sub-entry has as data. */
  readonly bytes: Buffer;
  readonly sub?: { readonly compression: number; readonly records: number; readonly uncompressedSize: number };
}

/** A Publish frame, read by the protocol's text and not by the code under test. */
export interface PublishFrame {
  readonly version: number;
  readonly publisherId: number;
  readonly entries: readonly Published[];
}

export function readPublish(frame: Uint8Array): PublishFrame {
  const bytes = Buffer.from(frame);
  assert.equal(bytes.readUInt32BE(0), bytes.length - 4, 'the size of the frame');
  assert.equal(bytes.readUInt16BE(4), 2, 'the key of Publish');
  const version = bytes.readUInt16BE(6);
  const count = bytes.readUInt32BE(9);
  const entries: Published[] = [];
  let at = 13;
  while (at < bytes.length) {
    const id = bytes.readBigUInt64BE(at);
    at += 8;
    let filter: string | null | undefined;
    if (version === 2) {
      const length = bytes.readInt16BE(at);
      filter = length < 0 ? null : bytes.toString('utf8', at + 2, at + 2 + length);
      at += 2 + Math.max(0, length);
    }
    const first = bytes[at]!;
    if (version === 1 && first >= 0x80) {
      const sub = {
        compression: (first & 0x70) >> 4,
        records: bytes.readUInt16BE(at + 1),
        uncompressedSize: bytes.readUInt32BE(at + 3),
      };
      const length = bytes.readUInt32BE(at + 7);
      entries.push({ id, sub, bytes: bytes.subarray(at + 11, at + 11 + length) });
      at += 11 + length;
    } else {
      const length = bytes.readUInt32BE(at);
      const record = bytes.subarray(at + 4, at + 4 + length);
      entries.push(filter === undefined ? { id, bytes: record } : { id, filter, bytes: record });
      at += 4 + length;
    }
  }
  assert.equal(at, bytes.length, 'the end of the last entry');
  assert.equal(entries.length, count, 'the number of entries');
  return { version, publisherId: bytes[8]!, entries };
}

/** The body of a record that is one short data section. */
export function bodyOf(record: Uint8Array): string {
  const bytes = Buffer.from(record);
  assert.equal(bytes.subarray(0, 4).toString('hex'), '005375a0');
  assert.equal(bytes[4], bytes.length - 5);
  return bytes.toString('utf8', 5);
}

/** The records of a sub-entry that is not compressed, or not any more. */
export function recordsOf(data: Buffer): Buffer[] {
  const records: Buffer[] = [];
  for (let at = 0; at < data.length; at += 4 + data.readUInt32BE(at)) {
    records.push(data.subarray(at + 4, at + 4 + data.readUInt32BE(at)));
  }
  return records;
}
