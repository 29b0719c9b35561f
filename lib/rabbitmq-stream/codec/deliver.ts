import { frameVersion, headBytes } from './head.js';
import { readI64Number, readId, readU32 } from './integers.js';
import { malformed } from './malformed.js';

/** What stands before the entries of a chunk. */
const chunkHead = 48;
const subEntryHead = 11;
/** Magic number and version. */
const magic = 0x50;
const mostRecords = 0xffff;

/** Key, version and subscription id; version 2 of Deliver has an offset behind them. */
const chunkAt = headBytes + 1;
const chunkAt2 = chunkAt + 8;

/**
 * Where the chunk begins in a Deliver frame; the subscription id is the byte at `start + 4`.
 * Throws `ProtocolError` for a version that is not known.
 */
export function chunkStart(bytes: Uint8Array, start: number, end: number): number {
  const version = frameVersion(bytes, start);
  if (version !== 1 && version !== 2) {
    throw malformed('Deliver', `the version ${String(version)} is not known`, 2, end - start);
  }
  const at = start + (version === 1 ? chunkAt : chunkAt2);
  if (at + chunkHead > end) throw malformed('Deliver', 'it ends before the chunk', end - start, end - start);
  return at;
}

/** What is told about a chunk. The entries lie between `dataStart` and `dataEnd`. */
export class ChunkHeader {
  /** 0: messages. Others hold the broker's own notes. */
  type = 0;
  /** How many entries: records and sub-entries. */
  entries = 0;
  /** How many records, those of sub-entries included. The next chunk's first offset is no less than the sum. */
  records = 0;
  /** In ms since 1970. */
  timestamp = 0;
  firstOffset: number | bigint = 0;
  /** CRC-32 of the bytes from `dataStart` to `dataEnd`. */
  crc = 0;
  dataStart = 0;
  dataEnd = 0;
}

/**
 * Reads the header of the chunk between `start` and `end`. Throws `ProtocolError` where it is none, or claims more bytes,
 * entries or records than can be there.
 */
export function readChunkHeader(bytes: Uint8Array, start: number, end: number, into: ChunkHeader): void {
  const length = end - start;
  if (length < chunkHead) throw malformed('chunk', 'it ends inside its header', length, length);
  if (bytes[start] !== magic) {
    throw malformed('chunk', `it begins with ${String(bytes[start])}, not with ${String(magic)}`, 0, length);
  }
  const entries = (bytes[start + 2]! << 8) | bytes[start + 3]!;
  const records = readU32(bytes, start + 4);
  const dataLength = readU32(bytes, start + 36);
  if (dataLength > length - chunkHead) {
    throw malformed('chunk', `the length of its data is ${String(dataLength)}`, 36, length);
  }
  if (entries * 4 > dataLength) {
    throw malformed('chunk', `${String(entries)} entries in ${String(dataLength)} bytes`, 2, length);
  }
  if (records > entries * mostRecords) {
    throw malformed('chunk', `${String(records)} records in ${String(entries)} entries`, 4, length);
  }
  into.type = bytes[start + 1]!;
  into.entries = entries;
  into.records = records;
  into.timestamp = readI64Number(bytes, start + 8);
  into.firstOffset = readId(bytes, start + 24);
  into.crc = readU32(bytes, start + 32);
  into.dataStart = start + chunkHead;
  into.dataEnd = start + chunkHead + dataLength;
}

/** Whether the entry at a position is a sub-entry, not a record. Each entry says so for itself. */
export function isSubEntry(bytes: Uint8Array, at: number): boolean {
  return bytes[at]! > 0x7f;
}

/**
 * The length of the record whose length field is at `at`; the record itself begins 4 bytes later. For records in
 * sub-entries too. Throws `ProtocolError` where it does not fit before `end`.
 */
export function recordLength(bytes: Uint8Array, at: number, end: number): number {
  if (end - at < 4) throw malformed('record', 'the chunk ends inside its length', 0, Math.max(0, end - at));
  // negative where it is longer than anything, as no record is
  const length = (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
  if (length < 0 || length > end - at - 4) throw tooLong('record', length >>> 0, at, end);
  return length;
}

/** What is told about a sub-entry. Its data, compressed, lies between `dataStart` and `dataEnd`. */
export class SubEntryHeader {
  /** 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd; up to 7. */
  compression = 0;
  records = 0;
  /** Bytes before compression. */
  uncompressedSize = 0;
  dataStart = 0;
  /** Where the next entry begins. */
  dataEnd = 0;
}

/** Reads the header of the sub-entry at a position. Throws `ProtocolError` where it does not fit before `end`. */
export function readSubEntryHeader(bytes: Uint8Array, at: number, end: number, into: SubEntryHeader): void {
  if (end - at < subEntryHead) throw malformed('sub-entry', 'the chunk ends inside its header', 0, end - at);
  const dataLength = readU32(bytes, at + 7);
  if (dataLength > end - at - subEntryHead) throw tooLong('sub-entry', dataLength, at, end);
  into.compression = (bytes[at]! & 0x70) >> 4;
  into.records = (bytes[at + 1]! << 8) | bytes[at + 2]!;
  into.uncompressedSize = readU32(bytes, at + 3);
  into.dataStart = at + subEntryHead;
  into.dataEnd = into.dataStart + dataLength;
}

/**
 * Goes through the entries of a chunk without looking into sub-entries: afterwards each of them is known to be whole, and
 * the counts to be true. Throws `ProtocolError`.
 */
export function checkEntries(bytes: Uint8Array, chunk: ChunkHeader): void {
  const { dataEnd, entries } = chunk;
  let pos = chunk.dataStart;
  let records = 0;
  for (let i = 0; i < entries; i++) {
    if (pos < dataEnd && bytes[pos]! > 0x7f) {
      readSubEntryHeader(bytes, pos, dataEnd, scratch);
      records += scratch.records;
      pos = scratch.dataEnd;
    } else {
      pos += 4 + recordLength(bytes, pos, dataEnd);
      records++;
    }
  }
  const length = dataEnd - chunk.dataStart;
  if (pos !== dataEnd)
    throw malformed('chunk', `its ${String(entries)} entries end early`, pos - chunk.dataStart, length);
  if (records !== chunk.records) {
    const counts = `${String(records)} records where it says ${String(chunk.records)}`;
    throw malformed('chunk', counts, pos - chunk.dataStart, length);
  }
}

/** As {@link checkEntries}, for the records of a sub-entry whose data is no more compressed. */
export function checkRecords(bytes: Uint8Array, start: number, end: number, records: number): void {
  let pos = start;
  let count = 0;
  while (pos < end && count < records) {
    pos += 4 + recordLength(bytes, pos, end);
    count++;
  }
  if (count !== records || pos !== end) {
    const rest = `${String(count)} of ${String(records)} records end at byte ${String(pos - start)}`;
    throw malformed('sub-entry', rest, pos - start, end - start);
  }
}

const scratch = new SubEntryHeader();

function tooLong(what: string, length: number, at: number, end: number): Error {
  return malformed(what, `its length is ${String(length)}, with ${String(end - at)} bytes left`, 0, end - at);
}
