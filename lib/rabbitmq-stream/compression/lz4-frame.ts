import { maxLz4Block, readLz4Block, writeLz4Block } from './lz4-block.js';
import { xxh32 } from './xxh32.js';

const magic = 0x184d2204;
/** Sixteen magic numbers, from 0x184d2a50 on, start a frame that is for somebody else. */
const skippableMagic = 0x184d2a5;

/** The version of the format; blocks that don't refer to one another; nothing optional. */
const flags = 0x60;
const blockChecksums = 0x10;
const contentSize = 0x08;
const contentChecksum = 0x04;
const dictionary = 0x01;

const uncompressed = 0x8000_0000;

/** The largest block of each of the four sizes: 64 KiB, 256 KiB, 1 MiB, 4 MiB. */
function largestBlock(id: number): number {
  return 1 << (8 + 2 * id);
}

/** One frame without checksums, because the chunk that it is stored in has its own. @internal */
export function writeLz4Frame(bytes: Uint8Array): Uint8Array {
  let id = 4;
  while (id < 7 && largestBlock(id) < bytes.length) id++;
  const step = largestBlock(id);
  const out = Buffer.allocUnsafe(16 + maxLz4Block(bytes.length) + Math.ceil(bytes.length / step) * 24);
  out.writeUInt32LE(magic, 0);
  out[4] = flags;
  out[5] = id << 4;
  out[6] = (xxh32(out, 4, 6) >>> 8) & 0xff;
  let to = 7;
  for (let start = 0; start < bytes.length; start += step) {
    const end = Math.min(start + step, bytes.length);
    let length = writeLz4Block(bytes, start, end, out, to + 4) - to - 4;
    const smaller = length < end - start;
    if (!smaller) {
      length = end - start;
      out.set(bytes.subarray(start, end), to + 4);
    }
    to = out.writeUInt32LE(smaller ? length : length + uncompressed, to) + length;
  }
  return out.subarray(0, out.writeUInt32LE(0, to));
}

/** All frames of the bytes, one after the other, skippable ones left out. Makes no more than `size` bytes. @internal */
export function readLz4Frames(bytes: Uint8Array, size: number): Uint8Array {
  const out = new Uint8Array(size);
  let filled = 0;
  let frames = 0;
  for (let pos = 0; pos < bytes.length;) {
    const kind = wordAt(bytes, pos);
    if (kind === magic) {
      ({ pos, filled } = readFrame(bytes, pos, out, filled));
      frames++;
    } else if (kind >>> 4 === skippableMagic) {
      pos += 8 + wordAt(bytes, pos + 4);
      if (pos > bytes.length) throw new Error('a skippable frame is cut off');
    } else {
      throw new Error(`no frame starts at byte ${String(pos)}`);
    }
  }
  if (frames === 0) throw new Error('there is no frame');
  return filled === size ? out : out.subarray(0, filled);
}

interface Header {
  readonly flags: number;
  readonly maxBlock: number;
  readonly content: number | undefined;
  /** Where the first block starts. */
  readonly end: number;
}

function readFrame(bytes: Uint8Array, start: number, out: Uint8Array, frameStart: number) {
  const header = readHeader(bytes, start);
  if (header.content !== undefined && header.content > out.length - frameStart) {
    throw new Error(`a frame states ${String(header.content)} bytes of content`);
  }
  let pos = header.end;
  let filled = frameStart;
  while (true) {
    const word = wordAt(bytes, pos);
    pos += 4;
    if (word === 0) break;
    const length = word % uncompressed;
    const end = pos + length;
    if (length > header.maxBlock) throw new Error(`a block of ${String(length)} bytes is larger than its frame allows`);
    if (end > bytes.length) throw new Error('a block is cut off');
    const limit = Math.min(out.length, filled + header.maxBlock);
    if (word < uncompressed) {
      // with the flag, a block may not refer to those before it
      const history = (header.flags & 0x20) === 0 ? frameStart : filled;
      filled = readLz4Block(bytes, pos, end, out, filled, history, limit);
    } else {
      if (length > limit - filled) throw new Error('a frame inflates to more than it may');
      out.set(bytes.subarray(pos, end), filled);
      filled += length;
    }
    if ((header.flags & blockChecksums) !== 0) checkSum('block', wordAt(bytes, end), xxh32(bytes, pos, end));
    pos = (header.flags & blockChecksums) === 0 ? end : end + 4;
  }
  if (header.content !== undefined && header.content !== filled - frameStart) {
    throw new Error(`a frame of ${String(filled - frameStart)} bytes states ${String(header.content)}`);
  }
  if ((header.flags & contentChecksum) !== 0) {
    checkSum('frame', wordAt(bytes, pos), xxh32(out, frameStart, filled));
    pos += 4;
  }
  return { pos, filled };
}

function readHeader(bytes: Uint8Array, start: number): Header {
  const given = byteAt(bytes, start + 4);
  const sizes = byteAt(bytes, start + 5);
  const id = sizes >>> 4;
  // the version, and the bits that are kept for later ones
  if ((given & 0xc2) !== (flags & 0xc0) || (sizes & 0x8f) !== 0 || id < 4) {
    throw new Error(`the frame at byte ${String(start)} is of a version that is not known here`);
  }
  if ((given & dictionary) !== 0) throw new Error(`the frame at byte ${String(start)} needs a dictionary`);
  let pos = start + 6;
  let content: number | undefined;
  if ((given & contentSize) !== 0) {
    content = wordAt(bytes, pos) + wordAt(bytes, pos + 4) * 2 ** 32;
    pos += 8;
  }
  checkSum('header', byteAt(bytes, pos), (xxh32(bytes, start + 4, pos) >>> 8) & 0xff);
  return { flags: given, maxBlock: largestBlock(id), content, end: pos + 1 };
}

function checkSum(of: string, stated: number, actual: number): void {
  if (stated !== actual) throw new Error(`a ${of} does not match its checksum`);
}

function byteAt(bytes: Uint8Array, pos: number): number {
  return bytes[pos] ?? cutOff();
}

function wordAt(bytes: Uint8Array, pos: number): number {
  if (pos + 4 > bytes.length) cutOff();
  return (bytes[pos]! | (bytes[pos + 1]! << 8) | (bytes[pos + 2]! << 16) | (bytes[pos + 3]! << 24)) >>> 0;
}

function cutOff(): never {
  throw new Error('a frame is cut off');
}
