import { makeCompressor, type Compressor } from './compressor.js';
import { zstdFrame } from './zstd-frames.js';

/** The two functions of `node:zlib` that there are from Node 22.15 and 23.8 on. @internal */
export interface ZstdOfNode {
  zstdCompressSync(bytes: Uint8Array): Uint8Array;
  zstdDecompressSync(bytes: Uint8Array, options: { maxOutputLength: number; chunkSize: number }): Uint8Array;
}

/** What is used of the package `@bokuweb/zstd-wasm`. @internal */
export interface ZstdPackage {
  init(): Promise<void>;
  compress(bytes: Uint8Array): Uint8Array;
  decompress(bytes: Uint8Array, options: { defaultHeapSize: number }): Uint8Array;
}

/** Writers make one frame of a batch. Each costs a decoder, which thousands of empty ones would make felt. */
const maxFrames = 1_000;

/** @internal */
export function zstdOfNode(zlib: ZstdOfNode): Compressor {
  return zstd(
    (bytes) => zlib.zstdCompressSync(bytes),
    // one byte more, so that a full buffer is not taken for a sign that there is more
    (frame, most) =>
      zlib.zstdDecompressSync(frame, { maxOutputLength: Math.max(most, 1), chunkSize: Math.max(most + 1, 64) }),
  );
}

/** The package must be initialised. @internal */
export function zstdOfPackage(wasm: ZstdPackage): Compressor {
  return zstd(
    (bytes) => wasm.compress(bytes),
    // the package inflates into as much as the frame states, or this where it states nothing
    (frame, most) => wasm.decompress(frame, { defaultHeapSize: most }),
  );
}

function zstd(
  compress: (bytes: Uint8Array) => Uint8Array,
  inflate: (frame: Uint8Array, most: number) => Uint8Array,
): Compressor {
  return makeCompressor('zstd', 4, {
    // a block of one byte repeated: 128 KiB for four
    bestRatio: 32_768,
    compress,
    inflate(bytes, size) {
      const parts: Uint8Array[] = [];
      let left = size;
      for (let pos = 0; pos < bytes.length;) {
        const { end, skip, most } = zstdFrame(bytes, pos, left);
        if (!skip) {
          const part = inflate(bytes.subarray(pos, end), most);
          left -= part.length;
          if (left < 0 || parts.push(part) > maxFrames) throw new Error('there are too many frames');
        }
        pos = end;
      }
      if (parts.length === 0) throw new Error('there is no frame');
      return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
    },
  });
}
