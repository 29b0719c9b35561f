import { makeCompressor, type Compressor } from './compressor.js';
import { crc32c } from '../../core/wire/crc32c.js';

/** The two functions of the package `snappy` that are used here: raw blocks, without the frame around them. @internal */
export interface SnappyBlocks {
  compressSync(input: Uint8Array, options: { copyOutputData: boolean }): Uint8Array;
  uncompressSync(input: Uint8Array, options: { copyOutputData: boolean }): unknown;
}

/** A buffer of V8 is three times as fast as one that the native side owns, and leaves nothing to a finalizer. */
const own = { copyOutputData: true };

/** The most that one chunk holds before compression. */
const maxBlock = 65_536;
const checksumBytes = 4;
const chunkHeaderBytes = 4;

const compressedChunk = 0x00;
const uncompressedChunk = 0x01;
const identifierChunk = 0xff;
/** Types from here to the identifier may be skipped: reserved ones and the padding. */
const firstSkippable = 0x80;

/** The chunk that every stream starts with: its header, then "sNaPpY". */
const identifier = Uint8Array.of(identifierChunk, 6, 0, 0, 0x73, 0x4e, 0x61, 0x50, 0x70, 0x59);

/** Snappy's framing format, as Java and Go write it, over the blocks that the package makes. @internal */
export function snappyCompressor(blocks: SnappyBlocks): Compressor {
  return makeCompressor('snappy', 2, {
    // 64 bytes of a copy that takes three
    bestRatio: 22,
    compress: (bytes) => frame(blocks, bytes),
    inflate: (bytes, size) => unframe(blocks, bytes, size),
  });
}

function frame(blocks: SnappyBlocks, bytes: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = [identifier];
  for (let start = 0; start < bytes.length; start += maxBlock) {
    const block = bytes.subarray(start, start + maxBlock);
    const compressed = blocks.compressSync(block, own);
    // less than an eighth saved is not worth the reader's time, as other writers have it
    const worthIt = compressed.length < block.length - (block.length >>> 3);
    const data = worthIt ? compressed : block;
    parts.push(chunkHeader(worthIt ? compressedChunk : uncompressedChunk, data.length, mask(crc32c(block))), data);
  }
  return Buffer.concat(parts);
}

function chunkHeader(type: number, dataLength: number, checksum: number): Uint8Array {
  const header = Buffer.allocUnsafe(chunkHeaderBytes + checksumBytes);
  header[0] = type;
  header.writeUIntLE(checksumBytes + dataLength, 1, 3);
  header.writeUInt32LE(checksum, chunkHeaderBytes);
  return header;
}

function unframe(blocks: SnappyBlocks, bytes: Uint8Array, size: number): Uint8Array {
  const out = new Uint8Array(size);
  let filled = 0;
  for (let pos = 0; pos < bytes.length || pos === 0;) {
    if (bytes.length - pos < chunkHeaderBytes) throw new Error(`a chunk is cut off at byte ${String(pos)}`);
    const type = bytes[pos]!;
    const start = pos + chunkHeaderBytes;
    const end = start + (bytes[pos + 1]! | (bytes[pos + 2]! << 8) | (bytes[pos + 3]! << 16));
    if (end > bytes.length) throw new Error(`a chunk is cut off at byte ${String(pos)}`);
    if (pos === 0 && type !== identifierChunk) throw new Error('they do not start with the identifier of the format');
    if (type <= uncompressedChunk) {
      if (end - start < checksumBytes) throw new Error(`a chunk has no checksum at byte ${String(pos)}`);
      const from = start + checksumBytes;
      const data = bytes.subarray(from, end);
      const length = type === compressedChunk ? statedLength(data) : data.length;
      if (length > maxBlock) throw new Error(`a chunk has ${String(length)} bytes at byte ${String(pos)}`);
      if (length > size - filled) throw new Error('they inflate to more');
      out.set(type === compressedChunk ? uncompressed(blocks, data, length) : data, filled);
      if (mask(crc32c(out, filled, filled + length)) !== checksumAt(bytes, start)) {
        throw new Error(`a chunk does not match its checksum at byte ${String(pos)}`);
      }
      filled += length;
    } else if (type === identifierChunk) {
      checkIdentifier(bytes, pos, end);
    } else if (type < firstSkippable) {
      throw new Error(`a chunk has the reserved type ${String(type)} at byte ${String(pos)}`);
    }
    pos = end;
  }
  return filled === size ? out : out.subarray(0, filled);
}

function uncompressed(blocks: SnappyBlocks, data: Uint8Array, length: number): Uint8Array {
  const block = blocks.uncompressSync(data, own);
  if (block instanceof Uint8Array && block.length === length) return block;
  throw new Error('a block does not have the length that it states');
}

/** The length of a block once it is inflated: the varint that it starts with. */
function statedLength(block: Uint8Array): number {
  let length = 0;
  for (let at = 0; at < 5; at++) {
    const byte = block[at];
    if (byte === undefined) break;
    length += (byte & 0x7f) * 2 ** (7 * at);
    if (byte < 0x80) return length;
  }
  throw new Error('a block does not start with its length');
}

function checkIdentifier(bytes: Uint8Array, start: number, end: number): void {
  const same = end - start === identifier.length && identifier.every((byte, at) => bytes[start + at] === byte);
  if (!same) throw new Error(`the identifier of the format is wrong at byte ${String(start)}`);
}

/** Checksums of data that holds checksums are known to be weak, so the format turns them and adds a constant. */
function mask(crc: number): number {
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

function checksumAt(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
}
