import { makeCompressor, type Compressor } from './compressor.js';
import { readLz4Frames, writeLz4Frame } from './lz4-frame.js';

/**
 * LZ4 frames, read and written here, without a package. The native one can't be told how much a frame may inflate to,
 * passes over whatever follows the first frame, and reads no faster.
 * @internal
 */
export const lz4: Compressor = /* @__PURE__ */ makeCompressor('lz4', 3, {
  // a byte more of a match's length
  bestRatio: 256,
  compress: writeLz4Frame,
  inflate: readLz4Frames,
});
