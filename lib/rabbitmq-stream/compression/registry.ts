import { UnsupportedError } from '../../core/errors.js';
import { importPackage } from '../../core/optional-package.js';
import type { Compression, Compressor } from './compressor.js';
import { gzip } from './gzip.js';
import { lz4 } from './lz4.js';
import { none } from './none.js';
import { packageFor, startPackage, type CompressionPackages } from './packages.js';
import { snappyCompressor, type SnappyBlocks } from './snappy.js';
import { zstdOfNode, zstdOfPackage, type ZstdOfNode, type ZstdPackage } from './zstd.js';

/** Each at the place of its code. */
const names: readonly Compression[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];

/** The compressors of a process: those that are ready, and those that a package has to be loaded for. @internal */
export interface Compressors {
  ready(code: number): Compressor | undefined;
  load(codeOrName: number | Compression): Promise<Compressor>;
}

/**
 * @param packages - how the optional packages are imported
 * @param zlib - `node:zlib`, which has zstd or not
 * @internal
 */
export function makeCompressors(packages: CompressionPackages, zlib: object): Compressors {
  const ready: (Compressor | undefined)[] = [none, gzip, undefined, lz4, hasZstd(zlib) ? zstdOfNode(zlib) : undefined];
  const loading = new Map<Compression, Promise<Compressor>>();

  const loadPackage = async (name: Compression): Promise<Compressor> => {
    if (name === 'snappy') {
      const functions = ['compressSync', 'uncompressSync'] as const;
      const wanted = packageFor(name, 'snappy');
      return snappyCompressor(await importPackage<SnappyBlocks>(wanted, functions, () => packages.snappy()));
    }
    const functions = ['init', 'compress', 'decompress'] as const;
    const wanted = packageFor(name, '@bokuweb/zstd-wasm');
    const wasm = await importPackage<ZstdPackage>(wanted, functions, () => packages.zstd());
    const compressor = zstdOfPackage(wasm);
    await startPackage(
      wanted,
      () => wasm.init(),
      () => givesBack(compressor),
    );
    return compressor;
  };

  const loadOnce = async (name: Compression): Promise<Compressor> => {
    try {
      return (ready[names.indexOf(name)] = await loadPackage(name));
    } finally {
      // a failure is not kept: the next one who asks tries again
      loading.delete(name);
    }
  };

  return {
    ready: (code) => ready[code],
    async load(codeOrName) {
      const code = typeof codeOrName === 'number' ? codeOrName : names.indexOf(codeOrName);
      const name = names[code];
      if (name === undefined) throw unassigned(codeOrName);
      const there = ready[code];
      if (there) return there;
      let pending = loading.get(name);
      if (!pending) loading.set(name, (pending = loadOnce(name)));
      return pending;
    },
  };
}

function givesBack(compressor: Compressor): boolean {
  const some = Uint8Array.of(0, 1, 2, 3);
  try {
    return Buffer.compare(compressor.decompress(compressor.compress(some), some.length), some) === 0;
  } catch {
    return false;
  }
}

function hasZstd(zlib: object): zlib is ZstdOfNode {
  const { zstdCompressSync, zstdDecompressSync } = zlib as Partial<ZstdOfNode>;
  return typeof zstdCompressSync === 'function' && typeof zstdDecompressSync === 'function';
}

function unassigned(codeOrName: number | string): UnsupportedError {
  const known = names.map((name, code) => `${String(code)} ${name}`).join(', ');
  return new UnsupportedError(
    `compression ${String(codeOrName)} of a sub-entry is not one that the protocol assigns; known are ${known}`,
    { broker: 'rabbitmq-stream', detail: { compression: codeOrName } },
  );
}
