import { rethrow } from '../core/optional-package.js';
import type { Zstd } from './platform.js';
import { statedContent } from './zstd-frame.js';

/** What is used of the package `@bokuweb/zstd-wasm`. */
interface ZstdPackage {
  init(): Promise<void>;
  compress(bytes: Uint8Array, level: number): Uint8Array;
  decompress(frame: Uint8Array, options: { defaultHeapSize: number }): Uint8Array;
  createCCtx(): number;
  freeCCtx(context: number): void;
  compressUsingDict(context: number, bytes: Uint8Array, dictionary: Uint8Array, level: number): Uint8Array;
  createDCtx(): number;
  freeDCtx(context: number): void;
  decompressUsingDict(
    context: number,
    frame: Uint8Array,
    dictionary: Uint8Array,
    options: { defaultHeapSize: number },
  ): Uint8Array;
}

let loading: Promise<Zstd | undefined> | undefined;

/** Compression by the package `@bokuweb/zstd-wasm`; undefined where it is not installed or does not work here. @internal */
export function loadZstdPackage(): Promise<Zstd | undefined> {
  loading ??= load();
  return loading;
}

async function load(): Promise<Zstd | undefined> {
  try {
    const found: unknown = await import('@bokuweb/zstd-wasm').catch(rethrow);
    // Node names the exports of CommonJS only where it can read them off the source; the default always has them
    const wasm = [found, (found as { default?: unknown }).default].find(
      (each) => typeof (each as Partial<ZstdPackage> | undefined)?.compressUsingDict === 'function',
    ) as ZstdPackage | undefined;
    if (wasm === undefined) return undefined;
    // a second start would take the memory away from under those who use it
    if (!works(wasm)) await wasm.init();
    return works(wasm) ? zstdOf(wasm) : undefined;
  } catch {
    // compression is offered where it can be had, and only there
    return undefined;
  }
}

function works(wasm: ZstdPackage): boolean {
  try {
    const text = Uint8Array.of(1, 2, 3);
    return String(wasm.decompress(wasm.compress(text, 1), { defaultHeapSize: 3 })) === String(text);
  } catch {
    return false;
  }
}

function zstdOf(wasm: ZstdPackage): Zstd {
  return {
    compress(bytes, level, dictionary) {
      if (dictionary === undefined) return wasm.compress(bytes, level);
      const context = wasm.createCCtx();
      try {
        return wasm.compressUsingDict(context, bytes, dictionary, level);
      } finally {
        wasm.freeCCtx(context);
      }
    },
    decompress(frame, length, dictionary) {
      checkStated(frame, length);
      // where the frame states nothing it inflates into this much, and fails when there is more
      const options = { defaultHeapSize: Math.max(length, 1) };
      const bytes =
        dictionary === undefined ? wasm.decompress(frame, options) : withDictionary(frame, dictionary, options);
      return checkLength(bytes, length);
    },
  };

  function withDictionary(frame: Uint8Array, dictionary: Uint8Array, options: { defaultHeapSize: number }): Uint8Array {
    const context = wasm.createDCtx();
    try {
      return wasm.decompressUsingDict(context, frame, dictionary, options);
    } finally {
      wasm.freeDCtx(context);
    }
  }
}

/** @throws Error where a frame states another length @internal */
export function checkStated(frame: Uint8Array, length: number): void {
  const stated = statedContent(frame);
  if (stated !== undefined && stated !== length) throw wrongLength(stated, length);
}

/** @throws Error where it is another length @internal */
export function checkLength(bytes: Uint8Array, length: number): Uint8Array {
  if (bytes.length !== length) throw wrongLength(bytes.length, length);
  return bytes;
}

function wrongLength(found: number, length: number): Error {
  return new Error(`the zstd frame holds ${String(found)} bytes instead of ${String(length)}`);
}
