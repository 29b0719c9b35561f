import { makeCompressor, type Compressor } from './compressor.js';

/** The records as they are, without a copy. @internal */
export const none: Compressor = /* @__PURE__ */ makeCompressor('none', 0, {
  bestRatio: 1,
  compress: (bytes) => bytes,
  inflate: (bytes) => bytes,
});
