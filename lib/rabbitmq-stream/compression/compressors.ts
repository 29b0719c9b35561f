import * as zlib from 'node:zlib';
import type { Compression, Compressor } from './compressor.js';
import { compressionPackages } from './packages.js';
import { makeCompressors } from './registry.js';

const compressors = /* @__PURE__ */ makeCompressors(compressionPackages, zlib);

/**
 * The compressor of this code, if it can be used at once: none, gzip and lz4 always, zstd where Node has it, the others
 * once they are loaded.
 * @internal
 */
export function compressor(code: number): Compressor | undefined {
  return compressors.ready(code);
}

/**
 * The compressor of this code or name, after the package that it needs is loaded.
 * @throws UnsupportedError, as a rejection, whose one line names the package to install or says that no compression has
 * this code
 * @internal
 */
export function loadCompressor(codeOrName: number | Compression): Promise<Compressor> {
  return compressors.load(codeOrName);
}
