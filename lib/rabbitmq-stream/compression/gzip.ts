import { gunzipSync, gzipSync } from 'node:zlib';
import { makeCompressor, type Compressor } from './compressor.js';

/** What `info: true` makes of the result; its published types know nothing of it. */
interface Inflated {
  readonly buffer: Uint8Array;
  readonly engine: { readonly bytesWritten: number };
}

/** One gzip member; several in a row are read as one, as the format says. @internal */
export const gzip: Compressor = /* @__PURE__ */ makeCompressor('gzip', 1, {
  bestRatio: 1_032,
  compress: (bytes) => gzipSync(bytes),
  inflate(bytes, size) {
    // one buffer for all, so that nothing is put together afterwards; a full one would be taken for a sign that there is
    // more, hence its last byte
    const options = { maxOutputLength: Math.max(size, 1), chunkSize: Math.max(size + 1, 64), info: true };
    const { buffer, engine } = gunzipSync(bytes, options) as unknown as Inflated;
    // Node ignores zeros behind the last member, and anything that follows them
    const rest = bytes.length - engine.bytesWritten;
    if (rest > 0) throw new Error(`${String(rest)} bytes follow the last gzip member`);
    return buffer;
  },
});
