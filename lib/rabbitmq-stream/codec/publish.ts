import { UnsupportedError } from '../../core/errors.js';
import type { Allocate } from './allocate.js';
import { writeU32, writeU64 } from './integers.js';
import { keys } from './keys.js';
import { dataSectionLength } from './amqp/data-section.js';
import { writeRecord } from './record.js';
import { Slab } from './slab.js';

/** Whose messages a {@link PublishBatch} has, and how large it can be. */
export interface PublishBatchOptions {
  readonly publisherId: number;
  /** 2 has filter values and no sub-entries, 1 the other way round. */
  readonly version: 1 | 2;
  /** Bytes, the frame's size field included; 0: no limit. */
  readonly frameMax: number;
  readonly allocate: Allocate;
}

/** Messages that share a publishing id, a confirm and a compression. */
export interface SubEntry {
  /** 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd. */
  readonly compression: number;
  /** How many, 1 to 65 535. */
  readonly records: number;
  /** Bytes before compression. */
  readonly uncompressedSize: number;
  /** What `SubEntryRecords` gave, compressed. */
  readonly data: Uint8Array;
}

/** Size, key, version, publisher id, count. */
const frameHead = 13;
const entryHead = 12;
const filterHead = 2;
const subEntryHead = 19;
/** The first bit of an entry's length says that it is a sub-entry. */
const longestRecord = 0x7fff_ffff;

/**
 * The longest record that fits into a frame, alone.
 * @param frameMax - bytes; 0: no limit
 * @param filterLength - bytes of UTF-8; 0 where there is none
 */
export function maxRecordLength(frameMax: number, version: 1 | 2, filterLength = 0): number {
  if (frameMax === 0) return longestRecord;
  const rest = frameMax - frameHead - entryHead - (version === 2 ? filterHead + filterLength : 0);
  return Math.max(0, Math.min(rest, longestRecord));
}

/** The longest data of a sub-entry that fits into a frame, alone. @param frameMax - bytes; 0: no limit */
export function maxSubEntryLength(frameMax: number): number {
  return frameMax === 0 ? longestRecord : Math.max(0, frameMax - frameHead - subEntryHead);
}

/**
 * One Publish frame in the making, and then the next. Nothing is made for a message: it is written where the socket will
 * read it. Ask `fits` before adding; what is added nevertheless makes a frame that the broker may refuse.
 */
export class PublishBatch {
  /** How many entries the frame has; a sub-entry is one. */
  count = 0;
  readonly version: 1 | 2;
  private readonly slab: Slab;
  private readonly publisherId: number;
  private readonly limit: number;
  /** What an entry of a record has before its filter value and its record. */
  private readonly entryHead: number;

  constructor(options: PublishBatchOptions) {
    const { publisherId, version, frameMax, allocate } = options;
    this.version = version;
    this.publisherId = publisherId;
    this.limit = frameMax === 0 ? Number.MAX_SAFE_INTEGER : frameMax;
    this.entryHead = version === 2 ? entryHead + filterHead : entryHead;
    this.slab = new Slab(allocate, frameHead, frameMax);
  }

  /** Bytes of the frame so far, its size field included. */
  get size(): number {
    return this.slab.size;
  }

  /** Whether a record of so many bytes still fits. @param filterLength - bytes of UTF-8; 0 where there is none */
  fits(recordLength: number, filterLength = 0): boolean {
    return this.slab.size + this.entryHead + filterLength + recordLength <= this.limit;
  }

  /** Whether a body still fits that is added with `addBody`. */
  fitsBody(bodyLength: number, preambleLength = 0, filterLength = 0): boolean {
    return this.fits(preambleLength + dataSectionLength(bodyLength), filterLength);
  }

  /** Whether a sub-entry with so many bytes of data still fits. */
  fitsSubEntry(dataLength: number): boolean {
    return this.slab.size + subEntryHead + dataLength <= this.limit;
  }

  /**
   * Adds a body as an AMQP 1.0 message.
   * @param id - the publishing id: a safe integer or a bigint, 0 to 2^64 - 1
   * @param body - becomes the data section
   * @param preamble - the sections before it, as they are
   * @param filter - the filter value as UTF-8; for version 2 only
   */
  addBody(id: number | bigint, body: Uint8Array, preamble: Uint8Array | undefined, filter?: Uint8Array | null): void {
    const before = preamble === undefined ? 0 : preamble.length;
    const pos = this.addEntry(id, before + dataSectionLength(body.length), filter);
    this.slab.pos = writeRecord(this.slab.bytes, pos, body, preamble);
    this.count++;
  }

  /** Adds a record as it is. See `addBody`. */
  addRecord(id: number | bigint, record: Uint8Array, filter?: Uint8Array | null): void {
    const pos = this.addEntry(id, record.length, filter);
    this.slab.bytes.set(record, pos);
    this.slab.pos = pos + record.length;
    this.count++;
  }

  /** Adds several messages under one id. Throws `UnsupportedError` in version 2, for which a broker hangs up. */
  addSubEntry(id: number | bigint, entry: SubEntry): void {
    if (this.version !== 1) throw unsupported('sub-entries', 2);
    const { slab } = this;
    const { data } = entry;
    slab.reserve(subEntryHead + data.length);
    const { bytes, pos } = slab;
    writeU64(bytes, pos, id);
    bytes[pos + 8] = 0x80 | (entry.compression << 4);
    bytes[pos + 9] = entry.records >>> 8;
    bytes[pos + 10] = entry.records;
    writeU32(bytes, pos + 11, entry.uncompressedSize);
    writeU32(bytes, pos + 15, data.length);
    bytes.set(data, pos + subEntryHead);
    slab.pos = pos + subEntryHead + data.length;
    this.count++;
  }

  /** The whole frame. It is the caller's, and the next one begins. */
  finish(): Uint8Array {
    const frame = this.slab.take();
    writeU32(frame, 0, frame.length - 4);
    writeU32(frame, 4, (keys.publish << 16) | this.version);
    frame[8] = this.publisherId;
    writeU32(frame, 9, this.count);
    this.count = 0;
    return frame;
  }

  /** Makes room for an entry and writes what stands before its record; gives where that goes. */
  private addEntry(id: number | bigint, recordLength: number, filter: Uint8Array | null | undefined): number {
    const { slab } = this;
    const filterLength = filter ? filter.length : 0;
    slab.reserve(this.entryHead + filterLength + recordLength);
    const { bytes } = slab;
    let { pos } = slab;
    writeU64(bytes, pos, id);
    pos += 8;
    if (this.version === 2) pos = writeFilter(bytes, pos, filter);
    else if (filter) throw unsupported('filter values', 1);
    writeU32(bytes, pos, recordLength);
    return pos + 4;
  }
}

function writeFilter(out: Uint8Array, at: number, filter: Uint8Array | null | undefined): number {
  if (!filter) {
    out[at] = out[at + 1] = 0xff;
    return at + 2;
  }
  out[at] = filter.length >>> 8;
  out[at + 1] = filter.length;
  out.set(filter, at + 2);
  return at + 2 + filter.length;
}

function unsupported(what: string, version: number): UnsupportedError {
  return new UnsupportedError(
    `version ${String(version)} of Publish has no ${what}: RabbitMQ takes filter values or sub-entries, not both`,
    { broker: 'rabbitmq-stream' },
  );
}
