import * as zlib from 'node:zlib';
import type { Zstd } from '../platform.js';
import { checkLength, checkStated, loadZstdPackage } from '../zstd-package.js';

interface ZstdOptions {
  readonly params?: Readonly<Record<number, number>>;
  readonly dictionary?: Uint8Array | undefined;
  readonly maxOutputLength?: number;
}

/** What `node:zlib` has from Node 22.15 and 23.8 on; dictionaries came later. @internal */
export interface ZlibWithZstd {
  zstdCompressSync(bytes: Uint8Array, options: ZstdOptions): Uint8Array;
  zstdDecompressSync(frame: Uint8Array, options: ZstdOptions): Uint8Array;
  readonly constants: { readonly ZSTD_c_compressionLevel: number };
}

/** Node's own where it has it, the package `@bokuweb/zstd-wasm` for the rest; undefined where there is neither. @internal */
export async function loadNodeZstd(own: object = zlib, loadPackage = loadZstdPackage): Promise<Zstd | undefined> {
  if (!hasZstd(own)) return loadPackage();
  if (takesDictionary(own)) return zstdOf(own);
  const native = zstdOf(own);
  const wasm = await loadPackage();
  // a peer to which compression was offered may choose a dictionary at any time
  return (
    wasm && {
      compress: (bytes, level, dictionary) =>
        (dictionary === undefined ? native : wasm).compress(bytes, level, dictionary),
      decompress: (frame, length, dictionary) =>
        (dictionary === undefined ? native : wasm).decompress(frame, length, dictionary),
    }
  );
}

function hasZstd(own: object): own is ZlibWithZstd {
  return typeof (own as Partial<ZlibWithZstd>).zstdDecompressSync === 'function';
}

/** An option that is not known is ignored, so it is tried. */
function takesDictionary(own: ZlibWithZstd): boolean {
  const bytes = Buffer.from('a text that its dictionary has word by word, and so becomes very short with it');
  const plain = own.zstdCompressSync(bytes, {});
  return own.zstdCompressSync(bytes, { dictionary: bytes }).length < plain.length / 2;
}

function zstdOf(own: ZlibWithZstd): Zstd {
  return {
    compress: (bytes, level, dictionary) =>
      own.zstdCompressSync(bytes, {
        params: { [own.constants.ZSTD_c_compressionLevel]: level },
        ...(dictionary && { dictionary }),
      }),
    decompress(frame, length, dictionary) {
      checkStated(frame, length);
      const most = { maxOutputLength: Math.max(length, 1) };
      return checkLength(own.zstdDecompressSync(frame, { ...most, ...(dictionary && { dictionary }) }), length);
    },
  };
}
