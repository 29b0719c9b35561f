import { crc32 } from 'node:zlib';
import { ProtocolError } from '../../core/errors.js';
import { offsetAfter, type OffsetKey } from '../../core/offset.js';
import type { Track } from '../../core/track.js';
import {
  ChunkHeader,
  SubEntryHeader,
  checkEntries,
  checkRecords,
  isSubEntry,
  readChunkHeader,
  readSubEntryHeader,
  recordLength,
} from '../codec/deliver.js';
import { readId } from '../codec/integers.js';
import { compressor } from '../compression/compressors.js';
import type { Origin } from '../delivery.js';

const nothing = new Uint8Array(0);
const header = new ChunkHeader();
const subEntry = new SubEntryHeader();
/** Where the leader's term stands in the header of a chunk. */
const epochAt = 16;
/** Types of chunks: messages, and the last of those with the broker's own notes. */
const messages = 0;
const lastOfNotes = 2;

/** Who is told of a chunk's deliveries. @internal */
export interface ChunkReader {
  settled(chunk: Chunk, track: Track): void;
}

/**
 * A chunk, and a cursor over its records: `next()` moves to one, which lies between `start` and `end` of `bytes` and has
 * the offset `offset`. Nothing is allocated for a record.
 * @internal
 */
export class Chunk implements Origin {
  readonly timestamp: number;
  /** The leader's term. */
  readonly epoch: OffsetKey;
  readonly first: OffsetKey;
  readonly records: number;
  /** Bytes that it holds on to: those that came, and what sub-entries were inflated to. */
  size: number;
  /** Deliveries that were emitted and are unsettled. */
  open = 0;
  /** Whether all its records were gone through. */
  done = false;
  /** The current record. */
  bytes: Uint8Array;
  start = 0;
  end = 0;
  offset: OffsetKey;
  /** The number of a compression that has to be loaded before it can go on. */
  missing: number | undefined = undefined;

  private data: Uint8Array;
  private at: number;
  private readonly dataEnd: number;
  private entries: number;
  private upcoming: OffsetKey;
  /** What lies before it is not asked for. */
  private from: OffsetKey | undefined = undefined;
  // the sub-entry that the cursor is in
  private inside: Uint8Array = nothing;
  private insideAt = 0;
  private left = 0;

  /**
   * Takes a chunk of a Deliver frame, and a copy of its bytes unless they are `owned`.
   * @throws ProtocolError if it is malformed, or not what the broker has stored (its CRC)
   */
  constructor(
    bytes: Uint8Array,
    start: number,
    end: number,
    owned: boolean,
    private readonly reader?: ChunkReader,
  ) {
    readChunkHeader(bytes, start, end, header);
    const { dataStart, dataEnd, crc, type, firstOffset } = header;
    if (type > lastOfNotes) throw malformed(firstOffset, `has the type ${type}, which is not known`);
    const data = plain(bytes.subarray(dataStart, dataEnd));
    const actual = crc32(data);
    if (actual !== crc) {
      throw malformed(firstOffset, `has the CRC-32 ${hex(actual)} where its header says ${hex(crc)}`);
    }
    const isMessages = type === messages;
    // before anything is emitted, and because the CRC does not cover the header, by which offsets are counted
    if (isMessages) checkEntries(bytes, header);
    this.timestamp = header.timestamp;
    this.epoch = readId(bytes, start + epochAt);
    this.first = firstOffset;
    this.records = header.records;
    this.offset = firstOffset;
    this.data = owned ? data : data.slice();
    this.bytes = this.data;
    this.size = this.dataEnd = data.length;
    // the broker's own notes are passed over
    this.entries = isMessages ? header.entries : 0;
    this.upcoming = firstOffset;
    this.at = 0;
  }

  /** The offset after its last record. */
  get after(): OffsetKey {
    return add(this.first, this.records);
  }

  /**
   * Moves to the next record. False where there is none: `done`, or `missing` says which compression is to be loaded.
   * @throws ProtocolError
   */
  next(): boolean {
    if (this.left > 0) return this.nextInside();
    while (this.entries > 0) {
      const { data, at } = this;
      if (!isSubEntry(data, at)) {
        const length = recordLength(data, at, this.dataEnd);
        this.entries--;
        this.bytes = data;
        this.start = at + 4;
        this.at = this.end = at + 4 + length;
        this.advance();
        return true;
      }
      if (!this.enter()) return false;
      if (this.left > 0) return this.nextInside();
    }
    this.done = true;
    return false;
  }

  /**
   * What lies before that offset is not asked for: sub-entries that lie there as a whole are not inflated for nothing.
   * Records still come, and so may the first ones of a sub-entry.
   */
  skipTo(offset: OffsetKey): void {
    this.from = offset;
  }

  settled(track: Track): void {
    this.open--;
    this.reader?.settled(this, track);
  }

  /** Lets go of its bytes. */
  clear(): void {
    this.data = this.bytes = this.inside = nothing;
    this.entries = this.left = 0;
    this.done = true;
  }

  private enter(): boolean {
    readSubEntryHeader(this.data, this.at, this.dataEnd, subEntry);
    const { compression, records, uncompressedSize, dataStart, dataEnd } = subEntry;
    const after = add(this.upcoming, records);
    if (this.from !== undefined && after <= this.from) {
      this.upcoming = after;
    } else {
      const codec = compressor(compression);
      if (codec === undefined) {
        this.missing = compression;
        return false;
      }
      this.missing = undefined;
      const inside = plain(codec.decompress(this.data.subarray(dataStart, dataEnd), uncompressedSize));
      if (inside.buffer !== this.data.buffer) this.size += inside.length;
      checkRecords(inside, 0, inside.length, records);
      this.inside = inside;
      this.insideAt = 0;
      this.left = records;
    }
    this.at = dataEnd;
    this.entries--;
    return true;
  }

  private nextInside(): boolean {
    const { inside, insideAt } = this;
    const length = recordLength(inside, insideAt, inside.length);
    this.bytes = inside;
    this.start = insideAt + 4;
    this.insideAt = this.end = insideAt + 4 + length;
    this.left--;
    this.advance();
    return true;
  }

  private advance(): void {
    this.offset = this.upcoming;
    this.upcoming = offsetAfter(this.upcoming);
  }
}

function malformed(first: OffsetKey, problem: string): ProtocolError {
  return new ProtocolError(`the chunk at offset ${first} ${problem}`, { broker: 'rabbitmq-stream' });
}

/**
 * The same bytes without the methods of a Buffer, whose `slice` makes no copy: whoever takes a record out would hold on to
 * all of it.
 */
function plain(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}

function add(offset: OffsetKey, count: number): OffsetKey {
  if (typeof offset === 'number' && Number.isSafeInteger(offset + count)) return offset + count;
  return BigInt(offset) + BigInt(count);
}

function hex(crc: number): string {
  return `0x${crc.toString(16).padStart(8, '0')}`;
}
